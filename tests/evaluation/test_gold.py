"""Tests of `score --gold`: the steps of a solution, likelihoods against transformers' loss, and a run that resumes."""

import json
import math
from fractions import Fraction

import pytest
import torch

from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.gold import _ratio, compare_likelihoods, is_right, steps_of
from arith_puzzle.evaluation.inference import batched_rows, load, log_likelihoods
from arith_puzzle.evaluation.options import Options, command_line
from arith_puzzle.evaluation.score import score, summary

ANSWER = "\nShe sold 48/2 = <<48/2=24>>24 clips in May.\nThen she rests.\nIn all 48+24 = <<48+24=72>>72.\n#### 72"


def test_the_steps_of_a_solution():
    first, second = steps_of(ANSWER)
    assert first == ("\n", Fraction(24))
    assert second == ("\nShe sold 48/2 = <<48/2=24>>24 clips in May.\nThen she rests.\n", Fraction(72))
    assert steps_of("\nNo annotation, 3 pens.\n#### 3") == []
    assert steps_of("\n<<1+1=2>>2 and <<2*1,000.50=2001>>2001") == [("\n", Fraction(2001))]
    assert steps_of("\n<<x=1y>>") == [], "a value that is no number"


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("In all 48+24 = <<48+24=72>>72 clips.", True),
        ("In all 48+24 = <<48+24=72>>71 clips.", True),
        ("It is 72.0 clips", True),
        ("That makes $72.", True),
        ("72 clips for 3 days", False),
        ("<<48+24=72>>72 and <<72*2=144>>144", False),
        ("no number", False),
        ("", False),
    ],
)
def test_a_step_is_right_by_its_last_value(line, right):
    assert is_right(line, Fraction(72)) == right


def test_likelihoods_are_those_of_transformers_whatever_the_batch(talker):
    model, tokenizer = load(str(talker))
    texts = ["Ann has 3 pens.", "She buys 5 more pens, and then she sells a few of them again.", "Two"]
    rows, heads = [tokenizer(text)["input_ids"] for text in texts], [2, 3, 1]
    together = log_likelihoods(model, tokenizer, rows, heads)
    for row, head, found in zip(rows, heads, together, strict=True):
        ids = torch.tensor([row])
        labels = ids.clone()
        labels[:, :head] = -100
        with torch.inference_mode():
            loss = model(input_ids=ids, labels=labels).loss.item()
        assert found == pytest.approx(-loss * (len(row) - head), rel=1e-4)
        assert log_likelihoods(model, tokenizer, [row], [head]) == pytest.approx([found], rel=1e-4)


def test_batches_hold_so_many_rows_and_tokens():
    lengths = [10, 20, 30, 1500, 1500]
    assert list(batched_rows(range(5), lengths, 2)) == [[0, 1], [2], [3], [4]]
    assert list(batched_rows([], [], 2)) == []


def test_the_interval_is_that_of_a_ratio():
    """With rows of one size it is the interval of a mean; rows that agree leave no doubt."""
    mean, (low, high) = _ratio([0, 2, 1, 1], [2, 2, 2, 2])
    assert mean == 0.5 and high - mean == pytest.approx(mean - low)
    assert high - mean == pytest.approx(1.959964 * math.sqrt((2 * 0.5**2) / 3 / 4), rel=1e-6)
    assert _ratio([1, 2, 3], [2, 4, 6]) == (0.5, [0.5, 0.5])


def test_a_run_and_one_that_resumes(talker, tmp_path):
    rows = [{"question": f"Ann has {a} pens and buys {b}. How many?",
             "answer": f"She has {a}+{b}=<<{a}+{b}={a + b}>>{a + b}.\n#### {a + b}"}
            for a in range(1, 4) for b in (2, 5)]  # fmt: skip
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"task": "gsm8k", "gold": True, "max_new_tokens": 5, "batch_size": 4}
    results = score(str(talker), None, str(path), None, None, tmp_path / "a", **options)
    gold = results["splits"]["test"]["gold"]
    assert gold["rows"] == gold["steps"] == 6 and 0 <= gold["steps_right"] <= 1 and gold["tokens"] > 6 * 10
    low, high = gold["log_likelihood_ci95"]
    assert low < gold["log_likelihood"] < high < 0
    assert f"n={gold['steps']}" in summary(results).splitlines()[1] and "--gold" in command_line(results, "x")

    steps = tmp_path / "a" / "steps-test.jsonl"
    whole = steps.read_bytes()
    (tmp_path / "a" / "results.json").unlink()
    steps.write_bytes(whole[: len(whole) - 20])
    again = score(str(talker), None, str(path), None, None, tmp_path / "a", **options)
    assert steps.read_bytes() == whole and again["splits"]["test"]["gold"] == gold

    steps.write_bytes(whole + whole)
    with pytest.raises(InputError, match=r"steps-test\.jsonl is not what results\.json was computed from"):
        score(str(talker), None, str(path), None, None, tmp_path / "a", **options)


def test_two_models_on_the_same_solutions(tmp_path):
    """A difference that every row shows is no accident; one that rows take back is."""

    def file(name, sums):
        (tmp_path / name).write_text("".join(f"[{total}, {count}]\n" for total, count in sums))
        return tmp_path / name

    one = file("one", [(-10.0, 10), (-22.0, 20), (-9.0, 10), (-41.0, 40)])
    better = file("better", [(-9.0, 10), (-19.8, 20), (-8.1, 10), (-37.0, 40)])
    mixed = file("mixed", [(-14.0, 10), (-18.0, 20), (-13.0, 10), (-37.0, 40)])
    found = compare_likelihoods(better, one)
    assert found["rows"] == 4 and found["difference"] == pytest.approx(8.1 / 80) and found["p"] < 1e-6
    assert found["difference_ci95"][0] > 0 and compare_likelihoods(one, better)["difference"] == -found["difference"]
    low, high = compare_likelihoods(mixed, one)["difference_ci95"]
    assert low < 0 < high and compare_likelihoods(mixed, one)["p"] > 0.5
    assert compare_likelihoods(one, one) == {"rows": 4, "difference": 0.0, "difference_ci95": [0.0, 0.0], "p": 1.0}
    with pytest.raises(InputError, match="other solutions or tokenizers"):
        compare_likelihoods(one, file("other", [(-1.0, 2)]))


def test_where_it_does_not_fit():
    with pytest.raises(InputError, match="--gold is for --task gsm8k"):
        Options(gold=True)
    with pytest.raises(InputError, match="leave out --chat"):
        Options(task="gsm8k", gold=True, backend="vllm")
