"""Stored answers of other evaluations, judged again; and the suite that tests other scorers."""

import json
import sys

import pytest

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics import scorer_suite
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.metrics.audit import audit, audit_table, wording_table
from arith_puzzle.metrics.read_answers import read_answers
from arith_puzzle.metrics.scorer_suite import FILE, compare, read_suite, suite
from tests.metrics.test_forms import slow_verify
from tests.paths import ROOT, SHARED

SCORERS = SHARED / "data" / "scorers"
HINTS = "\n\nFinal answer format instructions:\n1. Provide your solution as a arithmetic expression (no '=' sign).\n"
QUESTIONS = (
    "Calculate 10 using all of these numbers: 2, 3, 4.\nEach number may be used at most once." + HINTS,
    "Using all the numbers 2, 3, 4, create an expression that equals 10.\nYou can only use each number once." + HINTS,
    "Find a way to make 10 using all of these numbers: 2, 3, 4.\nEach number can only be used once." + HINTS,
)


def answer(text, score):
    return {"model_answer": text, "full_model_response": f"<answer>{text}</answer>", "score": score}


@pytest.fixture
def results(tmp_path):
    """A file as reasoning-gym-eval writes it."""
    answers = [[answer("2*3+4", 1.0), answer("2 * 3 + 4", 1.0)], [answer("4+2*4-2", 1.0), answer(None, 0.01)],
               [answer("2*3", 0.05), answer("10", 1)]]  # fmt: skip
    rows = [{"question": q, "completions": c} for q, c in zip(QUESTIONS, answers, strict=True)]
    path = tmp_path / "countdown model.json"
    path.write_text(json.dumps({"name": "countdown", "results": rows}))
    return path


def test_an_audit_counts_by_both_rules_and_names_what_was_overlooked(results, capsys, tmp_path):
    counts, different, faults = audit(results)
    assert (counts["answers"], counts["published"], counts["missed"], faults) == (6, 4, 0, [])
    assert counts["right"] == {"all": 2, "subset": 2} and counts["strict"] == {"all": 1, "subset": 1}
    assert counts["reasons"]["all"] == {
        "ok": 2, "unavailable_operand": 2, "malformed_expression": 1, "unused_number": 1
    }  # fmt: skip
    assert [(item["row"], item["sample"], item["all"]) for item in different] == [
        (2, 0, "unavailable_operand"), (3, 1, "unavailable_operand"),
    ]  # fmt: skip
    written = ["--out", str(tmp_path / "different.jsonl"), "--json", str(tmp_path / "counts.json")]
    assert main(["audit", str(results), *written]) == 0
    assert json.loads((tmp_path / "counts.json").read_text())["files"] == {results.name: counts}
    out = capsys.readouterr().out
    assert "| `countdown model.json` | 6 | 4 | 2 | 2 | 2 `unavailable_operand` |" in out
    assert "| all, at most once | 2 | 2 | 2 | 2 |" in out
    lines = [json.loads(line) for line in (tmp_path / "different.jsonl").read_text().splitlines()]
    assert [line["response"] for line in lines] == ["4+2*4-2", "10"] and lines[0]["file"] == results.name


def test_the_answers_are_not_replaced(results, tmp_path, capsys):
    before = results.read_bytes()
    for out in (["--out", str(results)], ["--json", str(results)], ["--out", str(tmp_path / "none" / "x")]):
        assert main(["audit", str(results), *out]) == 2
    assert results.read_bytes() == before and "is a file of answers" in capsys.readouterr().err


def test_every_wording_is_read(results):
    rows = [row for _, row, _ in read_answers(results)]
    assert [row["wording"] for row in rows] == ["all, at most once", "all", "all, only once"]
    assert all((row["numbers"], row["target"]) == ([2, 3, 4], 10) for row in rows)


def test_verify_reads_the_neighbours_files(results, tmp_path, capsys):
    jsonl = tmp_path / "tinyzero.jsonl"
    jsonl.write_text(json.dumps({"nums": [44, 19, 35], "target": 98, "response": "44 + 19 + 35"}) + "\n")
    assert main(["verify", str(jsonl), "--form", "expression", "--rule", "subset"]) == 0
    assert "pass@1_lenient           1.0000" in capsys.readouterr().out
    assert main(["verify", str(results), "--form", "expression"]) == 0
    assert "puzzles                       3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "no list of results"),
        ("[", "not JSON"),
        ('{"results": []}', "holds no answer"),
        ('{"results": [{"question": "2+2?", "completions": []}]}', "result 1: the question is not one of countdown's"),
        ('{"results": [{"question": 5}]}', "a key is missing"),
        ('{"results": [7]}', "a key is missing"),
    ],
)
def test_another_json_is_one_line(tmp_path, capsys, content, said):
    (tmp_path / "x.json").write_text(content)
    assert main(["audit", str(tmp_path / "x.json")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_broken_row_is_named_and_the_others_are_judged(tmp_path, capsys):
    rows = [{"nums": [2, 3], "target": 5, "response": "2+3", "score": 1},
            {"nums": [2, "3"], "target": 5, "response": ""},
            {"nums": [2, 3], "target": 5, "responses": ["2+3"], "scores": []}]  # fmt: skip
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["audit", str(tmp_path / "x.jsonl")]) == 2
    out, error = capsys.readouterr()
    assert "| `x.jsonl` | 1 | 1 | 1 | 1 | none |" in out
    assert "x.jsonl:2: 'numbers' must be a list of integers" in error and "x.jsonl:3: 'score' must be" in error


@pytest.mark.skipif(not SCORERS.exists(), reason="needs public files that a clone lacks: answers of reasoning-gym-eval")
def test_published_answers():
    found = {path.name: audit(path) for path in sorted(SCORERS.glob("*.json"))}
    files = {name: counts for name, (counts, _, _) in found.items()}
    (o3,) = (counts for name, counts in files.items() if "o3-mini" in name)
    assert (o3["answers"], o3["published"], o3["right"]["all"]) == (150, 142, 112)
    (r1,) = (counts for name, counts in files.items() if "deepseek-r1" in name)
    assert (r1["published"], r1["right"]["all"]) == (39, 32)
    assert not any(counts["missed"] for counts in files.values())
    assert not any(faults for _, _, faults in found.values())
    assert sum(counts["answers"] for counts in files.values()) == 600
    committed = json.loads((ROOT / "results" / "audit" / "reasoning_gym_eval.json").read_text())
    assert committed["files"] == files
    page = (ROOT / "docs" / "audit.md").read_text()
    assert audit_table(files) in page and wording_table(files) in page


# The suite


def test_the_suite_is_what_the_file_holds():
    rows = read_suite()
    assert rows == list(suite()) and len(rows) >= 300
    assert len({(tuple(row["numbers"]), row["target"], row["response"]) for row in rows}) == len(rows)
    assert FILE.read_text(encoding="utf-8").endswith("\n")


@pytest.mark.parametrize("row", read_suite(), ids=lambda row: f"{row['kind']}: {row['response'][:30]}")
def test_the_suites_verdicts_are_both_implementations(row):
    puzzle = (row["numbers"], row["target"], row["response"])
    assert verify(*puzzle, division="rational", form="expression").correct == row["right"]
    assert (slow_verify(*puzzle, "rational", "all")[0] == "ok") == row["right"]
    if not row["right"] and row["kind"] != "convention":  # no dress makes a wrong answer right
        lenient = verify_lenient(*puzzle, division="rational", form="expression")
        assert not lenient.correct or row["kind"] == "text"


MODULE = """
import time
def leaves(response, numbers, target):
    raise SystemExit(3)

def value_only(response, numbers, target):
    if "**" in response:
        time.sleep(60)
    return eval(response, {"__builtins__": {}}) == target
"""


def test_a_scorer_is_called_for_each_answer(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_scorers.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["audit", "--scorer", "arith_puzzle.metrics.scorer_suite:reference"]) == 0
    assert f"| all | {len(read_suite())} | {len(read_suite())} | 0 | 0 | 0 |" in capsys.readouterr().out
    monkeypatch.setattr(scorer_suite, "SECONDS", 0.3)
    monkeypatch.setattr(scorer_suite, "read_suite", lambda: read_suite()[-60:])
    with monkeypatch.context() as patch:
        patch.setattr(scorer_suite, "read_suite", lambda: read_suite()[:2])
        patch.setattr(scorer_suite, "SECONDS", 60)
        different, _ = compare("my_scorers:leaves")
    assert {row["given"] for row in different} == {"the process ended with status 3"}
    different, counts = compare("my_scorers:value_only")
    assert counts["used twice"]["accepted"] and "rejected" not in counts["right"]
    assert {row["given"] for row in different if "**" in row["response"]} == {"no answer within 0.3 s"}
    assert main(["audit", "--scorer", "my_scorers:value_only", "--out", "different.jsonl"]) == 1
    assert len((tmp_path / "different.jsonl").read_text().splitlines()) == len(different)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "is written module:function"),
        ("no_such_module:f", "No module named"),
        ("json:f", "no attribute 'f'"),
        ("json:__name__", "names a str; name a function"),
        (".json:loads", "TypeError"),
        ("wrong_syntax:f", "SyntaxError: invalid syntax"),
        ("leaves_at_import:f", "SystemExit: 7"),
        ("breaks_at_import:f", "ZeroDivisionError"),
        ("alone:f", "cannot be imported in a process of its own"),
    ],
)
def test_a_scorer_that_is_not_there_is_one_line(name, said, capfd, tmp_path, monkeypatch):
    for module, text in {
        "wrong_syntax": "def f(:\n",
        "leaves_at_import": "raise SystemExit(7)\n",
        "breaks_at_import": "1 / 0\n",
        "alone": "import multiprocessing as m, os\nm.parent_process() and os._exit(3)\nf = len\n",
    }.items():
        (tmp_path / f"{module}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "--scorer", name]) == 2
    printed = capfd.readouterr().err
    assert said in printed and printed.count("\n") == 1
    if name.startswith("alone"):
        return
    with pytest.raises(InputError):
        scorer_suite.scorer(name)


def test_what_has_no_score_is_a_dash_in_both_tables(tmp_path, capsys):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"numbers": [2, 3], "target": 5, "response": "2+3"}\n')
    assert main(["audit", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "| `answers.jsonl` | 1 | - | 1 | 1 | none |" in printed and "| - | 1 | - | 1 | 1 |" in printed


def test_audit_wants_files_or_a_scorer(capsys):
    assert main(["audit"]) == 2 and main(["audit", "x.json", "--scorer", "a:b"]) == 2
    assert "not both" in capsys.readouterr().err
