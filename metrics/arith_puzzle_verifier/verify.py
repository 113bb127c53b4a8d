"""The reference verifier: it decides whether a response solves a puzzle.

The puzzle (arXiv 2406.02100) asks for N-1 equations that reach the target and use each given integer and each
intermediate result exactly once. Its neighbours are judged, too: Countdown (``rule="subset"``: numbers may be left
out), the game of 24 (``division="rational"``), and answers that are one infix expression (``form="expression"``).

The module imports only the standard library, because the metric's Space and the demo Space each contain a copy of it.
It never evaluates text as code and never raises on a response. MAX_RESPONSE_CHARS bounds its time and memory.
This module is long because it judges both forms of answers and is copied as one file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral, Rational
from typing import Any

MAX_RESPONSE_CHARS = 4096
"""Longest response that is judged, in characters. A solution for N=15 with numbers near 10^9 has under 1,500."""

MAX_BRACKETS = 64
"""Most brackets that may be open at once in an expression."""

DIVISIONS = ("exact", "integer", "rational")
"""Quotients must be integers; are truncated toward zero; are fractions (for expressions only)."""
RULES = ("all", "subset")
"""Each given number is used exactly once; at most once, and at least one number is used."""
FORMS = ("equations", "expression")
"""Lines such as ``58-51=7``; one infix expression such as ``(58-51)*3``."""

REASONS = {
    "ok": "correct: every equation holds and the last number is the target",
    "too_long": f"the response is longer than {MAX_RESPONSE_CHARS} characters",
    "illegal_characters": "a character outside 0-9 + - * / = and newline; in an expression, outside 0-9 + - * / ( )",
    "malformed_equation": "not of the form number op number = number (no leading zeros, no -0)",
    "malformed_expression": "not an infix expression (no leading zeros, no sign in front, brackets in pairs)",
    "wrong_equation_count": "N given numbers need exactly N-1 equations; where numbers may be left out, 1 to N-1",
    "unavailable_operand": "an operand is not among the numbers that are left at this point",
    "unused_number": "a given number is left out",
    "division_by_zero": "division by zero",
    "inexact_division": "the quotient is not an integer, and division is exact",
    "wrong_result": "the right side is not the value of the left side",
    "wrong_target": "every step holds, but the last number is not the target",
    "unused_result": "a result is left over beside the target",
}
"""Reason -> its meaning. After ``ok``, the order is that in which the rules are checked."""

NUMBER = r"(?:0|-?[1-9][0-9]*)"
_EQUATION = re.compile(rf"({NUMBER})([-+*/])({NUMBER})=({NUMBER})")
_ILLEGAL = re.compile(r"[^0-9+\-*/=\n]")
_ILLEGAL_IN_EXPRESSION = re.compile(r"[^0-9+\-*/()\n]")
_TOKEN = re.compile(r"(0|[1-9][0-9]*)|([-+*/])|[()]")
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
_SAFE_DIGITS = 600  # CPython can limit int(text) to 640 digits, but not to fewer


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of ``verify``.

    Attributes:
        correct: whether the response is a solution.
        reason: the first rule that fails, or ``ok``; a key of REASONS.
        line: 1-based line of the first fault, or None if the fault does not belong to one line.
        column: 1-based column of the fault in an expression, counted in code points over the whole response; or None.
        extracted: the text that ``verify_lenient`` judged, if it is not the response itself.
    """

    correct: bool
    reason: str
    line: int | None = None
    column: int | None = None
    extracted: str | None = None

    @property
    def message(self) -> str:
        """The verdict as a sentence."""
        place = f"line {self.line}" if self.line is not None else ""
        place += f", column {self.column}" if self.column is not None else ""
        return (f"{place}: " if place else "") + REASONS[self.reason]


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


Number = int | Fraction
Equation = tuple[Number, str, Number, Number]
"""``(a, op, b, c)`` for ``a op b = c``. Only expressions under ``division="rational"`` have fractions."""


def parse_equation(line: str) -> tuple[int, str, int, int] | None:
    """Parse ``"6-7=-1"`` to ``(6, "-", 7, -1)``. Return None if the line is not an equation in strict form."""
    match = _EQUATION.fullmatch(line)
    if match is None:
        return None
    a, op, b, c = match.groups()
    return _to_int(a), op, _to_int(b), _to_int(c)


def solution_key(equations: Iterable[Equation]) -> tuple[Equation, ...]:
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


def check_options(division: str = "exact", rule: str = "all", form: str = "equations") -> None:
    """Raise ValueError for an unknown division, rule or form, and for equations with fractions."""
    for name, value, known in (("division", division, DIVISIONS), ("rule", rule, RULES), ("form", form, FORMS)):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    if division == "rational" and form == "equations":
        raise ValueError("division 'rational' needs form 'expression': equations have no way to write fractions")


def _check_integers(numbers: Iterable, target: object) -> None:
    """Raise ValueError unless all are integers, of Python's or NumPy's types. A boolean is none.

    The target may be a Fraction: expressions can reach one.
    """
    for value, kind in (*((number, Integral) for number in numbers), (target, Rational)):
        if isinstance(value, bool) or not isinstance(value, kind):
            raise ValueError(f"numbers and target must be integers, not {value!r} ({type(value).__name__})")


RULE_COLUMNS = ("rule", "division", "form")
"""The columns in which a dataset's rows state the options of ``verify``, unless they are the defaults."""


def rules_of(row: Mapping) -> dict[str, str]:
    """The options of ``verify`` that a dataset's row states in RULE_COLUMNS, if it has them.

    Raises:
        ValueError: as ``check_options``.
    """
    rules = {name: row[name] for name in RULE_COLUMNS if row.get(name) is not None}
    check_options(**rules)
    return rules


def verify(
    numbers: Sequence[int],
    target: int,
    response: str,
    *,
    division: str = "exact",
    rule: str = "all",
    form: str = "equations",
) -> Verdict:
    """Judge a response against a puzzle. The defaults are the paper's puzzle.

    Args:
        numbers: the given integers, in any order; repeated numbers are allowed.
        target: the integer to reach.
        response: any string; one trailing newline is allowed.
        division: ``"exact"`` (b·c = a), ``"integer"`` (the quotient is truncated toward zero), or ``"rational"``
            (exact fractions; for expressions).
        rule: ``"all"`` (each given number is used exactly once) or ``"subset"`` (at most once).
        form: ``"equations"`` (lines ``a∘b=c``: N-1 of them, or 1 to N-1 for a subset) or ``"expression"`` (one line of
            given numbers, ``+ - * /`` and brackets, without a sign in front of a number).

    Returns:
        The verdict. It names the first rule that fails, in the order of REASONS. Length, characters, form and count
        are checked over the whole response first. Equations are then played line by line. In an expression the use of
        the numbers is checked from left to right, then the divisions in the order of evaluation.

    Raises:
        ValueError: as ``check_options``, or numbers and target are not integers. No response string raises.
    """
    check_options(division, rule, form)
    if {type(target), *map(type, numbers)} != {int}:
        _check_integers(numbers, target)
    if not isinstance(response, str):
        raise ValueError(f"the response must be a string, not {type(response).__name__}")
    if form == "expression":
        return _verify_expression(numbers, target, response, division, rule)
    fault, equations = _read(response)
    if fault is not None:
        return fault
    most = len(numbers) - 1
    if len(equations) != most if rule == "all" else not 1 <= len(equations) <= most:
        return Verdict(False, "wrong_equation_count")
    pool = Counter(numbers)
    for line, (a, op, b, c) in enumerate(equations, 1):
        reason = _play(pool, a, op, b, c, division)
        if reason != "ok":
            return Verdict(False, reason, line)
    last = equations[-1][3] if equations else numbers[0] if len(numbers) else None
    if last != target:
        return Verdict(False, "wrong_target")
    if rule == "subset":
        pool[target] -= 1
        if not pool <= Counter(numbers):
            return Verdict(False, "unused_result")
    return Verdict(True, "ok")


def _verify_expression(numbers: Sequence[int], target: int, response: str, division: str, rule: str) -> Verdict:
    if len(response) > MAX_RESPONSE_CHARS:
        return Verdict(False, "too_long")
    illegal = _ILLEGAL_IN_EXPRESSION.search(response)
    if illegal:
        return Verdict(False, "illegal_characters", 1, illegal.start() + 1)
    postfix, stop = _parse(response[:-1] if response.endswith("\n") else response)
    if stop is not None:
        return Verdict(False, "malformed_expression", 1, stop + 1)
    left = Counter(numbers)
    for at, item in postfix:
        if isinstance(item, int):
            left[item] -= 1
            if left[item] < 0:
                return Verdict(False, "unavailable_operand", 1, at + 1)
    if rule == "all" and any(left.values()):
        return Verdict(False, "unused_number")
    reason, value, at = _evaluate(postfix, division)
    if reason != "ok":
        return Verdict(False, reason, 1, at + 1)
    return Verdict(True, "ok") if value == target else Verdict(False, "wrong_target")


def _parse(text: str) -> tuple[list[tuple[int, int | str]], int | None]:
    """Parse an infix expression to postfix order by operator precedence, without recursion.

    Returns:
        (items, None), an item being (position, number or operator) in the order of evaluation; or ([], position of the
        first character that cannot continue).
    """
    postfix: list[tuple[int, int | str]] = []
    waiting: list[tuple[int, str]] = []  # operators and open brackets
    operand, depth, at = True, 0, 0  # operand: whether a number or a bracket must come next
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return [], at
        number, op = token.groups()
        if operand and number:
            postfix.append((at, _to_int(number)))
            operand = False
        elif operand and token[0] == "(" and depth < MAX_BRACKETS:
            waiting.append((at, "("))
            depth += 1
        elif not operand and op:
            while waiting and _PRECEDENCE.get(waiting[-1][1], 0) >= _PRECEDENCE[op]:
                postfix.append(waiting.pop())
            waiting.append((at, op))
            operand = True
        elif not operand and token[0] == ")" and depth:
            while waiting[-1][1] != "(":
                postfix.append(waiting.pop())
            waiting.pop()
            depth -= 1
        else:
            return [], at
        at = token.end()
    if operand or depth:
        return [], at
    return postfix + waiting[::-1], None


def _evaluate(
    postfix: Iterable[tuple[int, int | str]], division: str, equations: list[Equation] | None = None
) -> tuple[str, Number, int]:
    """Evaluate a postfix expression: (reason, value, position of the operator that fails).

    Every operation is appended to ``equations`` as ``(a, op, b, c)`` if a list is given.
    """
    stack: list[Number] = []
    for at, item in postfix:
        if isinstance(item, int):
            stack.append(item)
            continue
        b, a = stack.pop(), stack.pop()
        reason, value = _apply(a, item, b, division)
        if reason != "ok":
            return reason, 0, at
        stack.append(value)
        if equations is not None:
            equations.append((a, item, b, value))
    return "ok", stack[0], 0


def to_equations(expression: str, *, division: str = "exact") -> list[Equation]:
    """The operations of an expression as equations ``(a, op, b, c)``, in the order of evaluation.

    Values are integers; under ``division="rational"`` they may be fractions.

    Raises:
        ValueError: the text is not an expression, or a division fails.
    """
    check_options(division, form="expression")
    postfix, stop = _parse(expression[:-1] if expression.endswith("\n") else expression)
    if stop is not None:
        raise ValueError(f"not an expression from column {stop + 1} on: {expression[:60]!r}")
    equations: list[Equation] = []
    reason, _, at = _evaluate(postfix, division, equations)
    if reason != "ok":
        raise ValueError(f"column {at + 1}: {REASONS[reason]}: {expression[:60]!r}")
    return equations


def to_expression(numbers: Sequence[int], equations: Sequence[Equation]) -> str:
    """One infix expression for the result of the last equation, with brackets where the order of the steps needs them.

    Of equal values the given number is used before a result. Steps that the last result does not need are left out.

    Args:
        numbers: the given integers, none of them negative.
        equations: at least one equation ``(a, op, b, c)``; each must be playable after those before it.

    Raises:
        ValueError: an operand is not available, a given number is negative, or there is no equation.
    """
    if not equations or min(numbers, default=0) < 0:
        raise ValueError("an expression needs at least one equation, and given numbers that are not negative")
    texts: list[tuple[str, int]] = []  # (text, precedence) of each result
    for (a, op, b, _), pair in zip(equations, _sources(numbers, equations), strict=True):
        sides = [(str(value), 3) if at is None else texts[at] for value, at in zip((a, b), pair, strict=True)]
        rank = _PRECEDENCE[op]
        (left, left_rank), (right, right_rank) = sides
        left = left if left_rank >= rank else f"({left})"
        right = right if right_rank > rank else f"({right})"
        texts.append((f"{left}{op}{right}", rank))
    return texts[-1][0]


def _sources(numbers: Sequence[int], equations: Sequence[Equation]) -> list[list[int | None]]:
    """Where the two operands of each equation come from: the index of an equation, or None for a given number."""
    given: Counter[Number] = Counter(numbers)
    results: dict[Number, list[int]] = {}
    found: list[list[int | None]] = []
    for index, (a, _, b, c) in enumerate(equations):
        found.append([])
        for value in (a, b):
            if given[value] > 0:
                given[value] -= 1
                found[-1].append(None)
            elif results.get(value):
                found[-1].append(results[value].pop())
            else:
                raise ValueError(f"{value} is not available in equation {index + 1}")
        results.setdefault(c, []).append(index)
    return found


def needed_steps(numbers: Sequence[int], equations: Sequence[Equation]) -> list[Equation]:
    """The equations that the last result needs, in their order. Of equal values a given number is used first."""
    sources, needed = _sources(numbers, equations), {len(equations) - 1}
    for index in reversed(range(len(equations))):
        if index in needed:
            needed.update(source for source in sources[index] if source is not None)
    return [equation for index, equation in enumerate(equations) if index in needed]


def response_key(
    numbers: Sequence[int],
    response: str,
    *,
    division: str = "exact",
    rule: str = "all",
    form: str = "equations",
) -> tuple[Equation, ...]:
    """``solution_key`` of a correct response in either form, without steps that lead nowhere.

    An expression and the equations that say the same have the same key. A response without any step, such as the
    expression ``7``, has the key ``()``.
    """
    check_options(division, rule, form)
    if form == "expression":
        return solution_key(to_equations(response, division=division))
    equations = list(filter(None, map(parse_equation, response.splitlines())))
    return solution_key(needed_steps(numbers, equations) if rule == "subset" else equations)


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
    check_options(division)
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
    reason, value = _apply(a, op, b, division)
    if reason != "ok":
        return reason
    if value != c:
        return "wrong_result"
    pool[a] -= 1
    pool[b] -= 1
    pool[c] += 1
    return "ok"


def _apply(a: Any, op: str, b: Any, division: str) -> tuple[str, Number]:
    """(reason, value) of one operation."""
    if op == "+":
        return "ok", a + b
    if op == "-":
        return "ok", a - b
    if op == "*":
        return "ok", a * b
    if b == 0:
        return "division_by_zero", 0
    if division == "rational":
        return "ok", Fraction(a) / b
    quotient, rest = divmod(abs(a), abs(b))
    if rest and division == "exact":
        return "inexact_division", 0
    return "ok", quotient if (a < 0) == (b < 0) else -quotient


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
