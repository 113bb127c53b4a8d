"""Tests of aggregate.py, of the evaluate module in fresh offline processes, of the card, and of the running app."""

import ast
import doctest
import json
import math
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import REPORT_ORDER, aggregate, verdicts
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import pass_at_k, wilson_interval
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    MAX_RESPONSE_CHARS,
    REASONS,
    Verdict,
    parse_equation,
    solution_key,
)
from tests.paths import ROOT

FOLDER = ROOT / "metrics" / "arith_puzzle_verifier"
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")

PAPER = {"numbers": [3, 6, 7, 51, 58], "target": 4}
SOLUTION = "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"
PAIR = {"numbers": [2, 3], "target": 5}


def offline(home: Path) -> dict[str, str]:
    """Environment variables for a process without network and with its own caches."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "GRADIO_"))}
    return {**kept, "HF_HOME": str(home), "HF_EVALUATE_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}


# pass@k and the interval


def test_pass_at_k_is_the_share_of_subsets_with_a_correct_sample():
    for n in range(1, 8):
        for c in range(n + 1):
            samples = [True] * c + [False] * (n - c)
            for k in range(1, n + 1):
                subsets = list(combinations(samples, k))
                assert pass_at_k(n, c, k) == float(Fraction(sum(map(any, subsets)), len(subsets)))


def test_pass_at_k_is_stable():
    assert pass_at_k(10_000, 1, 5_000) == 0.5
    assert pass_at_k(10**6, 1, 1) == 1e-6
    assert pass_at_k(200, 199, 100) == 1.0
    assert pass_at_k(200, 0, 100) == 0.0


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4), (0, 0, 1)])
def test_pass_at_k_refuses(n, c, k):
    with pytest.raises(ValueError, match="must be in"):
        pass_at_k(n, c, k)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_values(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(n - successes, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_wilson_bounds_solve_its_equation():
    z = 1.5
    for successes, n in [(0.25, 3), (7, 9), (1234.5, 6000)]:
        for bound in wilson_interval(successes, n, z):
            assert abs(successes / n - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / n))


def test_wilson_ends_exactly_at_0_and_1():
    for n in (1, 7, 1000, 7500):
        assert wilson_interval(0, n)[0] == 0
        assert wilson_interval(n, n)[1] == 1


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3), (math.nan, 3)])
def test_wilson_refuses(successes, n):
    with pytest.raises(ValueError, match="successes must be in"):
        wilson_interval(successes, n)


# aggregate


def test_aggregate_of_single_responses():
    results = aggregate([SOLUTION, "2*3=6", "2+3=5"], [PAPER, PAIR, PAIR])
    assert results == {
        "pass@1": 2 / 3,
        "pass@1_ci95": list(wilson_interval(2, 3)),
        "pass@1_lenient": 2 / 3,
        "num_puzzles": 3,
        "reasons": {"wrong_target": 1 / 3, "ok": 2 / 3},
        "by_n": {"2": 0.5, "5": 1.0},
    }
    assert list(results) == ["pass@1", "pass@1_ci95", "pass@1_lenient", "num_puzzles", "reasons", "by_n"]
    assert json.loads(json.dumps(results)) == results


def test_aggregate_of_samples():
    results = aggregate([[SOLUTION, "", "", "x"], ["2+3=5", "3+2=5", "", "2*3=6"]], [PAPER, PAIR], k=[4, 1, 2])
    assert list(results)[:3] == ["pass@4", "pass@1", "pass@2"]
    assert results["pass@1"] == pytest.approx((1 / 4 + 2 / 4) / 2)
    assert results["pass@2"] == pytest.approx((3 / 6 + 5 / 6) / 2)
    assert results["pass@4"] == 1.0
    # The interval's n is the number of puzzles, not of samples.
    assert results["pass@1_ci95"] == list(wilson_interval(0.75, 2))
    assert results["reasons"] == {
        "illegal_characters": 1 / 8,
        "wrong_equation_count": 3 / 8,
        "wrong_target": 1 / 8,
        "ok": 3 / 8,
    }


def test_puzzles_may_have_different_numbers_of_samples():
    results = aggregate([["2+3=5", ""], ["", "", "2+3=5"]], [PAIR, PAIR], k=[1, 2])
    assert results["pass@1"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert results["pass@2"] == pytest.approx((1 + 2 / 3) / 2)


def test_reasons_come_in_the_contracts_order_and_sum_to_1():
    assert set(REPORT_ORDER) == set(REASONS) and REPORT_ORDER[-1] == "ok"
    responses = ["2+3=5", "2*3=6", "2+3=6", "9+9=18", "", "2+3", "x", "1" * 5000]
    shares = aggregate(responses, [PAIR] * len(responses))["reasons"]
    assert list(shares) == [
        "too_long",
        "illegal_characters",
        "malformed_equation",
        "wrong_equation_count",
        "unavailable_operand",
        "wrong_result",
        "wrong_target",
        "ok",
    ]
    assert math.fsum(shares.values()) == 1


def test_by_n_counts_up_as_numbers_do():
    puzzles = [{"numbers": [1] * n, "target": 1} for n in (10, 2, 9)]
    answers = ["\n".join(["1*1=1"] * (n - 1)) for n in (10, 2, 9)]
    assert list(aggregate(answers, puzzles)["by_n"].items()) == [("2", 1.0), ("9", 1.0), ("10", 1.0)]


def test_division_reaches_the_verifier():
    puzzle = {"numbers": [7, 2], "target": 3}
    assert aggregate(["7/2=3"], [puzzle])["reasons"] == {"inexact_division": 1.0}
    assert aggregate(["7/2=3"], [puzzle], division="integer")["pass@1"] == 1.0


def test_verdicts_come_in_order():
    assert list(verdicts([["2+3=5", "2+3=6"], ["x"]], [PAIR, PAIR])) == [
        Verdict(True, "ok"),
        Verdict(False, "wrong_result", 1),
        Verdict(False, "illegal_characters", 1),
    ]
    with pytest.raises(ValueError):  # raised at the call, before the first verdict
        verdicts([], [])


BAD_INPUTS = {
    "empty": (dict(predictions=[], references=[]), "must not be empty"),
    "lengths": (dict(predictions=["", ""], references=[PAIR]), "the same length, not 2 and 1"),
    "a bare string": (dict(predictions="2+3=5", references=[PAIR]), "predictions must be a list, not '2+3=5'"),
    "a bare puzzle": (dict(predictions=["2+3=5"], references=PAIR), "references must be a list, not {"),
    "no references": (dict(predictions=["2+3=5"], references=None), "references must be a list, not None"),
    "a string, then a list": (dict(predictions=["", [""]], references=[PAIR, PAIR]), "prediction 1 is ['']"),
    "a list, then a string": (dict(predictions=[[""], ""], references=[PAIR, PAIR]), "prediction 1 is ''"),
    "null": (dict(predictions=["", None], references=[PAIR, PAIR]), "must be a string, but prediction 1 is None"),
    "null sample": (dict(predictions=[["", None]], references=[PAIR]), "prediction 0 is ['', None]"),
    "number": (dict(predictions=[5], references=[PAIR]), "prediction 0 is 5"),
    "no target": (dict(predictions=[""], references=[{"numbers": [2, 3]}]), "reference 0 is {'numbers': [2, 3]}"),
    "no numbers": (dict(predictions=["", ""], references=[PAIR, {"target": 5}]), "reference 1 is {'target': 5}"),
    "numbers empty": (dict(predictions=[""], references=[{"numbers": [], "target": 5}]), "must have numbers"),
    "numbers null": (dict(predictions=[""], references=[{"numbers": None, "target": 5}]), "must have numbers"),
    "fraction": (dict(predictions=[""], references=[{"numbers": [2.5], "target": 5}]), "must have numbers"),
    "not a puzzle": (dict(predictions=[""], references=["2,3:5"]), "reference 0 is '2,3:5'"),
    "k above 1 sample": (dict(predictions=[""], references=[PAIR], k=[1, 2]), "k = 2 and prediction 0 has 1"),
    "k above the fewest": (
        dict(predictions=[["", "", ""], ["", ""]], references=[PAIR, PAIR], k=[3]),
        "k = 3 and prediction 1 has 2",
    ),
    "no sample": (dict(predictions=[[""], []], references=[PAIR, PAIR]), "k = 1 and prediction 1 has 0"),
    "k 0": (dict(predictions=[""], references=[PAIR], k=[0]), "of 1 or more, not [0]"),
    "k empty": (dict(predictions=[""], references=[PAIR], k=[]), "of 1 or more, not []"),
    "k bare": (dict(predictions=[""], references=[PAIR], k=1), "not 1: write k=[1]"),
    "k fraction": (dict(predictions=[""], references=[PAIR], k=[1.0]), "not [1.0]"),
    "division": (dict(predictions=[""], references=[PAIR], division="floor"), "not 'floor'"),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_aggregate_refuses_in_one_line(case):
    arguments, says = BAD_INPUTS[case]
    with pytest.raises(ValueError) as error:
        aggregate(**arguments)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_lenient_view_stands_beside_the_strict_one():
    loose = "Answer: 2 + 3 = 5."
    results = aggregate([loose, "2+3=5", "2 + 3 = 6", "2+3=6"], [PAIR] * 4)
    assert (results["pass@1"], results["pass@1_lenient"]) == (1 / 4, 2 / 4)
    assert results["reasons"] == {"illegal_characters": 2 / 4, "wrong_result": 1 / 4, "ok": 1 / 4}
    results = aggregate([[loose, ""], [loose, "2+3=5"]], [PAIR] * 2, k=[1, 2])
    assert (results["pass@1"], results["pass@1_lenient"], results["pass@2"]) == (1 / 4, 3 / 4, 1 / 2)
    long = f"2{' ' * 5000}+3=5"
    assert aggregate([long], [PAIR])["reasons"] == {"too_long": 1.0}
    assert aggregate([long], [PAIR])["pass@1_lenient"] == 1.0
    assert aggregate(["7 / 2 = 3"], [{"numbers": [7, 2], "target": 3}], division="integer")["pass@1_lenient"] == 1.0


def test_distinct_solutions_are_counted_up_to_commuting_and_order():
    puzzle = {"numbers": [1, 2, 3, 4], "target": 10}
    same = ["1+2=3\n3+4=7\n3+7=10", "2+1=3\n4+3=7\n7+3=10\n", "3+4=7\n1+2=3\n3+7=10"]
    other = ["2*4=8\n3-1=2\n8+2=10", "3-1=2\n4*2=8\n2+8=10"]
    assert aggregate([same], [puzzle])["distinct_solutions"] == 1
    assert aggregate([same + other], [puzzle])["distinct_solutions"] == 2
    assert aggregate([["", "1+2=3"], [*same, *other, "x"]], [puzzle] * 2)["distinct_solutions"] == 1
    assert "distinct_solutions" not in aggregate([same[0]], [puzzle])


def test_the_key_of_a_solution_is_one_exactly_where_its_normal_form_is():
    from arith_puzzle.dataset_builder.puzzle import normal_form
    from arith_puzzle.dataset_builder.solver.solve import solutions

    rng = random.Random(3)
    for numbers, target in (([1, 2, 3, 4], 10), ([2, 2, 2, 3], 6), ([1, 1, 2, 5], 4)):
        found = list(solutions(numbers, target))
        assert len(found) > 3
        assert len({solution_key(map(parse_equation, text.split("\n"))) for text in found}) == len(found)
        for text in found:  # the key and the normal form do not depend on the order of steps and operands
            equations = [parse_equation(line) for line in text.split("\n")]
            turned = [(b, op, a, c) if op in "+*" else (a, op, b, c) for a, op, b, c in equations]
            rng.shuffle(turned)
            assert solution_key(turned) == solution_key(equations)
            assert normal_form(numbers, turned) == normal_form(numbers, equations)


def test_huge_and_odd_responses_are_judged():
    responses = ["9" * 10_000_000, "\x00" * 10_000_000, "1+1=2\n" * 1_000_000, "2 + 3 = 5\n" * 1_000_000, "\ud800", ""]
    start = time.thread_time()
    result = aggregate(responses, [PAIR] * len(responses))
    assert time.thread_time() - start < 10
    assert result["reasons"] == {"too_long": 4 / 6, "illegal_characters": 1 / 6, "wrong_equation_count": 1 / 6}
    assert result["pass@1_lenient"] == 0


def test_many_equal_numbers_are_no_trouble():
    n = 600  # a search for the normal form would recurse too deep or not end
    answer = "\n".join(["1*1=1"] * (n - 1))
    result = aggregate([[answer, answer]], [{"numbers": [1] * n, "target": 1}])
    assert (result["pass@1"], result["distinct_solutions"]) == (1, 1)


@pytest.mark.parametrize("name", ["aggregate", "estimators"])
def test_the_pure_siblings_import_the_standard_library_and_each_other_only(name):
    for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert (node.level, node.module) in {(1, "verify"), (1, "normalize"), (1, "estimators")}
        elif isinstance(node, ast.ImportFrom):
            assert node.module.split(".")[0] in sys.stdlib_module_names
        elif isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= set(sys.stdlib_module_names)


# The evaluate module

SESSION = """
import json, os, socket, sys
from pathlib import Path

def refuse(*_):
    raise OSError("the test allows no network")

socket.socket.connect = socket.create_connection = refuse
import datasets, evaluate

metric = evaluate.load("metrics/arith_puzzle_verifier")
calls = json.loads(sys.stdin.read())
answers, left = [], []
for arguments in calls:
    try:
        answers.append(metric.compute(**arguments))
    except ValueError as error:
        answers.append(str(error))
        left += [path.name for path in Path(os.environ["HF_HOME"]).rglob("*.arrow")]
pair = {"numbers": [2, 3], "target": 5}
metric.add(prediction="2+3=5", reference=pair)
metric.add_batch(predictions=["", "\\ud800"], references=[pair, pair])
added = metric.compute()
rows = datasets.Dataset.from_list([{**pair, "prompt": "2,3:5", "n": 2}])
from_rows = metric.compute(predictions=["2+3=5"], references=rows)
print(json.dumps([answers, added, from_rows, left, metric.description, metric.citation, metric.inputs_description]))
"""

GOOD_CALLS = [
    dict(predictions=[SOLUTION, "2*3=6"], references=[PAPER, PAIR]),
    dict(predictions=[[SOLUTION, ""], ["2+3=5", "\ud800\x00"]], references=[PAPER, PAIR], k=[1, 2]),
    dict(predictions=["7/2=3"], references=[{"numbers": [7, 2], "target": 3}], division="integer"),
]
TOO_BIG = dict(predictions=[""], references=[{"numbers": [2**63], "target": 1}])


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """The output of one fresh process that loads the metric by its path. Each call follows a refused call."""
    calls = [call for arguments, _ in BAD_INPUTS.values() for call in (arguments, *GOOD_CALLS[:2])]
    calls += [*GOOD_CALLS, TOO_BIG, GOOD_CALLS[1]]
    done = subprocess.run(
        [sys.executable, "-c", SESSION],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=offline(tmp_path_factory.mktemp("home")),
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_evaluate_gives_what_aggregate_gives(session):
    answers = session[0]
    assert answers[-5:-2] == [aggregate(**call) for call in GOOD_CALLS]


def test_evaluate_refuses_what_aggregate_refuses_and_can_be_used_again(session):
    answers = session[0]
    for at, (arguments, says) in enumerate(BAD_INPUTS.values()):
        refused, *used_again = answers[3 * at : 3 * at + 3]
        assert says in refused and "\n" not in refused, arguments
        assert used_again == [aggregate(**call) for call in GOOD_CALLS[:2]], arguments


def test_a_refused_call_leaves_no_file_in_evaluates_cache(session):
    assert session[3] == []


def test_evaluate_says_that_it_takes_64_bits(session):
    refused, used_again = session[0][-2:]
    assert "must fit in 64 bits, but those of reference 0 do not" in refused
    assert used_again == aggregate(**GOOD_CALLS[1])


def test_evaluate_adds_up_and_takes_dataset_rows(session):
    _, added, from_rows, *_ = session
    assert added == aggregate(["2+3=5", "", "\ud800"], [PAIR] * 3)
    assert from_rows == aggregate(["2+3=5"], [PAIR])


def test_evaluate_tells_what_the_metric_is(session):
    *_, description, citation, inputs = session
    assert "never evaluated" in description
    assert "2406.02100" in citation and "2107.03374" in citation
    for word in ("predictions", "references", "k:", "division", *aggregate([[""]], [PAIR])):
        assert word in inputs


OTHER_METRIC = '''
"""A metric over the same inputs, for evaluate.combine."""
import datasets
import evaluate


class AnswerLength(evaluate.Metric):
    def _info(self):
        reference = {"numbers": datasets.List(datasets.Value("int64")), "target": datasets.Value("int64")}
        features = datasets.Features({"predictions": datasets.Value("string"), "references": reference})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        return {"length": sum(map(len, predictions)) / len(predictions), "pass@1": -1.0}
'''

COMBINED = """
import json, socket, sys

def refuse(*_):
    raise OSError("the test allows no network")

socket.socket.connect = socket.create_connection = refuse
import evaluate

metric = evaluate.load("metrics/arith_puzzle_verifier")
both = evaluate.combine([metric, evaluate.load(sys.argv[1])])
pair = {"numbers": [2, 3], "target": 5}
answers = [both.compute(predictions=["2+3=5", "x"], references=[pair, pair])]
both.add_batch(predictions=["2+3=5"], references=[pair])
both.add(prediction="2+3=6", reference=pair)
answers.append(both.compute())
twice = evaluate.combine({"a": metric, "b": evaluate.load("metrics/arith_puzzle_verifier")})
answers.append(twice.compute(predictions=[["2+3=5", ""]], references=[pair], k=[1, 2]))
print(json.dumps(answers))
"""


@pytest.mark.slow
def test_evaluate_combine(tmp_path):
    other = tmp_path / "answer_length" / "answer_length.py"
    other.parent.mkdir()
    other.write_text(OTHER_METRIC)
    done = subprocess.run(
        [sys.executable, "-c", COMBINED, str(other)],
        capture_output=True, text=True, cwd=ROOT, env=offline(tmp_path / "home"), timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    at_once, added, twice = json.loads(done.stdout.splitlines()[-1])
    for found, responses, length in ((at_once, ["2+3=5", "x"], 3), (added, ["2+3=5", "2+3=6"], 5)):
        wanted = aggregate(responses, [PAIR] * 2)
        rate = wanted.pop("pass@1")
        assert found == wanted | {
            "arith_puzzle_verifier_pass@1": rate,
            "answer_length_pass@1": -1,
            "length": length,
        }
    wanted = aggregate([["2+3=5", ""]], [PAIR], k=[1, 2])
    assert twice == {f"{name}_{key}": value for name in "ab" for key, value in wanted.items()}


DOCTESTS = """
import doctest, sys

test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, "examples", None, None)
print(*doctest.DocTestRunner().run(test))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("source", "cwd"), [("inputs", ROOT), ("card", FOLDER.parent)], ids=["docstring", "card"])
def test_examples_run_as_printed(session, source, cwd, tmp_path):
    text = session[-1] if source == "inputs" else "\n".join(re.findall(r"```pycon\n(.*?)```", CARD, re.DOTALL))
    # Offline, the folder replaces the Space. A release's check runs the same lines with the real Space.
    text = re.sub(r">>> folder = .*\n", "", text).replace("<namespace>/", "")
    done = subprocess.run(
        [sys.executable, "-c", DOCTESTS],
        input=text,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=offline(tmp_path),
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    failed, attempted = done.stdout.splitlines()[-1].split()
    assert failed == "0", done.stdout
    assert int(attempted) == len(doctest.DocTestParser().get_examples(text)) >= 5


# The card


def test_card_front_matter_and_requirements_agree():
    front = yaml.safe_load(CARD.split("---\n")[1])
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py" and front["license"] == "apache-2.0"
    assert front["tags"] == ["evaluate", "metric"] and front["description"] and front["pinned"] is False
    lines = (FOLDER / "requirements.txt").read_text().split()
    pins = dict(line.split("==") for line in lines)
    assert set(pins) == {"evaluate", "datasets", "gradio"}
    assert pins["gradio"] == front["sdk_version"]


def test_card_explains_every_reason_in_order():
    assert tuple(re.findall(r"^\| `(\w+)` \|", CARD, re.MULTILINE)) == REPORT_ORDER
    assert f"longer than {MAX_RESPONSE_CHARS} characters" in CARD


# The app


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A client of app.py, started from the pushed files alone. The folder's name is not the metric's, as on a Space."""
    from gradio_client import Client

    place = tmp_path_factory.mktemp("space")
    shutil.copytree(FOLDER, place / "app", ignore=shutil.ignore_patterns("__pycache__"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**offline(place / "home"), "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_SERVER_PORT": str(port)}
    env.pop("PYTHONPATH", None)
    log = (place / "log").open("w+")
    server = subprocess.Popen([sys.executable, "app.py"], cwd=place / "app", env=env, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and server.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        assert server.poll() is None, (place / "log").read_text()
        client = Client(f"http://127.0.0.1:{port}", verbose=False, analytics_enabled=False)
        yield client
        client.close()
        assert "Traceback" not in (place / "log").read_text()
    finally:
        server.terminate()
        server.wait(600)
        log.close()


@pytest.mark.slow
def test_app_judges_with_line_and_reason(app):
    sentence, table = app.predict("3, 6, 7, 51, 58", 4, SOLUTION, "exact", api_name="/judge")
    assert "`ok`" in sentence and "✅" in sentence
    assert table["data"][0] == [1, "58-51=7", "ok", "3, 6, 7, 7"] and len(table["data"]) == 4
    sentence, table = app.predict("2,3,4", 10, "2*3=6\n6+5=11\n", "exact", api_name="/judge")
    assert "`unavailable_operand`: line 2:" in sentence and "❌" in sentence
    assert table["data"][1] == [2, "6+5=11", "unavailable_operand", "4, 6"]
    assert "`ok`" in app.predict("7,2", 3, "7/2=3", "integer", api_name="/judge")[0]


@pytest.mark.slow
def test_app_scores_a_batch(app):
    rows = [{**PAPER, "response": [SOLUTION, "\u2028"]}, {**PAIR, "response": ["2+3=5", "3+2=5"]}]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n"
    expected = aggregate([row["response"] for row in rows], rows, k=[1, 2])
    assert app.predict(text, "1, 2", "exact", api_name="/score") == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("endpoint", "inputs", "says"),
    [
        ("/judge", ("2,x", 5, ""), "given numbers must be integers"),
        ("/judge", ("2,3", None, ""), "target must be an integer"),
        ("/score", ("", "1"), "must not be empty"),
        ("/score", ('{"numbers": [2, 3]}', "1"), "Line 1 must be a JSON object"),
        ("/score", (json.dumps({**PAIR, "response": ""}) + "\n[", "1"), "Line 2 must be a JSON object"),
        ("/score", (json.dumps({**PAIR, "response": ""}), "2"), "k = 2 and prediction 0 has 1"),
        ("/score", (json.dumps({**PAIR, "response": ""}), "one"), "k must be integers"),
    ],
)
def test_app_says_what_is_wrong(app, endpoint, inputs, says):
    with pytest.raises(Exception, match=re.escape(says)):
        app.predict(*inputs, "exact", api_name=endpoint)
