"""The one verifier of the project: is this response a solution of this puzzle?

The puzzle is that of arXiv 2406.02100: use each given integer and each
intermediate result exactly once, in N-1 equations, to reach the target.
Standard library only, nothing of ours imported: this file is pushed with the
metric and the demo as it stands. It never evaluates text, never raises on a
response, and its work is bounded by MAX_RESPONSE_CHARS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_RESPONSE_CHARS = 4096
"""Longest response judged, in characters. N=15 with numbers near 10^9 needs under 1,500."""

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
"""Reason -> what it means, in the order in which the rules are checked after ``ok``."""

NUMBER = r"(?:0|-?[1-9][0-9]*)"
_EQUATION = re.compile(rf"({NUMBER})([-+*/])({NUMBER})=({NUMBER})")
_ILLEGAL = re.compile(r"[^0-9+\-*/=\n]")
_SAFE_DIGITS = 600  # below the lowest limit (640) an interpreter can set for int(text)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``verify`` found: ``correct``, ``reason`` (a key of REASONS), ``line`` (1-based, of the
    first fault, or None where the fault is no single line's)."""

    correct: bool
    reason: str
    line: int | None = None

    @property
    def message(self) -> str:
        """The verdict as a sentence."""
        return (f"line {self.line}: " if self.line is not None else "") + REASONS[self.reason]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a traced response: its text, reason (``ok`` if it holds), and the numbers left after it."""

    line: int
    text: str
    reason: str
    pool: tuple[int, ...]


def parse_equation(line: str) -> tuple[int, str, int, int] | None:
    """``"6-7=-1"`` -> ``(6, "-", 7, -1)``; None if the line is not an equation of contract form."""
    match = _EQUATION.fullmatch(line)
    if match is None:
        return None
    a, op, b, c = match.groups()
    return _to_int(a), op, _to_int(b), _to_int(c)


def solution_key(equations: Iterable[tuple[int, str, int, int]]) -> tuple[tuple[int, str, int, int], ...]:
    """What two solutions of one puzzle share if and only if they are the same.

    They are the same if they differ only by commuting the operands of ``+`` and ``*`` or by the order of steps.
    So the key is the multiset of equations ``(a, op, b, c)``, larger operand first for ``+`` and ``*``, sorted by
    left operand (descending), right operand (descending), operator in the order ``+ - * /``.
    """
    commuted = [(b, op, a, c) if op in "+*" and b > a else (a, op, b, c) for a, op, b, c in equations]
    return tuple(sorted(commuted, key=lambda equation: (-equation[0], -equation[2], "+-*/".index(equation[1]))))


def verify(numbers: Sequence[int], target: int, response: str, *, division: str = "exact") -> Verdict:
    """Judge a response against a puzzle.

    Args:
        numbers: the given integers, a multiset in any order.
        target: the integer to reach.
        response: any text; correct is N-1 lines ``a∘b=c``, one trailing newline allowed.
        division: ``"exact"`` (b·c = a) or ``"integer"`` (quotient truncated toward zero).

    Returns:
        Verdict. Character, form and count faults are judged over the whole response first,
        then the pool rules line by line.

    Raises:
        ValueError: division is neither of the two. Nothing is raised on any response string.
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
    """The response line by line, each with its own reason and the numbers left after it.

    Goes past faults to show as much as possible: a faulty line leaves the pool as it was. At most
    MAX_RESPONSE_CHARS are read. ``verify`` alone decides whether the response is correct.

    Raises:
        ValueError: division is neither ``"exact"`` nor ``"integer"``.
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
    """Apply one equation to the pool (changed only if it holds) and return its reason."""
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
    if len(text) <= _SAFE_DIGITS:
        return int(text)
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text)
    value = 0
    for start in range(0, len(digits), _SAFE_DIGITS):
        chunk = digits[start : start + _SAFE_DIGITS]
        value = value * 10 ** len(chunk) + int(chunk)
    return sign * value
