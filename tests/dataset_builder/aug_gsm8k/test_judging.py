"""Blind judging: the sheet tells nothing about a row's origin, and every verdict counts once."""

import json

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.aug_gsm8k.judging import KEY, QUESTIONS, SHEET, VERDICTS, draw, tally
from arith_puzzle.dataset_builder.aug_gsm8k.rules.run import run


@pytest.fixture
def judged(gsm8k, tmp_path):
    """(folder with a sheet of 6 rows, the lines of its sheet and of its key)."""
    made = tmp_path / "run"
    run(gsm8k[0], made, limit=None, against={}, seed=0, strategies=["change_numbers"], per_question=4)
    folder = tmp_path / "round-1"
    assert draw(made, gsm8k[0], folder, rows=3, seed=1) == {"change_numbers": 3, "original": 3}
    again = tmp_path / "again"
    draw(made, gsm8k[0], again, rows=3, seed=1)
    assert (again / SHEET).read_bytes() == (folder / SHEET).read_bytes()
    with pytest.raises(InputError, match="holds a sheet"):
        draw(made, gsm8k[0], folder, rows=3, seed=2)
    with pytest.raises(InputError, match="fewer than --rows 100000"):
        draw(made, gsm8k[0], tmp_path / "other", rows=100_000, seed=1)
    lines = [[json.loads(line) for line in (folder / name).read_text().splitlines()] for name in (SHEET, KEY)]
    return folder, *lines


def write(folder, verdicts):
    (folder / VERDICTS).write_text("".join(json.dumps(verdict) + "\n" for verdict in verdicts))


def test_the_sheet_does_not_say_where_a_row_is_from(judged):
    _, sheet, key = judged
    assert [row["row"] for row in sheet] == [row["row"] for row in key] == list(range(1, 7))
    assert all(set(row) == {"row", "question", "solution"} and "<<" not in row["solution"] for row in sheet)
    assert all("<<" in row["response"] for row in key)
    assert {row["strategy"] for row in key} == {"change_numbers", "original"}
    assert [row["strategy"] for row in key] != sorted(row["strategy"] for row in key), "they are mixed"
    assert [row["question"] for row in sheet] == [row["query"] for row in key]


def test_a_row_is_sound_if_all_four_answers_are_yes(judged):
    folder, sheet, key = judged
    good = dict.fromkeys(QUESTIONS, True)
    first = next(row["row"] for row in key if row["strategy"] == "change_numbers")
    write(folder, [{"row": row["row"]} | good | {"sensible": row["row"] != first} for row in sheet])
    counts = tally(folder)
    assert list(counts) == ["change_numbers", "original"]
    assert counts["original"] | {"sound_ci95": None} == {"rows": 3, "sound": 3, "sound_ci95": None} | dict.fromkeys(
        QUESTIONS, 3
    )
    assert (counts["change_numbers"]["sound"], counts["change_numbers"]["sensible"]) == (2, 2)
    assert counts["change_numbers"]["sound_ci95"] == pytest.approx([0.2077, 0.9385], abs=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda verdicts: verdicts[1:], "has no verdict on row 1;"),
        (lambda verdicts: [*verdicts, verdicts[0]], "row 1 is not in key.jsonl, or has a verdict already"),
        (lambda verdicts: [*verdicts[1:], {"row": 99}], "row 99 is not in"),
        (lambda verdicts: [verdicts[0] | {"right": "yes"}, *verdicts[1:]], ":1: 'right' must be true or false"),
    ],
)
def test_a_verdict_that_is_missing_or_wrong_is_one_line(judged, change, said):
    folder, sheet, _ = judged
    write(folder, change([{"row": row["row"]} | dict.fromkeys(QUESTIONS, True) for row in sheet]))
    with pytest.raises(InputError) as caught:
        tally(folder)
    assert said in str(caught.value) and "\n" not in str(caught.value)
