# ruff: noqa: RUF001 -- signs that look like others are read, too
"""Rules and forms beyond the paper: subsets, expressions and fractions; and the lenient view of expressions."""

import ast
import json
import operator
import re
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arith_puzzle.cli import main
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import normalize, verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    DIVISIONS,
    MAX_BRACKETS,
    MAX_RESPONSE_CHARS,
    REASONS,
    RULES,
    needed_steps,
    response_key,
    solution_key,
    to_equations,
    to_expression,
    verify,
)
from arith_puzzle.metrics.rewards import reward_for
from tests.paths import SHARED

AGREED = SHARED / "cases" / "expressions.jsonl"
OURS = Path(__file__).with_name("form_cases.jsonl")
LEGAL = "0123456789+-*/()\n"
PAPER = ([3, 6, 7, 51, 58], 4, [(58, "-", 51, 7), (6, "-", 7, -1), (3, "*", -1, -3), (-3, "+", 7, 4)])


def load(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def options(case: dict) -> dict:
    return {name: case[name] for name in ("division", "rule", "form")}


def check(case: dict) -> None:
    verdict = verify(case["numbers"], case["target"], case["response"], **options(case))
    found = (verdict.correct, verdict.reason, verdict.line, verdict.column)
    assert found == (case["correct"], case["reason"], case["line"], case["column"]), case["why"]


@pytest.mark.skipif(not AGREED.parent.exists(), reason="needs ../shared/cases, which a public clone lacks")
def test_agreed_cases():
    cases = load(AGREED)
    assert len(cases) >= 50
    for case in cases:
        check(case)


@pytest.mark.parametrize("case", load(OURS), ids=lambda case: f"{case['division']}: {case['why']}")
def test_our_cases(case):
    check(case)
    if case["form"] == "expression":  # otherwise both implementations could share a mistake
        found = slow_verify(case["numbers"], case["target"], case["response"], case["division"], case["rule"])
        assert found == (case["reason"], case["column"])


def test_our_cases_name_every_reason_of_these_forms():
    assert {case["reason"] for case in load(OURS)} == set(REASONS) - {"wrong_result"}


# The second implementation descends by recursion, computes with fractions, and raises at the first fault.


class Fault(Exception):
    pass


class Slow:
    def __init__(self, text: str, division: str):
        self.text, self.division, self.at, self.open = text, division, 0, 0
        self.numbers: list[tuple[int, int]] = []
        self.steps: list[tuple[int, str]] = []  # faults of divisions, in the order of evaluation

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def sum(self) -> Fraction:
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = 1 if self.peek() == "+" else -1
            self.at += 1
            value += sign * self.product()
        return value

    def product(self) -> Fraction:
        value = self.factor()
        while self.peek() in ("*", "/"):
            operator, at = self.peek(), self.at
            self.at += 1
            other = self.factor()
            value = value * other if operator == "*" else self.quotient(value, other, at)
        return value

    def quotient(self, a: Fraction, b: Fraction, at: int) -> Fraction:
        if b == 0:
            self.steps.append((at, "division_by_zero"))
            return Fraction(1)
        value = a / b
        if self.division == "rational" or value.denominator == 1:
            return value
        if self.division == "exact":
            self.steps.append((at, "inexact_division"))
        return Fraction(int(value))

    def factor(self) -> Fraction:
        if self.peek() == "(":
            if self.open == MAX_BRACKETS:
                raise Fault
            self.open += 1
            self.at += 1
            value = self.sum()
            if self.peek() != ")":
                raise Fault
            self.open -= 1
            self.at += 1
            return value
        start = self.at
        while self.peek() and self.peek() in "0123456789" and self.text[start : self.at] != "0":
            self.at += 1
        if self.at == start:
            raise Fault
        self.numbers.append(
            (start, sum(int(digit) * 10**k for k, digit in enumerate(self.text[start : self.at][::-1])))
        )
        return Fraction(self.numbers[-1][1])


def slow_verify(numbers, target, response, division, rule):
    """(reason, column)"""
    if len(response) > 4096:
        return "too_long", None
    for column, character in enumerate(response, 1):
        if character not in LEGAL:
            return "illegal_characters", column
    parser = Slow(response.removesuffix("\n"), division)
    try:
        value = parser.sum()
        if parser.at != len(parser.text):
            raise Fault
    except Fault:
        return "malformed_expression", parser.at + 1
    left = list(numbers)
    for at, number in parser.numbers:
        if number not in left:
            return "unavailable_operand", at + 1
        left.remove(number)
    if left and rule == "all":
        return "unused_number", None
    if parser.steps:
        at, reason = parser.steps[0]
        return reason, at + 1
    return ("ok" if value == target else "wrong_target"), None


def agree(numbers, target, response, division, rule) -> str:
    verdict = verify(numbers, target, response, division=division, rule=rule, form="expression")
    reason, column = slow_verify(numbers, target, response, division, rule)
    assert (verdict.reason, verdict.column) == (reason, column)
    assert verdict.correct == (reason == "ok") and verdict.line == (None if column is None else 1)
    return reason


# A third one: Python's own parser, on text that the grammar surely admits. It knows brackets and precedence well.

PLAIN = re.compile(r"(?:[-+*/(]|(?<![0-9])(?:0|[1-9][0-9]{0,9})(?![0-9])|\))+")


def value_by_python(text: str, division: str):
    """The value of an expression, or None if it has none or is none."""
    if not PLAIN.fullmatch(text) or "**" in text or "//" in text or re.search(r"[0-9)]\(|\)[0-9]", text):
        return None
    try:
        return _walk(ast.parse(text, mode="eval").body, division)
    except (SyntaxError, ZeroDivisionError, ArithmeticError, RecursionError):
        return None


def _walk(node: ast.expr, division: str):
    if isinstance(node, ast.Constant):
        return node.value
    if not isinstance(node, ast.BinOp):
        raise SyntaxError("a sign in front")
    a, b = _walk(node.left, division), _walk(node.right, division)
    if not isinstance(node.op, ast.Div):
        return {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}[type(node.op)](a, b)
    value = Fraction(a) / b
    if division == "exact" and value.denominator != 1:
        raise ArithmeticError
    return int(value) if division == "integer" or value.denominator == 1 else value


@given(
    st.text("0123456789+-*/()", max_size=24) | st.deferred(lambda: trees().map(lambda case: case[1])),
    st.sampled_from(DIVISIONS),
)
@settings(max_examples=500)
def test_pythons_parser_gives_the_same_value(text, division):
    value, numbers = value_by_python(text, division), [int(number) for number in re.findall("[0-9]+", text)]
    if value is None:
        for target in (0, 1, 2):
            assert verify(numbers, target, text, division=division, form="expression").reason != "ok"
    else:
        assert verify(numbers, value, text, division=division, form="expression").correct
        assert verify(numbers, value + 1, text, division=division, form="expression").reason == "wrong_target"


divisions, rules = st.sampled_from(DIVISIONS), st.sampled_from(RULES)


@given(st.text() | st.text(st.characters()) | st.text(st.sampled_from("\ud800\x00٣2+3()\n")), divisions, rules)
def test_any_text(response, division, rule):
    agree([2, 3], 5, response, division, rule)
    verify([2, 3], 5, response, rule=rule, form="equations")


@given(st.lists(st.integers(-3, 9), max_size=4), st.integers(-9, 9), st.text(LEGAL, max_size=40), divisions, rules)
@settings(max_examples=300)
def test_any_legal_characters(numbers, target, response, division, rule):
    agree(numbers, target, response, division, rule)


@st.composite
def trees(draw, at_most=6):
    """(numbers, text): an expression over these numbers, with brackets at random."""
    numbers = draw(st.lists(st.integers(0, 12), min_size=1, max_size=at_most))
    texts = [str(number) for number in numbers]
    while len(texts) > 1:
        left = texts.pop(draw(st.integers(0, len(texts) - 1)))
        right = texts.pop(draw(st.integers(0, len(texts) - 1)))
        text = f"{left}{draw(st.sampled_from('+-*/'))}{right}"
        texts.append(f"({text})" if draw(st.booleans()) else text)
    return numbers, texts[0]


@given(trees(), st.integers(-20, 40), divisions, rules, st.integers(0, 3))
@settings(max_examples=500)
def test_both_agree_on_expressions_and_what_is_near_them(case, target, division, rule, cut):
    numbers, text = case
    for response in (text, text[:cut] + text[cut + 1 :], f"{text}\n"):
        agree(numbers, target, response, division, rule)
        agree([*numbers, 1], target, response, division, rule)


@given(trees(), divisions)
@settings(max_examples=300)
def test_an_expression_and_its_equations_have_one_verdict_and_one_key(case, division):
    numbers, text = case
    try:
        equations = to_equations(text, division=division)
    except ValueError as error:
        assert "division" in str(error) or "quotient" in str(error)
        return
    target = equations[-1][3] if equations else numbers[0]
    assert verify(numbers, target, text, division=division, form="expression").correct
    if equations and all(isinstance(number, int) for a, _, b, c in equations for number in (a, b, c)):
        rule = "exact" if division == "rational" else division
        lines = "\n".join(f"{a}{op}{b}={c}" for a, op, b, c in equations)
        assert verify(numbers, target, lines, division=rule).correct
        again = to_expression(numbers, equations)
        assert verify(numbers, target, again, division=division, form="expression").correct
        key = response_key(numbers, text, division=division, form="expression")
        assert response_key(numbers, lines, division=rule) == key
        if len(set(numbers) | {c for *_, c in equations}) == len(numbers) + len(equations):  # no equal numbers
            assert response_key(numbers, again, division=division, form="expression") == key


def test_the_papers_example_both_ways():
    numbers, _, equations = PAPER
    assert to_expression(numbers, equations) == "3*(6-7)+(58-51)"
    assert solution_key(to_equations("3*(6-7)+(58-51)")) == solution_key(equations)
    assert to_equations("8/(3-8/3)", division="rational")[-1] == (8, "/", Fraction(1, 3), 24)
    for text, said in (("8/(3-8/3)", "column 7: the quotient is not an integer"), ("1+", "from column 3 on")):
        with pytest.raises(ValueError, match=said):
            to_equations(text)
    for numbers, equations, said in (
        ([-3, 4], [(-3, "+", 4, 1)], "not negative"),
        ([3, 4], [], "at least one"),
        ([3, 4], [(3, "+", 5, 8)], "5 is not available in equation 1"),
    ):
        with pytest.raises(ValueError, match=said):
            to_expression(numbers, equations)


def test_steps_that_lead_nowhere_are_left_out_of_a_solution():
    numbers, text = [3, 7, 6, 1, 1], "1*1=1\n6+1=7\n7-3=4"
    equations = [(1, "*", 1, 1), (6, "+", 1, 7), (7, "-", 3, 4)]
    assert verify(numbers, 4, text, rule="subset").correct
    assert needed_steps(numbers, equations) == [(7, "-", 3, 4)], "of equal values the given one is used first"
    assert to_expression(numbers, equations) == "7-3"
    keys = {response_key(numbers, each, rule="subset") for each in (text, "7-3=4")}
    assert keys == {response_key(numbers, "7-3", rule="subset", form="expression")}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"division": "float"}, "division must be one of exact, integer, rational, not 'float'"),
        ({"rule": "any"}, "rule must be one of all, subset, not 'any'"),
        ({"form": "latex"}, "form must be one of equations, expression, not 'latex'"),
        ({"division": "rational"}, "division 'rational' needs form 'expression'"),
    ],
)
def test_unknown_options_are_refused_everywhere(changes, said, tmp_path, capsys):
    puzzle = [{"numbers": [2, 3], "target": 5}]
    for call in (
        lambda: verify([2, 3], 5, "", **changes),
        lambda: verify_lenient([2, 3], 5, "", **changes),
        lambda: aggregate([""], puzzle, **changes),
        lambda: reward_for(**changes),
    ):
        with pytest.raises(ValueError, match=said):
            call()
    (tmp_path / "a.jsonl").write_text('{"numbers": [2, 3], "target": 5, "response": ""}\n')
    name, value = next(iter(changes.items()))
    try:
        status = main(["verify", str(tmp_path / "a.jsonl"), f"--{name}", value])
    except SystemExit as end:  # argparse knows the choices
        status = end.code
    assert status == 2 and value in capsys.readouterr().err


@pytest.mark.parametrize(
    "response",
    [
        "(" * MAX_RESPONSE_CHARS, "1" * MAX_RESPONSE_CHARS, "1+" * (MAX_RESPONSE_CHARS // 2), "(" * 10**7,
        "(" * 100_000 + "1" + ")" * 100_000, "1+" * 5_000_000 + "1", "1" * 10**7, "(1+" * 3_300_000, "1\n" * 5_000_000,
        "-" * 10**7, "9" * 4094 + "/9", "1/" + "9" * 4094, "/".join(["9" * 63] * 64), "+".join(["1/" + "9" * 29] * 127),
        "1/" * (MAX_RESPONSE_CHARS // 2 - 1) + "1", "9*" * (MAX_RESPONSE_CHARS // 2 - 1) + "9",
    ],
    ids=lambda text: f"{text[:2]}x{len(text)}",
)  # fmt: skip
def test_the_worst_expressions_are_judged_at_once(response):
    numbers = [9] * 3000 + [1] * 3000 + [int(number) for number in re.findall("[0-9]{2,4200}", response[:4200])]
    started = time.thread_time()
    for division in DIVISIONS:
        verdict = verify(numbers, 5, response, division=division, rule="subset", form="expression")
        assert (verdict.reason == "too_long") == (len(response) > MAX_RESPONSE_CHARS)
    assert time.thread_time() - started < 10


def test_sums_of_many_fractions_are_judged_at_once():
    numbers = list(range(1000, 1700))
    text = "+".join(f"1/{number}" for number in numbers[:580])
    started = time.thread_time()
    assert verify([1] * 580 + numbers, 5, text, division="rational", rule="subset", form="expression").reason == (
        "wrong_target"
    )
    assert time.thread_time() - started < 10


LENIENT = [
    ("8 / (3 - 8/3)", "8/(3-8/3)"),
    ("8/(3-8/3) = 24", "8/(3-8/3)"),
    ("24 = 8/(3-8/3)", "8/(3-8/3)"),
    ("(1+2)*3 = 3*3 = 9", "(1+2)*3"),
    ("<think>3+3=6? no</think>\nThe answer is 8 ÷ (3 − 8 ÷ 3) = 24.", "8/(3-8/3)"),
    ("Let me try 3*8=24, 3+8=11...\n<answer>8/(3-8/3)</answer>", "8/(3-8/3)"),
    ("<answer>1+1</answer> or rather <answer> 2+1 </answer><|im_end|>", "2+1"),
    (r"So \boxed{8 \div (3 - 8 \div 3)}", "8/(3-8/3)"),
    (r"\boxed{\frac{8}{3-\frac{8}{3}}}", "((8)/(3-((8)/(3))))"),
    (r"$(3 + 4) \times 5$", "(3+4)*5"),
    ("$8/(3-8/3)$<|im_end|>", "8/(3-8/3)"),
    ("```\n(1+2)*3\n```", "(1+2)*3"),
    ("- (1+2)*3", "(1+2)*3"),
    ("1. **(1+2)*3 = 9**", "(1+2)*3"),
    ("Using 3, 4 and 5: (3+4)x5 = 35", "(3+4)*5"),
    ("Using 3 and 4, I get 3+4 = 7!", "3+4"),
    ("First 3+4 = 7.\nThen 7*5 = 35.\nAnswer: (3+4)*5", "(3+4)*5"),
    ("1,200/4 = 300", "1200/4"),
    ("(3 + 4) &times; 5", "(3+4)*5"),
    ("<answer>7</answer>", "7"),
    ("2*2</s> \\boxed{2+3}", "2*2"),
    ("2*2<|im_end|>\n<|im_start|>user\n<answer>2+3</answer>", "2*2"),
]


@pytest.mark.parametrize(("response", "text"), LENIENT)
def test_the_expression_that_a_model_means(response, text):
    assert normalize(response, form="expression") == text == normalize(text, form="expression")
    verdict = verify_lenient([3, 3, 8, 8], 24, response, division="rational", form="expression")
    assert verdict.extracted == text
    assert verdict.reason == verify([3, 3, 8, 8], 24, text, division="rational", form="expression").reason


@pytest.mark.parametrize(
    "response",
    [
        "3+4 or 4+3", "First 3+4 = 7.\nThen 7*5 = 35.", "2^3+4", "3+4!", "3.5+4", "1 2+3", "3+4 times 2", "sqrt(3+4)",
        "3+4%", "3+4 != 8", "(3+4)*5 ≈ 35", "T = 3+4", "The answer is 7", "3+4=", "none", "", "-3+4", "2 * 3 ^ 4",
        "[2+3]*2", "4*[2+3]", "(2+3):4", "(2+3)•4", "(2+3) | 8", "√ (2+3)", "|2-3|", "(2+3)²", "<think>maybe 2+3",
    ],
)  # fmt: skip
def test_what_is_ambiguous_stays(response):
    assert normalize(response, form="expression") == response
    assert verify_lenient([3, 4], 7, response, form="expression").extracted is None


def test_an_entity_with_thousands_of_digits_raises_nothing():
    assert normalize("&#" + "9" * 5000 + "; 2+3", form="expression") == "2+3"
    normalize("&#" + "9" * 5000 + ";")


def test_equations_in_an_answer_tag():
    text = "<think>2+3=6</think>Maybe 3*2=6.\n<answer>2 + 3 = 5</answer> as asked"
    assert normalize(text) == "2+3=5" and verify_lenient([2, 3], 5, text).correct


@given(st.text() | st.lists(st.sampled_from([*LEGAL, " ", "=", "\\boxed{", "}", "\\frac{", "{", "<answer>", "x", "."])))
@settings(max_examples=500)
def test_once_is_enough(given_text):
    text = normalize("".join(given_text), form="expression")
    assert normalize(text, form="expression") == text


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "1 ",
        "1+",
        "\\boxed{",
        "\\frac{1}{",
        "= ",
        "answer is ",
        "<answer>",
        "1+1 ",
        "1=",
        "\\frac{",
        "- ",
        "so 1+1 ",
        "=1+1\n",
        "(a ",
        "\\boxed{1}\n",
        "a\n",
    ],
)
def test_long_texts_are_read_at_once(piece):
    started = time.thread_time()
    normalize(piece * (65_000 // len(piece)), form="expression")
    assert time.thread_time() - started < 10


def test_the_metric_the_reward_and_the_command_agree(tmp_path, capsys):
    rows = load(OURS)
    for form, rule, division in sorted({(row["form"], row["rule"], row["division"]) for row in rows}):
        chosen = {"form": form, "rule": rule, "division": division}
        some = [row for row in rows if chosen.items() <= row.items() and max(map(abs, row["numbers"])) < 2**63]
        responses = [row["response"] for row in some]
        measured = aggregate(responses, some, **chosen)
        assert measured["pass@1"] == sum(row["correct"] for row in some) / len(some)
        columns = [[row[name] for row in some] for name in ("numbers", "target")]
        assert reward_for(**chosen)(responses, *columns) == [float(row["correct"]) for row in some]
        path = tmp_path / "answers.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in some))
        assert (
            main(["verify", str(path), *(part for key, value in chosen.items() for part in (f"--{key}", value))]) == 0
        )
        assert f"pass@1                {measured['pass@1']:>9.4f}" in capsys.readouterr().out
        verdicts = load(path.with_name("answers.jsonl.verdicts.jsonl"))
        assert [(line["reason"], line["line"], line["column"]) for line in verdicts] == [
            (row["reason"], row["line"], row["column"]) for row in some
        ]


def test_the_command_says_what_the_lenient_view_judged(tmp_path):
    path = tmp_path / "answers.jsonl"
    row = {"numbers": [3, 3, 8, 8], "target": 24, "responses": ["8/(3-8/3)", "So 8/(3-8/3) = 24.", "dunno"]}
    path.write_text(json.dumps(row) + "\n")
    assert main(["verify", str(path), "--form", "expression", "--division", "rational"]) == 0
    lines = load(path.with_name("answers.jsonl.verdicts.jsonl"))
    assert [line.get("lenient") for line in lines] == [
        None, {"correct": True, "reason": "ok", "extracted": "8/(3-8/3)"}, None,
    ]  # fmt: skip


def test_different_expressions_are_counted_once_if_they_say_the_same():
    measured = aggregate(
        [["2+3+4", "(3+2)+4", "4+(2+3)", "2+(3+4)", "9"]], [{"numbers": [2, 3, 4], "target": 9}], form="expression"
    )
    assert measured["distinct_solutions"] == 2 and measured["pass@1"] == 0.8
