"""MATH by math-verify: equal answers in other forms, hostile answers, and the process that compares them.

The project wrote the problems itself.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.processes import PARENT
from arith_puzzle.evaluation import math_answers
from arith_puzzle.evaluation.math_answers import VERDICTS, Judge, boxed, measure
from arith_puzzle.evaluation.prompting import Prompting
from arith_puzzle.evaluation.score import score
from arith_puzzle.evaluation.tasks import Math, read_rows
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from tests.commands import command
from tests.paths import ROOT

main = command("score")

ROWS = [
    {"problem": "What is the sum of the roots of $x^2-5x+6=0$?", "solution": "By Vieta it is $\\boxed{5}$."},
    {"problem": "Solve $3x=1$.", "solution": "Divide by 3: $x=\\boxed{\\frac{1}{3}}$."},
    {"problem": "Expand $(x-2)(x+2)$.", "solution": "The middle terms cancel.", "answer": "x^2-4"},
    {"problem": "Where is $x^2\\le 4$?", "answer": "[-2,2]"},
]


@pytest.fixture(scope="module")
def judge():
    with Judge(seconds=600) as judge:  # a busy machine must not turn an answer into a timeout
        yield judge


@pytest.mark.parametrize(
    ("response", "answer", "verdict"),
    [
        ("So it is $\\boxed{\\frac{1}{2}}$.", "0.5", "correct"),
        ("First $\\boxed{7}$, no: $\\boxed{x^2+2x+1}$", "(x+1)^2", "correct"),
        ("\\boxed{2\\sqrt{2}}", "\\sqrt{8}", "correct"),
        ("\\boxed{1,234}", "1234", "correct"),
        ("The final answer is $3+4i$.", "4i+3", "correct"),
        ("The answer: $10\\text{ cm}$", "10", "correct"),
        ("\\boxed{\\begin{pmatrix}1\\\\2\\end{pmatrix}}", "\\begin{pmatrix}1\\\\2.0\\end{pmatrix}", "correct"),
        ("5*2=<<5*2=10>>10\n#### 10", "10", "correct"),
        ("#### $\\frac{3}{4}$\nand more", "0.75", "correct"),
        ("\\boxed{\\text{Tuesday}}", "\\text{Tuesday}", "correct"),
        ("\\boxed{2^{100}}", "1267650600228229401496703205376", "correct"),
        ("\\boxed{(2,1)}", "(1,2)", "wrong"),
        ("\\boxed{0.3}", "\\frac{1}{3}", "wrong"),
        ("#### 11", "10", "wrong"),
        ("\\boxed{9} and #### 10", "10", "wrong"),
        ("I do not know.", "3", "no_answer"),
        ("It is 3, or $3$, so the answer is 3.", "3", "no_answer"),
        ("Expand $(x-2)(x+2)$.", "x^2-4", "no_answer"),
        ("", "3", "no_answer"),
        ("\ud800\x00\n\\", "3", "no_answer"),
        ("\\boxed{" * 2000, "1", "no_answer"),
        ("\\boxed{3}" + " " * 20_000, "3", "too_long"),
    ],
)
def test_answers_in_other_words(judge, response, answer, verdict):
    assert judge.verdict(response, boxed(answer)) == verdict


def test_every_reference_is_right_and_a_row_without_one_is_reported(judge):
    for row in map(Math.row, ROWS):
        assert judge.verdict(row["reference"], row["reference"]) == "correct"
    assert judge.verdict("\\boxed{3}", "nothing is boxed here") == "no_reference"


def test_what_does_not_end_is_ended_and_the_next_is_judged():
    with Judge(seconds=600) as judge:
        assert judge.verdict("\\boxed{4}", boxed("4")) == "correct"
        first = judge.process
        judge.seconds = 1.5
        assert judge.verdict("\\boxed{9^{9^{9}}}", boxed("3")) == "timeout" and first.poll() is not None
        judge.seconds = 600
        assert judge.verdict("\\boxed{4}", boxed("4")) == "correct" and judge.process.pid != first.pid
        process = judge.process
        process.kill()
        assert judge.verdict("\\boxed{4}", boxed("4")) == "crashed"
        assert judge.verdict("\\boxed{4}", boxed("4")) == "correct"
        process = judge.process
    assert process.poll() is not None


def test_memory_is_bounded(judge):
    assert judge.verdict("\\boxed{\\operatorname{zeros}(99999,99999)}", boxed("3")) == "wrong"
    assert judge.verdict("\\boxed{3}", boxed("3")) == "correct"


CODE = "__import__('pathlib').Path({path!r}).touch()"


@pytest.mark.parametrize("form", ["{}", "\\boxed{{{}}}", "\\boxed{{\\text{{{}}}}}", "$x_{{{}}}$", "#### {}", "$f({})$"])
def test_no_text_is_evaluated(judge, form, tmp_path):
    path = str(tmp_path / "made")
    assert judge.verdict(form.format(CODE.format(path=path)), boxed("1")) in ("wrong", "no_answer", "refused")
    assert not Path(path).exists()


def test_in_that_process_sympy_reads_numbers_and_nothing_else():
    """In an ordinary process sympify evaluates text. The first line shows that, so this test can fail."""
    assert subprocess.check_output([sys.executable, "-c", "import sympy; print(sympy.sympify('1+1'))"]) == b"2\n"
    code = """
import io, sys, sympy, arith_puzzle.evaluation.math_answers as m
sys.stdin = io.StringIO('["\\\\\\\\boxed{2}", "\\\\\\\\boxed{2.0}"]')
m.serve()
print(*[sympy.Number(t) == eval(t) for t in ("17", "2.50", ".5", "1e3", "1.5E-3")], file=sys.stderr)
for text in ("1+1", "print(1)", "x", "9**9", "1e99999"):
    try: print("evaluated", sympy.sympify(text), file=sys.stderr)
    except Exception: pass
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.stdout == "ready\ncorrect\n" and done.stderr == "True True True True True\n"


def test_that_process_has_no_token_and_any_thread_may_ask(judge, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with Judge(seconds=600) as other:
        verdicts = []
        thread = threading.Thread(target=lambda: verdicts.append(other.verdict("\\boxed{3}", boxed("3"))))
        thread.start()
        thread.join()
        assert verdicts == ["correct"]
        environment = Path(f"/proc/{other.process.pid}/environ").read_bytes()
        assert environment == f"PYTHONHASHSEED=0\0{PARENT}={os.getpid()}\0".encode()


def test_shares_and_interval():
    found = measure([["\\boxed{1}", "\\boxed{2}"], ["\\boxed{1}", "none"]], [boxed("1"), boxed("1")])
    assert (found["n"], found["pass@1"]) == (2, 0.5) and found["pass@1_ci95"] == list(wilson_interval(1.0, 2))
    assert found["verdicts"] == dict.fromkeys(VERDICTS, 0.0) | {"correct": 0.5, "wrong": 0.25, "no_answer": 0.25}
    assert measure(["\\boxed{1}"], [boxed("1")])["pass@1"] == 1.0


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_rows_and_prompts(talker, problems, tmp_path):
    rows = [Math.row(row) for row in ROWS]
    assert [row["reference"] for row in rows[2:]] == ["\\boxed{x^2-4}", "\\boxed{[-2,2]}"]
    assert rows[0]["reference"] == rows[0]["solution"] == ROWS[0]["solution"]
    asked = Prompting(Math("alpaca"), [rows[3]])
    assert asked.text(rows[0]).endswith("### Instruction:\n" + ROWS[0]["problem"] + "\n\n### Response:")
    assert "### Response:\n\\boxed{[-2,2]}\n\n" in asked.text(rows[0])
    tokenizer = AutoTokenizer.from_pretrained(talker)
    turn = tokenizer.decode(Prompting(Math("alpaca"), chat=Chat()).encode(tokenizer, rows[0]))
    assert turn.startswith("<bos><user>" + ROWS[0]["problem"]) and "\\boxed{}" in turn
    for bad, message in (
        ({"problem": "p", "solution": "s"}, "has no .boxed"),
        ({"problem": "p"}, "no column 'solution'"),
    ):
        (tmp_path / "bad.jsonl").write_text(json.dumps(bad) + "\n")
        with pytest.raises(InputError, match=message):
            read_rows(Math("alpaca"), str(tmp_path / "bad.jsonl"), None, "bad")


def test_a_model_end_to_end(talker, problems, tmp_path):
    options = {"task": "math", "samples": 2, "max_new_tokens": 12, "limit": 3}
    results = score(str(talker), None, str(problems), None, None, tmp_path / "out", **options)
    item = results["splits"]["test"]
    assert item["n"] == 3 and sum(item["verdicts"].values()) == pytest.approx(1) and "maj1@2" not in item
    records = [json.loads(line) for line in (tmp_path / "out" / "generations-test.jsonl").read_text().splitlines()]
    assert [record["reference"] for record in records] == [Math.row(row)["reference"] for row in ROWS[:3]]
    assert "--task math" in results["command"]


def test_without_the_extra_one_line_says_the_command(talker, problems, tmp_path, monkeypatch, capsys):
    real = math_answers.importlib.util.find_spec
    monkeypatch.setattr(
        math_answers.importlib.util, "find_spec", lambda name: None if name == "math_verify" else real(name)
    )
    arguments = ["--task", "math", "--model", str(talker), "--dataset", str(problems), "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert "pip install 'arith-puzzle[math]'" in told and told.count("\n") == 1
    assert not list(tmp_path.glob("out/generations*"))
