"""The public face: its rows are the published rows, whatever their number, and bad input says what to do."""

import pytest

import arith_puzzle
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.dataset_builder.generate import generate_shard


@pytest.mark.parametrize("rows", [1, 2, 3, 50, 5000])
def test_generate_gives_the_first_rows_of_the_split(rows):
    whole = generate_shard(CONFIGS["starter"], "test", 0, 0).to_pylist()
    assert arith_puzzle.generate("starter", "test", rows=rows) == whole[:rows]
    assert all(arith_puzzle.verify(r["numbers"], r["target"], r["completion"]).correct for r in whole[:rows])


def test_solve_gives_solutions_that_verify():
    found = arith_puzzle.solve([3, 6, 7, 51, 58], 4, limit=None)
    assert len(found) == len(set(found)) > 10
    assert all(arith_puzzle.verify([3, 6, 7, 51, 58], 4, text).correct for text in found)
    assert arith_puzzle.solve([1, 1], 5) == [] and len(arith_puzzle.solve([3, 6, 7, 51, 58], 4)) == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: arith_puzzle.generate("2m"), "unknown config '2m'; known: 1m"),
        (lambda: arith_puzzle.generate("starter", "n9"), "no split 'n9'; it has train"),
        (lambda: arith_puzzle.generate(rows=0), "rows must be at least 1"),
        (lambda: arith_puzzle.solve([1, 2], 3, limit=0), "limit must be an integer of at least 1"),
        (lambda: arith_puzzle.solve([1], 1), "2 to"),
        (lambda: arith_puzzle.solve("23", 5), "numbers must be a list of integers"),
        (lambda: arith_puzzle.solve([2, 3], 5, limit="1"), "limit must be an integer"),
        (lambda: arith_puzzle.generate(seed=True), "seed must be an integer"),
        (lambda: arith_puzzle.load_metric("bleu"), "unknown metric 'bleu'"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(InputError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_names_are_listed_and_others_are_not_there():
    assert set(arith_puzzle.__all__) <= set(dir(arith_puzzle)) and arith_puzzle.__version__
    with pytest.raises(AttributeError, match="no attribute 'sovle'"):
        arith_puzzle.sovle  # noqa: B018
