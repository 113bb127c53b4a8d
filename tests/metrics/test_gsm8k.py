# ruff: noqa: RUF001 -- the inputs contain a minus sign that looks like a hyphen
"""Tests of gsm8k_answer: exact numbers, the vote, the calculator, GSM8K itself, and the evaluate module offline."""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import time
from fractions import Fraction

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from arith_puzzle.metrics.gsm8k_answer.calculator import (
    MAX_EXPRESSION_CHARS,
    check_annotation,
    check_annotations,
    evaluate_expression,
    main,
)
from arith_puzzle.metrics.gsm8k_answer.score import MAX_CHARS, MAX_DIGITS, answer, score
from tests.paths import ROOT, SHARED

FOLDER = ROOT / "metrics" / "gsm8k_answer"
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")
DATA = SHARED / "data" / "gsm8k"
HAS_DATA = pytest.mark.skipif(not DATA.exists(), reason="needs GSM8K in ../shared/data, which a public clone lacks")


def gsm8k(split: str) -> list[str]:
    return [json.loads(line)["response"] for line in (DATA / f"{split}.jsonl").read_text("utf-8").split("\n") if line]


# Numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#### 72", 72), ("5\n#### 1,234", 1234), ("#### 1\n#### 2\n3", 2), ("#### $1,000.50.", "1000.5"),
        ("#### The answer is 9", 9), ("####5 apples", 5), ("#### **18**", 18), ("#### \\$5", 5), ("#### (5)", 5),
        ("7 #### none", 7), ("#### -3", -3), ("she had 12 and got 30", 30), ("it is 7-5", 5), ("a-5", 5), ("5-3=2", 2),
        ("= -5", -5), ("(-3)", -3), ("−5", -5), ("$-5", -5), ("-$5", -5), ("x=-4", -4), ("£3", 3),
        ("€2.50", "2.5"),
        ("1/2", "1/2"), ("-1/2", "-1/2"), ("2 1/2 cups", "5/2"), ("\\frac{3}{4}", "3/4"), ("$\\dfrac{3}{4}$", "3/4"),
        ("50%", 50), ("0.5%", "1/2"), ("1,2,3", 3), ("12,34", 34), ("1,234,567", 1234567), ("1{,}234", 1234),
        ("5.", 5), ("3.50", "3.5"), (".5", "1/2"), ("007", 7), ("3.0", 3), ("0.1", "1/10"), ("12/4", 3),
        ("1/0", None), ("", None), ("none", None), ("####", None), ("٣", None), ("$", None), ("1,234.", 1234),
        ("9" * MAX_DIGITS, int("9" * MAX_DIGITS)), ("7 " + "9" * (MAX_DIGITS + 1), None), ("0." + "9" * 500, None),
        ("1" + ",111" * 300, None), ("5/" + "9" * 500, None), ("5" + " " * MAX_CHARS, None),
    ],
)  # fmt: skip
def test_answer(text, number):
    assert answer(text) == (None if number is None else Fraction(number))


TABLE = re.findall(r"^\| `(.+?)` \| (.+?) \| .*\|$", CARD, re.MULTILINE)


@pytest.mark.parametrize(("written", "value"), TABLE)
@pytest.mark.parametrize(
    "frame",
    ["{}", "#### {}", "#### {}\n\nQuestion: Ann has 3 eggs. How many?\n#### 99", "so it is {}.",
     "<think>First, 7.\n#### 99</think>\nThe answer is {}",
     "\\boxed{{99}} or \\boxed{{{}}} (with 3 eggs and 4 muffins)",
     "#### \\boxed{{{}}} of 12", "Question: 4 and 5?\nAnswer: {}", "$x = {}$"],
)  # fmt: skip
def test_the_cards_table(written, value, frame):
    """Each row, in the places where an answer may stand."""
    assert answer(frame.format(written)) == (None if value == "no answer" else Fraction(value))


def test_the_cards_table_is_read():
    assert len(TABLE) == 25


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("the answer is \\boxed{18}. (This uses 3 eggs and 4 muffins.)", 18),
        ("<think>… #### 99</think> The answer is 72.", 72),
        ("<think>a 5</think> 6 <think>b 7</think> 8", 8),
        ("<think>It is 5", None),
        ("#### 18\nQuestion: How many? #### 3", 18),
        ("#### 18 Question: How many? #### 3", 18),
        ("18\n\n### Instruction:\nAdd 2 and 3.", 18),
        ("18\nQ: What is 3?", 18),
        ("\nQuestion: What is 3?\nAnswer: 4", 4),
        ("\\boxed{\\text{none}} of 3", None),
        ("\\boxed{\\frac{1}{2}} of 3", "1/2"),
        ("\\boxed{\\$1{,}234\\text{ per m}^2}", 1234),
        ("\\boxed{12", 12),
        ("#### 12 and \\boxed{13}", 13),
        ("\\boxed{13}\n#### 12", 12),
        ("#### none, so \\boxed{13}", 13),
        ("x^2 = 16, so x = 4", 4),
        ("1e999", None),
        ("7-\\frac{1}{2}", "1/2"),
        ("-\\frac{-1}{2}", "1/2"),
        ("1\u202f234", 1234),
        ("1\u00a0234,", 1234),
    ],
)
def test_the_answer_is_what_was_meant(text, number):
    assert answer(text) == (None if number is None else Fraction(number))


def test_no_float_comes_in_between():
    assert answer("0.1") * 3 == answer("0.3")
    assert answer("9007199254740993") != answer("9007199254740992")
    assert answer("0.3333333333333333") != answer("1/3")


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(["{}", "#### {}", "So it is {}.", "{}%", "${}", "#### ${} in all", "a 5, 6 and {}"]),
    st.booleans(),
    st.sampled_from(["", ".0", ".50"]),
)
def test_every_spelling_of_a_number_is_that_number(value, frame, commas, decimals):
    text = frame.format((f"{value:,}" if commas else str(value)) + decimals)
    wanted = Fraction(f"{value}{decimals}")
    assert answer(text) == wanted


@given(st.text() | st.text("0123456789#$%,./- \n\\frac{}−"))
@settings(max_examples=500)
@example("#### \ud800")
def test_nothing_is_raised_on_any_text(text):
    answer(text)
    evaluate_expression(text)
    check_annotations([text, f"<<{text}>>"])


@pytest.mark.parametrize(
    "piece",
    ["9", "1,111", "-", "####", "#### ", "1/", "1 1/", "1 ", "9,999,", "\\frac{1", "\\frac{1}{", "\\boxed{",
     "1'111", "1.111", "1,11", "1^", "1e", "a^2", "<think>", "\nQ", " Question",
     ".", "1.", "9" * 400 + " ",
     "####    ***", "9" * 400 + "/", "1" * 401, "<<", "(", "1+", "-(", "\x00", "٣"],
)  # fmt: skip
def test_the_worst_texts_take_linear_time(piece):
    start = time.thread_time()
    for size in (MAX_CHARS, 10_000_000):
        text = piece * (size // len(piece))
        answer(text)
        evaluate_expression(text)
        check_annotations([text])
    assert time.thread_time() - start < 10


# The score


def test_score_of_single_solutions():
    results = score(["72", "#### 5", "?"], ["#### 72", "6", "7"])
    assert (results["pass@1"], results["num_problems"], results["no_answer"]) == (1 / 3, 3, 1 / 3)
    assert list(results) == ["pass@1", "pass@1_ci95", "num_problems", "no_answer"]
    low, high = results["pass@1_ci95"]
    assert 0 < low < 1 / 3 < high < 1
    assert json.loads(json.dumps(results)) == results


@pytest.mark.parametrize(
    ("samples", "vote"),
    [
        (["5", "5", "6"], 1), (["6", "6", "5"], 0), (["5", "6"], 1 / 2), (["6", "5"], 1 / 2), (["5", "6", "7"], 1 / 3),
        (["?", "?", "5"], 1), (["?", "?", "?"], 0), (["5.0", "10/2", "6", "6"], 1 / 2), (["5", "#### 5.00", "6"], 1),
        (["6", "7"], 0), (["5"], 1),
    ],
)  # fmt: skip
def test_the_vote_ignores_order_spelling_and_silence(samples, vote):
    assert score([samples], ["#### 5"])[f"maj1@{len(samples)}"] == vote
    assert score([samples[::-1]], ["#### 5"])[f"maj1@{len(samples)}"] == vote


def test_pass_at_1_of_samples_is_their_mean():
    results = score([["5", "6", "?"], ["6", "5", "5"]], ["5", "5"])
    assert results["pass@1"] == 1 / 2 and results["maj1@3"] == (1 / 2 + 1) / 2 and results["no_answer"] == 1 / 6


BAD_INPUTS = {
    "empty": (([], []), "must not be empty"),
    "lengths": ((["", ""], ["5"]), "the same length, not 2 and 1"),
    "bare": (("5", ["5"]), "predictions must be a list, not '5'"),
    "no references": ((["5"], None), "references must be a list, not None"),
    "null": ((["5", None], ["5", "5"]), "prediction 1 is None"),
    "null sample": (([["5", None]], ["5"]), "prediction 0 is ['5', None]"),
    "number": (([5], ["5"]), "prediction 0 is 5"),
    "mixed": ((["5", ["5"]], ["5", "5"]), "prediction 1 is ['5']"),
    "unlike samples": (([["5", "5"], ["5"]], ["5", "5"]), "lists of the same length, but prediction 1 is ['5']"),
    "no sample": (([[]], ["5"]), "prediction 0 is"),
    "no gold": ((["5", "5"], ["5", "five"]), "reference 1 is 'five'"),
    "gold is a number": ((["5"], [5]), "reference 0 is 5"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_score_refuses_in_one_line(case):
    arguments, says = BAD_INPUTS[case]
    with pytest.raises(ValueError) as error:
        score(*arguments)
    assert says in str(error.value) and "\n" not in str(error.value)


# The calculator


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("48/2", 24), ("1+2*3", 7), ("(1+2)*3", 9), ("8-3-2", 3), ("8/4/2", 1), ("2*-3", -6), ("-(2+3)", -5),
        ("--5", 5), ("-2*3", -6), ("+5", 5), ("1/3+1/6", "1/2"), (".5*4", 2), ("5.", 5), ("0.1+0.2", "3/10"),
        ("2 + 2", 4),
        ("1/0", None), ("1/(2-2)", None), ("", None), ("()", None), ("(1", None), ("1)", None), ("1+", None), 
        ("*1", None), ("1 2+3", None), ("2(3)", None), ("(2)(3)", None), ("2**3", None), ("7//2", None),
        ("1=1", None), ("a", None),
        ("__import__('os')", None), ("9" * 2000, None), ("(" * 499 + "1" + ")" * 499, 1), ("-" * 999 + "1", -1),
        ("1+" * 499 + "1", 500), ("9" * 990 + "-1", 10**990 - 2), ("٣", None), ("1e3", None), ("1..2", None),
        ("1.2.3", None),
    ],
)  # fmt: skip
def test_evaluate_expression(text, value):
    assert evaluate_expression(text) == (None if value is None else Fraction(value))


@st.composite
def expressions(draw, depth=0):
    """(text, value), generated from the grammar. The value is None after a division by zero."""
    if depth == 4 or draw(st.booleans()):
        number = draw(st.integers(0, 99) | st.decimals(0, 99, places=2))
        return str(number), Fraction(str(number))
    left, a = draw(expressions(depth=depth + 1))
    right, b = draw(expressions(depth=depth + 1))
    op = draw(st.sampled_from("+-*/"))
    if a is None or b is None or (op == "/" and b == 0):
        return f"({left}){op}({right})", None
    value = a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a / b
    if draw(st.booleans()):
        return f"-(({left}){op}({right}))", -value
    return f"({left}){op}({right})", value


@given(expressions())
@settings(max_examples=300)
def test_expressions_have_the_value_that_the_grammar_gives_them(case):
    text, value = case
    if len(text) <= MAX_EXPRESSION_CHARS:
        assert evaluate_expression(text) == value


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.data())
def test_without_brackets_products_come_first(numbers, data):
    ops = [data.draw(st.sampled_from("+-*/")) for _ in numbers[1:]]
    text = str(numbers[0]) + "".join(f"{op}{n}" for op, n in zip(ops, numbers[1:], strict=True))
    terms = [Fraction(numbers[0])]
    for op, n in zip(ops, numbers[1:], strict=True):
        if op in "+-":
            terms.append(Fraction(n if op == "+" else -n))
        else:
            terms[-1] = terms[-1] * n if op == "*" else terms[-1] / n
    assert evaluate_expression(text) == sum(terms)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("48/2=24", "exact"), ("1/3=0.33", "rounded"), ("2/3=0.67", "rounded"), ("2/3=0.66", "wrong"), 
        ("1/3=0", "wrong"),
        ("48/2=25", "wrong"), ("3/4=3/4", "exact"), ("7//2=3", "unreadable"), ("24", "unreadable"), 
        ("1/0=1", "unreadable"),
        ("=5", "unreadable"), ("5=", "unreadable"), ("1+1=2=2", "unreadable"), ("1+1=2.000", "exact"), 
        ("0-5=-5", "exact"),
        ("1/8=.12", "rounded"), ("1/8=.13", "rounded"), ("-1/3=-0.33", "rounded"),
    ],
)  # fmt: skip
def test_check_annotation(text, outcome):
    assert check_annotation(text) == outcome


def test_the_command_prints_the_share_that_holds(tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"answer": "<<1+1=2>>2 and <<1/3=0.33>>"}\n\n{"response": "<<2*2=5>> <<x>>"}\n')
    assert main([str(path), "--json", str(tmp_path / "out.json")]) == 0
    assert json.loads((tmp_path / "out.json").read_text())["rows.jsonl"] == {
        "exact": 1, "rounded": 1, "wrong": 1, "unreadable": 1,
    }  # fmt: skip
    assert re.search(r"rows\.jsonl +4 +1 +25\.000%", capsys.readouterr().out)
    for bad in ("[", '{"question": "?"}', "[1]", "[" * 100_000, '{"answer": 5}'):
        path.write_text(bad)
        assert main([str(path)]) == 2
    assert main([str(tmp_path / "missing")]) == 2
    assert capsys.readouterr().err.count("\n") == 6


# GSM8K itself, and solutions of our own in its style

OURS = [
    "Ann packs 3 boxes of 12 pens: 3*12 = <<3*12=36>>36 pens.\nShe keeps 36-6=<<36-6=30>>30.\n#### 30",
    "He pays $1,250*2=$<<1250*2=2500>>2500.\n#### 2,500",
    "She eats 1/3*30=<<1/3*30=10>>10 cherries, so 30-10=<<30-10=20>>20 are left.\n#### 20",
    "The price falls by 80*.25=$<<80*.25=20.00>>20.00.\n#### 20",
    "It warms up by 4 degrees: -9+4=<<-9+4=-5>>-5.\n#### -5",
]


def gold_scores_1(solutions):
    results = score(solutions, solutions)
    assert (results["pass@1"], results["num_problems"], results["no_answer"]) == (1, len(solutions), 0)
    finals = [solution.rpartition("####")[2].strip() for solution in solutions]
    assert score(finals, solutions)["pass@1"] == 1
    assert [answer(final) for final in finals] == [Fraction(final.replace(",", "")) for final in finals]


def test_every_gold_answer_of_our_sample_scores_1():
    gold_scores_1(OURS)
    assert check_annotations(OURS) == {"exact": 7}


@HAS_DATA
@pytest.mark.parametrize(("split", "rows"), [("train", 7473), ("test", 1319)])
def test_every_gold_answer_scores_1(split, rows):
    solutions = gsm8k(split)
    assert len(solutions) == rows
    gold_scores_1(solutions)


@HAS_DATA
def test_nearly_all_annotations_hold():
    counts = check_annotations(gsm8k("train") + gsm8k("test"))
    assert counts.total() > 27_000 and counts["exact"] / counts.total() > 0.99


# The folder


def test_its_space_has_the_other_metrics_pins():
    pins = (FOLDER / "requirements.txt").read_text()
    assert pins == (ROOT / "metrics" / "arith_puzzle_verifier" / "requirements.txt").read_text()
    assert f"sdk_version: {re.search('gradio==(.*)', pins)[1]}" in CARD


def test_the_folder_is_a_complete_space():
    front = yaml.safe_load(CARD.split("---\n")[1])
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py" and front["license"] == "apache-2.0"
    assert front["tags"] == ["evaluate", "metric"] and front["title"] and front["description"]
    assert {"app.py", "gsm8k_answer.py", "requirements.txt"} <= {path.name for path in FOLDER.iterdir()}


def test_the_card_states_the_bounds():
    assert f"more than {MAX_DIGITS} digits" in CARD and f"{MAX_CHARS:,} characters" in CARD


SESSION = """
import doctest, json, re, socket, sys
from pathlib import Path

def refuse(*_):
    raise OSError("the test allows no network")

socket.socket.connect = socket.create_connection = refuse
import evaluate

metric = evaluate.load("metrics/gsm8k_answer")
calls = json.loads(sys.stdin.read())
answers = []
for arguments in calls:
    try:
        answers.append(metric.compute(**arguments))
    except ValueError as error:
        answers.append(str(error))
metric.add(prediction=["5", "6"], reference="5")
metric.add(prediction=["5"], reference="5")
try:
    metric.compute()
except ValueError as error:
    answers.append(str(error))
metric.add(prediction="\\ud800 5", reference="5")
answers.append(metric.compute())
card = "\\n".join(re.findall(r"```pycon\\n(.*?)```", Path("metrics/gsm8k_answer/README.md").read_text(), re.DOTALL))
runs = []
for text in (metric.inputs_description, card.replace('load("<namespace>/', 'load("metrics/')):
    test = doctest.DocTestParser().get_doctest(text, {}, "examples", None, None)
    runs.append([*doctest.DocTestRunner().run(test)])
print(json.dumps([answers, runs]))
"""


@pytest.mark.slow
def test_the_evaluate_module_offline(tmp_path):
    good = [
        dict(predictions=["72", "?"], references=["#### 72", "1"]),
        dict(predictions=[["5", "6", "5"], ["1/2", ".5", "?"]], references=["#### 5", "0.5"]),
    ]
    bad = [dict(zip(("predictions", "references"), arguments, strict=True)) for arguments, _ in BAD_INPUTS.values()]
    calls = [call for refused in bad for call in (refused, *good)]
    env = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    env |= {"HF_HOME": str(tmp_path), "HF_EVALUATE_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SESSION], input=json.dumps(calls), capture_output=True, text=True, cwd=ROOT, env=env,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers, runs = json.loads(done.stdout.splitlines()[-1])
    wanted = [score(**call) for call in good]
    for at, (_, says) in enumerate(BAD_INPUTS.values()):
        assert says in answers[3 * at] and answers[3 * at + 1 : 3 * at + 3] == wanted
    assert "lists of the same length" in answers[-2] and answers[-1] == score(["? 5"], ["5"])
    examples = [doctest.DocTestParser().get_examples(text) for text in (_inputs(), CARD)]
    assert runs == [[0, len(examples[0])], [0, len(examples[1])]], done.stdout


def _inputs() -> str:
    source = (FOLDER / "gsm8k_answer.py").read_text(encoding="utf-8")
    return source.split('_INPUTS = """')[1].split('"""')[0]


APP = """
import json, socket

def refuse(*_):
    raise OSError("the test allows no network")

socket.socket.connect = socket.create_connection = refuse
import app

page = app.build()
answers = [app.score(app.EXAMPLE_ROWS), app.score('{"prediction": ["5", "6"], "reference": "5"}')]
for rows in ("", "[", '{"prediction": "5"}', '{"prediction": "5", "reference": "?"}'):
    try:
        app.score(rows)
    except app.gr.Error as error:
        answers.append(error.message)
print(json.dumps([answers, type(page).__name__]))
"""


def test_the_calculator_runs_from_the_pushed_folder_with_the_standard_library_alone(tmp_path):
    place = tmp_path / "space"
    shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "rows.jsonl").write_text("".join(json.dumps({"answer": text}) + "\n" for text in OURS))
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-m", "calculator", "rows.jsonl"], capture_output=True, text=True, cwd=place,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"rows\.jsonl +7 +7 +100\.000%", done.stdout)


@pytest.mark.slow
def test_the_app_runs_from_the_pushed_files_alone(tmp_path):
    place = tmp_path / "space"
    shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("__pycache__"))
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "GRADIO_", "PYTHONPATH"))}
    env |= {"HF_HOME": str(tmp_path / "home"), "HF_EVALUATE_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    done = subprocess.run(
        [sys.executable, "-c", APP], capture_output=True, text=True, cwd=place, env=env, timeout=600
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (example, samples, *refusals), page = json.loads(done.stdout.splitlines()[-1])
    assert (example["pass@1"], example["num_problems"], page) == (0.5, 2, "Blocks")
    assert samples["maj1@2"] == 0.5
    for refused, says in zip(
        refusals,
        ("must not be empty", "Line 1 must be a JSON object", "Line 1 must be a JSON object", "contain a number"),
        strict=True,
    ):
        assert says in refused
