"""Tests of verify.py with hand-written cases and with a second implementation that shares no code."""

import ast
import json
import math
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arith_puzzle.metrics.arith_puzzle_verifier import verify as module
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    MAX_RESPONSE_CHARS,
    REASONS,
    parse_equation,
    trace,
    verify,
)
from tests.paths import SHARED

AGREED = SHARED / "cases" / "verifier.jsonl"
OURS = Path(__file__).with_name("cases.jsonl")
LEGAL = "0123456789+-*/=\n"
DIVISIONS = ("exact", "integer")
"""Those of equations. The other forms are tried in test_forms.py."""
OTHER_FORMS = {"malformed_expression", "unused_number", "unused_result"}
LINE_RULES = ("unavailable_operand", "division_by_zero", "inexact_division", "wrong_result")


def load(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def check(case: dict) -> None:
    verdict = verify(case["numbers"], case["target"], case["response"], division=case["division"])
    found = (verdict.correct, verdict.reason, verdict.line)
    assert found == (case["correct"], case["reason"], case["line"]), case["why"]


def name(case: dict) -> str:
    return f"{case['division']}: {case['why']}"


# Cases


@pytest.mark.skipif(not AGREED.parent.exists(), reason="needs ../shared/cases, which a public clone lacks")
def test_agreed_cases():
    cases = load(AGREED)
    assert len(cases) >= 50
    for case in cases:
        check(case)


@pytest.mark.parametrize("case", load(OURS), ids=name)
def test_our_cases(case):
    check(case)


@pytest.mark.parametrize("case", load(OURS), ids=name)
def test_our_cases_by_the_second_implementation(case):
    """It must agree with the hand-written cases, too. Otherwise both implementations could share a mistake."""
    found = slow_verify(case["numbers"], case["target"], case["response"], case["division"])
    assert found[:2] == (case["reason"], case["line"])


def test_our_cases_name_every_reason():
    assert {case["reason"] for case in load(OURS)} == set(REASONS) - OTHER_FORMS


def test_the_interpreters_digit_limit_changes_nothing():
    cases = load(OURS)
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)  # the lowest limit
    try:
        with pytest.raises(ValueError):
            int("9" * 641)
        for case in cases:
            check(case)
            trace(case["numbers"], case["response"])
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize("division", ["Exact", "", "floor", None])
def test_a_division_that_is_none_is_refused(division):
    with pytest.raises(ValueError, match="division must be one of"):
        verify([2, 3], 5, "2+3=5", division=division)


@pytest.mark.parametrize(
    ("numbers", "target", "response"),
    [("23", 5, "2+3=5"), ([2, 3], "5", ""), ([2, True], 3, ""), ([2.0, 3], 5, ""), ([[2, 3]], 5, ""),
     ([2, 3], None, ""), ([2, 3], 5, None), ([2, 3], 5, b"2+3=5")],
)  # fmt: skip
@pytest.mark.parametrize("form", module.FORMS)
def test_a_puzzle_that_is_not_of_integers_is_refused(numbers, target, response, form):
    with pytest.raises(ValueError, match="must be"):
        verify(numbers, target, response, form=form)
    assert verify(np.array([2, 3]), np.int32(5), "2+3=5").correct


def test_order_of_the_given_numbers_does_not_matter():
    for numbers in ([3, 6, 7, 51, 58], [58, 51, 7, 6, 3], (7, 58, 3, 51, 6)):
        assert verify(numbers, 4, "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4").correct


def test_parse_equation():
    assert parse_equation("6-7=-1") == (6, "-", 7, -1)
    assert parse_equation("-6--7=1") == (-6, "-", -7, 1)
    assert parse_equation("6-7=-1\n") is None


def test_messages_say_the_line():
    assert verify([2, 3], 5, "2+3=6").message == "line 1: the right side is not the value of the left side"
    assert (
        verify([2, 3], 5, "").message
        == "N given numbers need exactly N-1 equations; where numbers may be left out, 1 to N-1"
    )


def test_standard_library_only_and_nothing_evaluated():
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    roots = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            roots.add(node.module.split(".")[0])
    assert roots <= set(sys.stdlib_module_names)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"eval", "exec", "compile", "__import__"}


@pytest.mark.parametrize(
    "response",
    [
        "9" * MAX_RESPONSE_CHARS,
        "9" * 2040 + "*" + "9" * 2040 + "=1",
        "-" * MAX_RESPONSE_CHARS,
        "1+1=2\n" * (MAX_RESPONSE_CHARS // 6),
        "\n" * MAX_RESPONSE_CHARS,
        "9" * 10_000_000,
    ],
    ids=["digits", "product", "signs", "lines", "newlines", "10 MB"],
)
def test_the_worst_responses_are_judged_at_once(response):
    start = time.thread_time()
    verify([2, 3], 5, response)
    trace([2, 3], response)
    assert time.thread_time() - start < 10  # takes about a millisecond; a backtracking regex would take minutes


# The second implementation reads characters one by one, keeps the pool in a list, and computes with fractions.


def slow_number(text: str, at: int) -> tuple[int, int] | None:
    """(the number that starts at ``at``, its end), or None."""
    negative = text[at : at + 1] == "-"
    start = at = at + 1 if negative else at
    value = 0
    while at < len(text) and text[at] in "0123456789":
        value = value * 10 + "0123456789".index(text[at])
        at += 1
    if at == start or (text[start] == "0" and (at - start > 1 or negative)):
        return None
    return (-value if negative else value), at


def slow_equation(text: str) -> tuple[int, str, int, int] | None:
    left = slow_number(text, 0)
    if left is None or text[left[1] : left[1] + 1] not in ("+", "-", "*", "/"):
        return None
    right = slow_number(text, left[1] + 1)
    if right is None or text[right[1] : right[1] + 1] != "=":
        return None
    result = slow_number(text, right[1] + 1)
    if result is None or result[1] != len(text):
        return None
    return left[0], text[left[1]], right[0], result[0]


def slow_value(a: int, op: str, b: int) -> Fraction:
    a, b = Fraction(a), Fraction(b)
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    return a * b if op == "*" else a / b


def slow_verify(numbers, target, response, division, rule="all"):
    """(reason, line, pools). The pools are sorted; there is one after each equation before the first fault."""
    if len(response) > 4096:
        return "too_long", None, []
    line = 1
    for character in response:
        if character not in LEGAL:
            return "illegal_characters", line, []
        line += character == "\n"
    lines, text = [], ""
    for character in response:
        if character == "\n":
            lines.append(text)
            text = ""
        else:
            text += character
    if text:
        lines.append(text)
    if response == "\n":  # a trailing newline without an equation, not an empty line
        lines = []
    equations = [slow_equation(text) for text in lines]
    if None in equations:
        return "malformed_equation", equations.index(None) + 1, []
    if len(equations) + 1 > len(numbers) or (len(equations) + 1 < len(numbers) if rule == "all" else not equations):
        return "wrong_equation_count", None, []
    pool, pools = list(numbers), []
    for line, (a, op, b, c) in enumerate(equations, 1):
        for operand in (a, b):
            if operand not in pool:
                return "unavailable_operand", line, pools
            pool.remove(operand)
        if op == "/" and b == 0:
            return "division_by_zero", line, pools
        value = slow_value(a, op, b)
        if value.denominator != 1:
            if division == "exact":
                return "inexact_division", line, pools
            value = Fraction(math.trunc(value))
        if value != c:
            return "wrong_result", line, pools
        pool.append(c)
        pools.append(tuple(sorted(pool)))
    if rule == "all":
        return ("ok" if pool == [target] else "wrong_target"), None, pools
    if c != target:
        return "wrong_target", None, pools
    pool.remove(target)
    given_left = list(numbers)
    for number in pool:
        if number not in given_left:
            return "unused_result", None, pools
        given_left.remove(number)
    return "ok", None, pools


# Properties


def agree(numbers, target, response, division) -> str:
    """Assert that both implementations and ``trace`` agree. Returns the reason."""
    reason, line, pools = slow_verify(numbers, target, response, division)
    verdict = verify(numbers, target, response, division=division)
    assert (verdict.reason, verdict.line, verdict.correct) == (reason, line, reason == "ok")
    steps = trace(numbers, response, division=division)
    assert [step.line for step in steps] == list(range(1, len(steps) + 1))
    faulty = [(step.reason, step.line) for step in steps if step.reason != "ok"]
    if reason in LINE_RULES:
        assert faulty[0] == (reason, line)
        before = pools[-1] if pools else tuple(sorted(numbers))
        assert steps[line - 1].pool == before  # a faulty line leaves the pool unchanged
    elif reason in ("illegal_characters", "malformed_equation"):
        assert next(fault for fault in faulty if fault[0] == reason) == (reason, line)
    elif reason in ("ok", "wrong_target"):
        assert not faulty
        assert (steps[-1].pool == (target,) if steps else tuple(numbers) == (target,)) == (reason == "ok")
    assert [step.pool for step in steps[: len(pools)]] == pools
    return reason


divisions = st.sampled_from(DIVISIONS)


@st.composite
def solved(draw):
    """(numbers, target, lines, division): a puzzle and a correct solution, made by random steps."""
    division = draw(divisions)
    numbers = draw(st.lists(st.integers(1, 12), min_size=1, max_size=6))
    pool, lines = list(numbers), []
    while len(pool) > 1:
        a = pool.pop(draw(st.integers(0, len(pool) - 1)))
        b = pool.pop(draw(st.integers(0, len(pool) - 1)))
        op = draw(st.sampled_from("+-*/"))
        if op == "/" and (b == 0 or (a % b and division == "exact")):
            op = "-"
        c = math.trunc(slow_value(a, op, b))
        lines.append(f"{a}{op}{b}={c}")
        pool.append(c)
    return numbers, pool[0], lines, division


@st.composite
def mutated(draw):
    """A correct solution with one to three changes of characters or lines."""
    numbers, target, lines, division = draw(solved())
    text = "\n".join(lines)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["replace", "insert", "delete", "swap lines", "drop line", "repeat line"]))
        if kind in ("replace", "insert"):
            text = text[:at] + draw(st.sampled_from(LEGAL + " ")) + text[at + (kind == "replace") :]
        elif kind == "delete":
            text = text[:at] + text[at + 1 :]
        else:
            rows = text.split("\n")
            i, j = (draw(st.integers(0, len(rows) - 1)) for _ in range(2))
            if kind == "swap lines":
                rows[i], rows[j] = rows[j], rows[i]
            elif kind == "drop line":
                del rows[i]
            else:
                rows.insert(j, rows[i])
            text = "\n".join(rows)
    return numbers, target, text, division


@st.composite
def equations(draw):
    """N-1 well-formed lines with small numbers. They reach the pool rules."""
    small = st.integers(-4, 6)
    numbers = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    lines = []
    for _ in range(len(numbers) - 1):
        a, op, b = draw(small), draw(st.sampled_from("+-*/")), draw(small)
        right = math.trunc(slow_value(a, op, b)) if b or op != "/" else 0
        lines.append(f"{a}{op}{b}={right + draw(st.sampled_from([0, 0, 0, 1]))}")
    return numbers, draw(small), "\n".join(lines), draw(divisions)


@given(st.text() | st.text(st.characters()) | st.text(st.sampled_from("\ud800\udfff\x00٣2+3=5\n")), divisions)
def test_never_raises_on_any_text(response, division):
    agree([2, 3], 5, response, division)


@given(st.lists(st.integers(-3, 9), max_size=4), st.integers(-9, 9), st.text(LEGAL, max_size=40), divisions)
@settings(max_examples=300)
def test_never_raises_over_the_legal_alphabet(numbers, target, response, division):
    agree(numbers, target, response, division)


@given(st.integers(0, 3), st.sampled_from(LEGAL + ";"), st.sampled_from(LEGAL), divisions)
def test_never_raises_near_the_length_bound(over, character, other, division):
    agree([2, 3], 5, character * (MAX_RESPONSE_CHARS - 1) + other * over, division)


@given(solved(), st.booleans())
@settings(max_examples=300)
def test_every_solution_played_is_correct(case, newline):
    numbers, target, lines, division = case
    response = "\n".join(lines) + "\n" * newline
    assert agree(numbers, target, response, division) == "ok"
    assert agree(numbers, target + 1, response, division) == "wrong_target"
    if division == "exact":
        assert verify(numbers, target, response, division="integer").correct


@given(solved().filter(lambda case: case[2]), st.data())
def test_a_wrong_result_is_found_on_its_line(case, data):
    numbers, target, lines, division = case
    at = data.draw(st.integers(0, len(lines) - 1))
    left, right = lines[at].split("=")
    lines[at] = f"{left}={int(right) + data.draw(st.sampled_from([-1, 1, 10]))}"
    verdict = verify(numbers, target, "\n".join(lines), division=division)
    assert (verdict.reason, verdict.line) == ("wrong_result", at + 1)


@given(mutated())
@settings(max_examples=600)
def test_both_agree_on_mutated_solutions(case):
    agree(*case)


@given(equations())
@settings(max_examples=600)
def test_both_agree_on_well_formed_equations(case):
    agree(*case)
