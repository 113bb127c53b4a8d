"""Tests of the tasks svamp, gsm-hard and gsm-plus: rows, comparison, questions without an answer, and bad input."""

import json
from fractions import Fraction

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.prompting import Prompting
from arith_puzzle.evaluation.tasks import TASKS, GsmPlus, Targets, read_rows
from arith_puzzle.evaluation.tasks.gsm_variants import by_kind, declines, found_in, measure, numbers_agree, rounds_to
from tests.commands import command

main = command("score")
PAL = [
    {"input": "A jar holds 40 sweets. Ann takes 15. How many are left?", "target": 25.0},
    {"input": "Tom has 3000001 beans. He eats a third. How many?", "code": "\n", "target": 1000000.3333333334},
]
PLUS = [
    {"question": "Ann has 12 eggs and eats 3. How many?", "solution": "12 - 3 = 9\n#### 9", "answer": "9",
     "perturbation_type": "numerical substitution", "seed_question": "?", "seed_answer": "1"},
    {"question": "3 boys share 13 pies. How many for each?", "solution": "13 / 3 = 4.33\n#### 4.33", "answer": "4.33",
     "perturbation_type": "digit expansion"},
    {"question": "Ann has some eggs and eats 3. How many are left?", "solution": "We don't know.\n#### None",
     "answer": "None", "perturbation_type": "critical thinking"},
]  # fmt: skip


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_rows_as_their_authors_ship_them():
    assert TASKS["svamp"] is TASKS["gsm-hard"] is Targets and TASKS["gsm-plus"] is GsmPlus
    assert [Targets.row(row)["answer"] for row in PAL] == ["25", "1000000.3333333334"]
    own = {"Body": "Ann has 3 hens", "Question": "How many legs do they have?", "Answer": 6.0, "Equation": "( 3 * 2 )"}
    assert Targets.row(own) == {"question": "Ann has 3 hens. How many legs do they have?", "answer": "6"}
    assert GsmPlus.row(PLUS[0]).keys() == {"question", "answer", "perturbation_type", "solution"}
    asked = Prompting(Targets("alpaca"), [Targets.row(PAL[1])]).text(Targets.row(PAL[0]))
    assert "### Response:\n#### 1000000.3333333334\n\n" in asked and asked.endswith("### Response:")
    assert Prompting(GsmPlus("alpaca"), [GsmPlus.row(PLUS[2])]).text(GsmPlus.row(PLUS[0])).count("#### None") == 1


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        (Targets, {"question": "?", "answer": "1"}, "no column 'input'"),
        (Targets, {"input": "?"}, "no column 'target'"),
        (Targets, {"input": "?", "target": "12"}, "'target' must be a finite number, not '12'"),
        (Targets, {"input": "?", "target": True}, "'target' must be a finite number, not True"),
        (Targets, {"input": "?", "target": None}, "'target' must be a finite number, not None"),
        (Targets, {"input": "?", "target": float("inf")}, "Infinity is not a JSON value"),
        (Targets, {"input": 3, "target": 4}, "'input' must be a string, not 3"),
        (GsmPlus, {"question": "?", "answer": "1"}, "no column 'perturbation_type'"),
        (GsmPlus, {"question": "?", "answer": "many", "perturbation_type": "x"}, "'answer' must be a number or None"),
        (GsmPlus, {"question": "?", "answer": 4, "perturbation_type": "x"}, "'answer' must be a string, not 4"),
    ],
)
def test_a_bad_row_is_one_line(task, row, message, tmp_path):
    path = write(tmp_path / "bad.jsonl", [row])
    with pytest.raises(InputError, match=r"bad\.jsonl:1") as told:
        read_rows(task("alpaca"), str(path), None, "bad")
    assert message in str(told.value) and "\n" not in str(told.value)


def test_how_numbers_are_compared():
    target = Fraction("1000000.3333333334")
    assert numbers_agree(Fraction(3000001, 3), target) and numbers_agree(Fraction("1000000.333"), target)
    assert not numbers_agree(target + Fraction(1, 1000), target) and not numbers_agree(Fraction(1000000), target)
    assert rounds_to(Fraction(13, 3), "4.33") and rounds_to(Fraction("4.333"), "4.33")
    assert not rounds_to(Fraction("4.3"), "4.33") and not rounds_to(Fraction("4.34"), "4.33")
    assert rounds_to(Fraction(9, 2), "4.5") and not rounds_to(Fraction("4.54"), "4.5")
    assert rounds_to(Fraction(8), "8") and not rounds_to(Fraction(9), "8")
    assert rounds_to(Fraction(1, 4), "1/4") and rounds_to(Fraction(1200), "1,200")


@pytest.mark.parametrize(
    "text",
    [
        "#### None",
        "She eats 3 eggs.\n#### unknown",
        "We do not know how many eggs she had, so the answer cannot be determined.",
        "3 were eaten.\nThere is not enough information to answer this.",
        "The number of eggs is not given.",
        "It is impossible to say.\n\\boxed{\\text{None}}",
        "It can\u2019t be calculated.",
        "There is no answer.",
    ],
)
def test_answers_that_decline(text):
    assert declines(text) and found_in(text) == "None"


@pytest.mark.parametrize(
    "text",
    [
        "#### 9",
        "",
        "12 - 3 = 9",
        "We don't know how many she had.\nLet us say 12.\n#### 9",
        "Not enough information, so I take 12 and get 9.",
        "None of the eggs broke.\n\\boxed{9}",
        "#### None, or 9",
        "The answer is unknown. #### 9",
        "She has eggs left.",
    ],
)
def test_answers_that_do_not_decline(text):
    assert not declines(text)


def test_scores_by_perturbation():
    rows = [GsmPlus.row(row) for row in PLUS]
    given = ["12-3=<<12-3=9>>9\n#### 9", "#### 4.333", "We don't know.\n#### None"]
    result = GsmPlus.measure(rows, given, (1,))
    assert result["n"] == 3 and result["pass@1"] == 1 and result["no_answer"] == 0
    assert list(result["by_perturbation"]) == ["critical thinking", "digit expansion", "numerical substitution"]
    wrong = GsmPlus.measure(rows, ["#### None", "#### 4", "#### 9"], (1,))
    assert wrong["pass@1"] == 0 and all(kind["pass@1"] == 0 for kind in wrong["by_perturbation"].values())
    assert GsmPlus.measure(rows, ["no", "", "so"], (1,))["no_answer"] == 1
    assert by_kind(["a 1", "2", "3"], [lambda found: found == 1] * 3, ["y", "x", "y"])["y"]["pass@1"] == 0.5


def test_the_majority_vote():
    found = [["#### 25", "#### 25.0", "#### 7"], ["#### 1", "#### 2", "none"]]
    result = Targets.measure([Targets.row(row) for row in PAL], found, (1,))
    assert result["maj1@3"] == 0.5 and result["pass@1"] == pytest.approx(1 / 3)
    assert Targets.rates([Targets.row(row) for row in PAL], found) == [pytest.approx(2 / 3), 0.0]
    tied = measure([["#### 1", "#### 2", "", ""]], [lambda value: value == 2])
    assert tied["maj1@4"] == 0.5 and tied["no_answer"] == 0.5 and tied["pass@1"] == 0.25


def test_a_model_end_to_end(talker, tmp_path):
    from arith_puzzle.evaluation.score import score, summary

    path = write(tmp_path / "plus.jsonl", PLUS)
    results = score(str(talker), None, str(path), None, None, tmp_path / "out", task="gsm-plus", max_new_tokens=9)
    item = results["splits"]["plus"]
    assert item["n"] == 3 and {kind["n"] for kind in item["by_perturbation"].values()} == {1}
    assert "\n  critical thinking: pass@1 " in summary(results) and "--task gsm-plus" in results["command"]
    records = [json.loads(line) for line in (tmp_path / "out" / "generations-plus.jsonl").read_text().splitlines()]
    assert [record["answer"] for record in records] == ["9", "4.33", "None"]


def test_a_bad_file_is_told_before_the_model_is_loaded(talker, tmp_path, capsys, monkeypatch):
    from arith_puzzle.evaluation import score

    monkeypatch.setattr(score, "_open", lambda *_: pytest.fail("the model was loaded"))
    path = write(tmp_path / "hard.jsonl", [PAL[0], {"input": "?", "target": "many"}])
    arguments = ["--task", "gsm-hard", "--model", str(talker), "--dataset", str(path)]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err.strip()
    assert "hard.jsonl:2: 'target' must be a finite number, not 'many'" in told.splitlines()[-1]
    assert not list(tmp_path.glob("out/generations*"))
