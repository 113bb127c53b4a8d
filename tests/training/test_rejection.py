"""Rejection sampling: kept answers are correct, distinct and from train; anything else is an error of one line."""

import json
import re

import pytest
from datasets import load_dataset

from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from tests.commands import command

main = command("rejection")


@pytest.fixture(scope="module")
def rows(starter):
    table = load_dataset(str(starter[0]), "starter", split="train").select(range(40))
    return [{"numbers": row["numbers"], "target": row["target"], "right": row["completion"]} for row in table]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_right_answers_stay_each_once(rows, tmp_path, capsys):
    def answers(row):
        a, rest = row["right"].split("\n", 1)
        left, op, right, result = re.fullmatch(r"(\d+)(.)(\d+)=(.+)", a).groups()
        swapped = f"{right}{op}{left}={result}\n{rest}" if op in "+*" else row["right"]
        return [row["right"], swapped, row["right"] + "1", "1+1=2"]

    drawn = [{"numbers": row["numbers"], "target": row["target"], "responses": answers(row)} for row in rows]
    path = write(tmp_path / "generations-train.jsonl", drawn)
    assert main([path, "--out", str(tmp_path / "rft")]) == 0
    kept = load_dataset(str(tmp_path / "rft"), "rft", split="train")
    assert len(kept) == len({(tuple(row["numbers"]), row["target"]) for row in rows}), (
        "answers with swapped operands count once"
    )
    assert all(verify(row["numbers"], row["target"], row["completion"]).correct for row in kept)
    assert kept[0]["completion"] == rows[0]["right"]
    assert f"{4 * len(rows)} samples" in capsys.readouterr().out


@pytest.mark.parametrize("case", ["evaluation", "wrong", "text", "missing", "columns", "exists"])
def test_what_cannot_be_trained_on_is_one_line(case, rows, starter, tmp_path, capsys):
    out, path = tmp_path / "rft", tmp_path / "g.jsonl"
    if case == "evaluation":
        row = load_dataset(str(starter[0]), "starter", split="test")[0]
        write(path, [{"numbers": row["numbers"], "target": row["target"], "response": row["completion"]}])
    elif case == "wrong":
        write(path, [rows[0] | {"response": "1+1=2"}])
    elif case == "text":
        path.write_text("no JSON\n")
    elif case == "columns":
        write(path, [rows[0] | {"response": rows[0]["right"]}, {"numbers": [1, 2], "target": "3", "response": ""}])
    elif case == "exists":
        write(path, [rows[0] | {"response": rows[0]["right"]}])
        out.mkdir()
    said = {"evaluation": "belongs to an evaluation split", "wrong": "none of 1 answers is correct",
            "text": "g.jsonl:1: not JSON", "missing": "cannot read",
            "columns": "g.jsonl:2: 'target' must be an integer", "exists": "exists"}  # fmt: skip
    assert main([str(path), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert said[case] in error and error.count("\n") == 1
    assert case == "exists" or not out.exists()
