# ruff: noqa: RUF001 -- characters that look like others are among the inputs
"""``verify_batch`` gives the verdicts of ``verify``, for every kind of column."""

import importlib.util
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.verify_batch import REASON_NAMES, verify_batch
from arith_puzzle.metrics.arith_puzzle_verifier.verify import MAX_RESPONSE_CHARS, REASONS, verify
from tests.paths import ROOT

SINGLE = ROOT / "tests" / "metrics" / "test_verify.py"
PAPER = ([3, 6, 7, 51, 58], 4, "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4")


def _load(path: Path):
    spec = importlib.util.spec_from_file_location("strategies_of_" + path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


single = _load(SINGLE)  # its strategies: random solutions, mutated solutions, well-formed lines


def same(rows, division="exact"):
    """Check that the batch gives the verdicts of ``verify`` for rows (numbers, target, response). Return the batch."""
    batch = verify_batch(*map(list, zip(*rows, strict=True)), division=division) if rows else verify_batch([], [], [])
    assert (batch.correct.dtype, batch.reason.dtype, batch.line.dtype) == (np.bool_, np.int8, np.int32)
    assert batch.correct.shape == batch.reason.shape == batch.line.shape == (len(rows),)
    for at, (numbers, target, response) in enumerate(rows):
        assert batch.verdict(at) == verify(numbers, target, response, division=division), rows[at]
    return batch


def test_codes_are_the_verifiers_reasons():
    assert tuple(REASONS) == REASON_NAMES and REASON_NAMES[0] == "ok"
    batch = same([PAPER, ([2, 3], 5, "2+3=6"), ([2, 3], 5, "")])
    assert batch.correct.tolist() == [True, False, False]
    assert [REASON_NAMES[code] for code in batch.reason] == ["ok", "wrong_result", "wrong_equation_count"]
    assert batch.line.tolist() == [0, 1, 0]


@pytest.mark.parametrize("path", [single.OURS, single.AGREED], ids=["ours", "agreed"])
def test_cases(path):
    if not path.is_file():
        pytest.skip("the agreed cases are not part of a public clone; the project's own cases are tested above")
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    for division in single.DIVISIONS:
        rows = [case for case in cases if case["division"] == division]
        batch = same([(case["numbers"], case["target"], case["response"]) for case in rows], division)
        found = [(verdict.reason, verdict.line) for verdict in map(batch.verdict, range(len(rows)))]
        assert found == [(case["reason"], case["line"]) for case in rows]


# Differential


@given(st.lists(single.mutated() | single.equations(), min_size=1, max_size=8), st.sampled_from(single.DIVISIONS))
@settings(max_examples=400, deadline=None)
def test_mutated_solutions(cases, division):
    same([(numbers, target, text) for numbers, target, text, _ in cases], division)


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(-3, 9), max_size=4),
            st.integers(-9, 9),
            st.text(max_size=30) | st.text(single.LEGAL, max_size=40) | st.text("\ud800\x00٣×2+3=5\n", max_size=9),
        ),
        max_size=8,
    ),
    st.sampled_from(single.DIVISIONS),
)
@settings(max_examples=400, deadline=None)
def test_any_text(rows, division):
    same(rows, division)


EDGES = [2**31, 2**32, 3037000499, 10**17, 10**18 - 1, 10**18, 2**63 - 1, 2**63, 2**64, 10**30]
huge = st.sampled_from(EDGES + [-edge for edge in EDGES] + [-1, 0, 1, 2])


@given(st.lists(huge, min_size=2, max_size=3), huge, st.data(), st.sampled_from(single.DIVISIONS))
@settings(max_examples=400, deadline=None)
def test_numbers_beyond_64_bits(numbers, target, data, division):
    pool, lines = list(numbers), []
    while len(pool) > 1:
        a, b = pool.pop(0), pool.pop(0)
        op = data.draw(st.sampled_from("+-*/"))
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else 0
        value = {"+": a + b, "-": a - b, "*": a * b, "/": quotient}[op]
        wrapped = (value + 2**63) % 2**64 - 2**63  # what 64 bits would make of it
        value = data.draw(st.sampled_from([value, value, value, wrapped, value + 1]))
        lines.append(f"{a}{op}{b}={value}")
        pool.append(value)
    same([(numbers, data.draw(st.sampled_from([target, pool[0]])), "\n".join(lines)), PAPER], division)


def test_a_product_that_wraps_round_is_no_solution():
    a, b = 2**32 + 1, 2**32
    assert same([([a, b], 2**32, f"{a}*{b}={2**32}")]).reason.tolist() == [REASON_NAMES.index("wrong_result")]
    assert same([([a, b], a * b, f"{a}*{b}={a * b}")]).correct.all()


@pytest.mark.parametrize("filler", ["1", "×", "😀", "\n", " ", "\ud800", "=", "é1"])
def test_length_is_counted_in_characters(filler):
    texts = [(filler * MAX_RESPONSE_CHARS)[:length] for length in range(MAX_RESPONSE_CHARS - 2, MAX_RESPONSE_CHARS + 1)]
    texts += [text + extra for text in texts for extra in ("1", "é", "\n")]
    same([([2, 3], 5, text) for text in texts])


def test_large_and_repetitive_responses():
    million = 10_000_000
    texts = ["9" * million, "\n" * million, "1+1=2\n" * (million // 6), "×" * (million // 2), "\x00" * million]
    same([([2, 3], 5, text) for text in texts])
    ones = [1] * 820
    line = "1*1=1\n"
    same([(ones[:n], 1, line * (n - 1)) for n in (2, 500, 682, 683, 684, 820)])
    same([(ones[:n], 1, line * n) for n in (2, 682, 683)])


# Kinds of columns


def _rows(count: int) -> list:
    rng = random.Random(5)
    rows = []
    for _ in range(count):
        numbers = [rng.randint(1, 9) for _ in range(rng.randint(1, 5))]
        pool, lines = list(numbers), []
        while len(pool) > 1:
            a, b = pool.pop(), pool.pop()
            lines.append(f"{a}+{b}={a + b}")
            pool.append(a + b + (rng.random() < 0.1))
        rows.append((numbers, pool[0], "\n".join(lines)))
    return rows


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
@pytest.mark.parametrize("list_of", [pa.list_, pa.large_list])
@pytest.mark.parametrize("whole", [pa.int8(), pa.int32(), pa.int64(), pa.uint64()], ids=str)
def test_arrow_columns_whole_sliced_and_chunked(text, list_of, whole):
    rows = _rows(40)
    numbers, targets, texts = zip(*rows, strict=True)
    columns = [pa.array(numbers, list_of(whole)), pa.array(targets, pa.int16()), pa.array(texts, text)]
    wanted = [verify(*row) for row in rows]
    assert 0 < sum(verdict.correct for verdict in wanted) < 40

    def check(columns, wanted):
        batch = verify_batch(*columns)
        assert [batch.verdict(at) for at in range(len(wanted))] == wanted

    check(columns, wanted)
    check([column[7:31] for column in columns], wanted[7:31])
    check([column[9:9] for column in columns], [])
    chunked = [pa.chunked_array([column[:5], column[5:5], column[5:33]]) for column in columns]
    check(chunked, wanted[:33])
    check([column[3:20] for column in chunked], wanted[3:20])
    check([chunked[0], columns[1][:33], texts[:33]], wanted[:33])
    check([pa.chunked_array([], column.type) for column in columns], [])


def test_numpy_and_fixed_size_columns():
    rows = [row for row in _rows(200) if len(row[0]) == 3]
    numbers, targets, texts = zip(*rows, strict=True)
    wanted = [verify(*row) for row in rows]
    for given_numbers in (
        np.array(numbers),
        np.array(numbers, np.uint8),
        pa.array(numbers, pa.list_(pa.int32(), 3)),
        pa.array(numbers, pa.list_(pa.int32(), 3))[:],
    ):
        for given_texts in (np.array(texts), np.array(texts, object), texts):
            batch = verify_batch(given_numbers, np.array(targets), given_texts)
            assert [batch.verdict(at) for at in range(len(rows))] == wanted
    batch = verify_batch(pa.array(numbers, pa.list_(pa.int32(), 3))[4:9], targets[4:9], texts[4:9])
    assert [batch.verdict(at) for at in range(5)] == wanted[4:9]
    huge = np.array([[2**64 - 1, 1]], np.uint64)
    assert verify_batch(huge, [2**64], [f"{2**64 - 1}+1={2**64}"]).correct.all()
    assert verify_batch(huge, pa.array([2**64 - 2], pa.uint64()), [f"{2**64 - 1}-1={2**64 - 2}"]).correct.all()


def test_bytes_that_are_no_text_are_illegal_characters():
    offsets = pa.py_buffer(np.array([0, 5, 6], np.int32))
    texts = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"2+3=5\xff"))
    batch = verify_batch([[2, 3], [2, 3]], [5, 5], texts)
    assert [REASON_NAMES[code] for code in batch.reason] == ["ok", "illegal_characters"]


BAD = {
    "lengths": (([[2, 3]], [5, 6], ["", ""]), "must have the same length, not 1, 2 and 2"),
    "null response": (([[2, 3]], [5], [None]), "row 0 is None"),
    "null in Arrow": (([[2, 3]] * 2, [5, 5], pa.array(["", None])), "responses must not contain nulls, but entry 1"),
    "null target": (([[2, 3]], [None], [""]), "targets must be a column of integers, not null"),
    "null list": ((pa.array([[2], None]), [5, 5], ["", ""]), "numbers must not contain nulls, but entry 1"),
    "null number": ((pa.array([[2, None]]), [5], [""]), "numbers must not contain nulls, but entry 1"),
    "numbers for texts": (([[2, 3]], [5], pa.array([1])), "must be a column of strings, not int64"),
    "floats": (([[2.0, 3.0]], [5], [""]), "numbers must be a column of integers, not double"),
    "booleans": (([[True, True]], [5], [""]), "numbers must be a column of integers, not bool"),
    "text for targets": (([[2, 3]], ["5"], [""]), "targets must be a column of integers, not string"),
    "mixed": (([[2, 3]], [5, "x"], ["", ""]), "targets must be integers"),
    "flat numbers": ((pa.array([2, 3]), [5, 5], ["", ""]), "must be a column of lists of integers, not int64"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_columns_are_refused_in_one_line(case):
    columns, says = BAD[case]
    with pytest.raises(InputError) as caught:
        verify_batch(*columns)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_division_is_checked():
    with pytest.raises(ValueError, match="division must be one of"):
        verify_batch([[2, 3]], [5], [""], division="floor")
