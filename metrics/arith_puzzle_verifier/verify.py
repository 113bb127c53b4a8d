"""The reference verifier: it decides whether a response solves a puzzle.

The puzzle (arXiv 2406.02100) asks for N-1 equations that reach the target and use each given integer and each
intermediate result exactly once.

The module imports only the standard library, because the metric's Space and the demo Space each contain a copy of it.
It never evaluates text as code and never raises on a response. MAX_RESPONSE_CHARS bounds its time and memory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_RESPONSE_CHARS = 4096
"""Longest response that is judged, in characters. A solution for N=15 with numbers near 10^9 has under 1,500."""

DIVISIONS = ("exact", "integer")

REASONS = {
    "ok": "correct: every equation holds and the last number is the target",
    "too_long": f"the response is longer than {MAX_RESPONSE_CHARS} characters",
    "illegal_characters": "a character outside 0-9 + - * / = and newline",
    "malformed_equation": "not of the form number op number = number (no leading zeros, no -0)",
    "wrong_equation_count": "N given numbers need exactly N-1 equations",
    "unavailable_operand": "an operand is not among the numbers that are left at this point",
    "division_by_zero": "division by zero",
    "inexact_division": "the quotient is not an integer, and division is exact",
    "wrong_result": "the right side is not the value of the left side",
    "wrong_target": "every equation holds, but the last number is not the target",
}
"""Reason -> its meaning. After ``ok``, the order is that in which the rules are checked."""

NUMBER = r"(?:0|-?[1-9][0-9]*)"
_EQUATION = re.compile(rf"({NUMBER})([-+*/])({NUMBER})=({NUMBER})")
_ILLEGAL = re.compile(r"[^0-9+\-*/=\n]")
_SAFE_DIGITS = 600  # CPython can limit int(text) to 640 digits, but not to fewer


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of ``verify``.

    Attributes:
        correct: whether the response is a solution.
        reason: the first rule that fails, or ``ok``; a key of REASONS.
        line: 1-based line of the first fault, or None if the fault does not belong to one line.
    """

    correct: bool
    reason: str
    line: int | None = None

    @property
    def message(self) -> str:
        """The verdict as a sentence."""
        return (f"line {self.line}: " if self.line is not None else "") + REASONS[self.reason]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a traced response.

    Attributes:
        line: 1-based line number.
        text: the line.
        reason: ``ok`` if the equation holds, else the rule that it breaks; a key of REASONS.
        pool: the numbers that are left after the line, ascending.
    """

    line: int
    text: str
    reason: str
    pool: tuple[int, ...]


def parse_equation(line: str) -> tuple[int, str, int, int] | None:
    """Parse ``"6-7=-1"`` to ``(6, "-", 7, -1)``. Return None if the line is not an equation in strict form."""
    match = _EQUATION.fullmatch(line)
    if match is None:
        return None
    a, op, b, c = match.groups()
    return _to_int(a), op, _to_int(b), _to_int(c)


def solution_key(equations: Iterable[tuple[int, str, int, int]]) -> tuple[tuple[int, str, int, int], ...]:
    """A key that is equal for two solutions of one puzzle if and only if the solutions count as the same.

    Two solutions count as the same if they differ only in the order of the operands of ``+`` and ``*``, or in the
    order of their steps.

    Args:
        equations: the solution's equations ``(a, op, b, c)`` in any order.

    Returns:
        The equations with the larger operand first for ``+`` and ``*``, sorted by left operand (descending), right
        operand (descending), and operator in the order ``+ - * /``.
    """
    commuted = [(b, op, a, c) if op in "+*" and b > a else (a, op, b, c) for a, op, b, c in equations]
    return tuple(sorted(commuted, key=lambda equation: (-equation[0], -equation[2], "+-*/".index(equation[1]))))


def verify(numbers: Sequence[int], target: int, response: str, *, division: str = "exact") -> Verdict:
    """Judge a response against a puzzle.

    Args:
        numbers: the given integers, in any order; repeated numbers are allowed.
        target: the integer to reach.
        response: any string. A solution has N-1 lines ``a∘b=c``; one trailing newline is allowed.
        division: ``"exact"`` (b·c = a) or ``"integer"`` (the quotient is truncated toward zero).

    Returns:
        The verdict. It names the first rule that fails. Length, characters, form and count are checked over the
        whole response first, then the other rules line by line.

    Raises:
        ValueError: an unknown division. No response string raises.
    """
    if division not in DIVISIONS:
        raise ValueError(f"division must be one of {DIVISIONS}, not {division!r}")
    fault, equations = _read(response)
    if fault is not None:
        return fault
    if len(equations) != len(numbers) - 1:
        return Verdict(False, "wrong_equation_count")
    pool = Counter(numbers)
    for line, (a, op, b, c) in enumerate(equations, 1):
        reason = _play(pool, a, op, b, c, division)
        if reason != "ok":
            return Verdict(False, reason, line)
    if pool[target] != 1:
        return Verdict(False, "wrong_target")
    return Verdict(True, "ok")


def trace(numbers: Sequence[int], response: str, *, division: str = "exact") -> list[Step]:
    """Explain a response line by line, with a reason for each line and the numbers that are left after it.

    A faulty line leaves the pool unchanged, and the trace continues after it. The trace shows where a response fails;
    only ``verify`` decides whether it is correct.

    Args:
        numbers: the given integers.
        response: any string. Only the first MAX_RESPONSE_CHARS characters are read.
        division: as in ``verify``.

    Returns:
        One Step per line.

    Raises:
        ValueError: an unknown division.
    """
    if division not in DIVISIONS:
        raise ValueError(f"division must be one of {DIVISIONS}, not {division!r}")
    pool = Counter(numbers)
    body = response[:MAX_RESPONSE_CHARS]
    body = body[:-1] if body.endswith("\n") else body
    steps = []
    for line, text in enumerate(body.split("\n") if body else [], 1):
        if _ILLEGAL.search(text):
            reason = "illegal_characters"
        elif (equation := parse_equation(text)) is None:
            reason = "malformed_equation"
        else:
            reason = _play(pool, *equation, division)
        steps.append(Step(line, text, reason, tuple(sorted(pool.elements()))))
    return steps


def _read(response: str) -> tuple[Verdict | None, list[tuple[int, str, int, int]]]:
    """Parse the response: (None, equations), or (verdict, []) for a fault of length, characters or form."""
    if len(response) > MAX_RESPONSE_CHARS:
        return Verdict(False, "too_long"), []
    illegal = _ILLEGAL.search(response)
    if illegal:
        return Verdict(False, "illegal_characters", response.count("\n", 0, illegal.start()) + 1), []
    body = response[:-1] if response.endswith("\n") else response
    equations = []
    for line, text in enumerate(body.split("\n") if body else [], 1):
        equation = parse_equation(text)
        if equation is None:
            return Verdict(False, "malformed_equation", line), []
        equations.append(equation)
    return None, equations


def _play(pool: Counter, a: int, op: str, b: int, c: int, division: str) -> str:
    """Apply one equation to the pool and return its reason. The pool changes only if the equation holds."""
    if pool[a] < 1 or pool[b] < (2 if a == b else 1):
        return "unavailable_operand"
    if op == "+":
        value = a + b
    elif op == "-":
        value = a - b
    elif op == "*":
        value = a * b
    elif b == 0:
        return "division_by_zero"
    else:
        quotient, rest = divmod(abs(a), abs(b))
        if rest and division == "exact":
            return "inexact_division"
        value = quotient if (a < 0) == (b < 0) else -quotient
    if value != c:
        return "wrong_result"
    pool[a] -= 1
    pool[b] -= 1
    pool[c] += 1
    return "ok"


def _to_int(text: str) -> int:
    """``int(text)`` for any number of digits, whatever limit the interpreter sets."""
    if len(text) <= _SAFE_DIGITS:
        return int(text)
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
    value = 0
    for start in range(0, len(digits), _SAFE_DIGITS):
        chunk = digits[start : start + _SAFE_DIGITS]
        value = value * 10 ** len(chunk) + int(chunk)
    return sign * value
