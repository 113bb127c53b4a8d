"""One episode: a board of numbers, the moves on it, and the verdict. Plain Python, without a server.

A move combines two numbers of the board. ``answer`` gives a whole solution at once. Both ways are judged by ``verify``,
under the rules of the puzzle's config. Whatever a player sends, the reply is a sentence, and an episode ends after
MAX_TURNS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.puzzle import (
    MAX_MAGNITUDE,
    MAX_NUMBERS,
    OPERATORS,
    completion,
    natural_prompt,
    parse_puzzle,
)
from arith_puzzle.dataset_builder.solver.solve import LimitReached, find
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.verify import (
    REASONS,
    RULE_COLUMNS,
    Equation,
    Number,
    Verdict,
    check_options,
    to_expression,
    verify,
)

MAX_TURNS = 64
"""Turns of an episode, illegal moves and undone ones included. The longest puzzle needs 14."""
MAX_DIGITS = 400
"""Numbers of more digits than this are not put on the board: products may grow without end."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,399}(/[1-9][0-9]{0,399})?", re.ASCII)


@dataclass(frozen=True)
class Puzzle:
    """Numbers in ascending order, the target, and the options of ``verify`` that differ from the paper's."""

    numbers: tuple[int, ...]
    target: int
    rules: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, numbers: Sequence[int], target: int, rules: dict[str, str] | None = None) -> Puzzle:
        """A puzzle that somebody sent. Raises InputError, one line, if it is none."""
        rules = rules or {}
        if not isinstance(rules, dict) or not rules.keys() <= set(RULE_COLUMNS):
            raise InputError(f"rules are a mapping with some of {', '.join(RULE_COLUMNS)}; got {str(rules)[:60]!r}")
        try:
            check_options(**rules)
        except ValueError as error:
            raise InputError(str(error)) from None
        if not isinstance(numbers, list | tuple) or len(numbers) > MAX_NUMBERS:
            raise InputError(f"numbers are a list of 2 to {MAX_NUMBERS} integers")
        try:
            known, aim = puzzle_of({"numbers": numbers, "target": target})
        except ValueError as error:
            raise InputError(str(error)) from None
        if max(map(abs, [*known, aim]), default=0) > MAX_MAGNITUDE:
            raise InputError(f"numbers and target must be within ±{MAX_MAGNITUDE}")
        given, goal = parse_puzzle(f"{','.join(map(str, known))}:{aim}")
        if rules.get("form") == "expression" and given[0] < 0:
            raise InputError(f"an expression cannot contain the negative number {given[0]}; ask for equations")
        return cls(tuple(given), goal, rules)

    @property
    def prompt(self) -> str:
        """The rules and the puzzle in English."""
        return natural_prompt(self.numbers, self.target, **self.rules)


class Game:
    """The state of an episode.

    Attributes:
        puzzle: what is to be solved.
        equations: the moves on the board, without those that were undone.
        turns: how many turns are over, whatever came of them.
        done, reward: whether the episode is over, and 1.0 if it was solved, else 0.0.
        verdict: of the last answer, or of the solved board; None before.
        message: the reply to the last turn, one or two sentences.
    """

    def __init__(self, puzzle: Puzzle, max_turns: int = MAX_TURNS):
        self.puzzle, self.max_turns = puzzle, max_turns
        self.equations: list[Equation] = []
        self.turns, self.done, self.reward = 0, False, 0.0
        self.verdict: Verdict | None = None
        self.message = "Combine two numbers, or answer with the whole solution."

    @property
    def pool(self) -> list[Number]:
        """The numbers on the board, ascending."""
        left: Counter[Number] = Counter(self.puzzle.numbers)
        for a, _, b, c in self.equations:
            left.subtract([a, b])
            left[c] += 1
        return sorted(left.elements())

    @property
    def board(self) -> str:
        """The board in words."""
        return f"Board: {' '.join(map(str, self.pool))}. Target: {self.puzzle.target}."

    @property
    def solution(self) -> str:
        """The moves as an answer in the puzzle's form."""
        if self.puzzle.rules.get("form") == "expression" and self.equations:
            return to_expression(self.puzzle.numbers, self.equations)
        return completion(self.equations)

    def combine(self, a: object, op: object, b: object) -> str:
        """Replace two numbers of the board by their result. What is not allowed is said, and changes nothing."""
        return self._turn(lambda: self._combine(a, op, b))

    def undo(self) -> str:
        """Take the last move back. It still counts as a turn."""

        def back() -> str:
            if not self.equations:
                return "There is no move to undo."
            a, op, b, c = self.equations.pop()
            return f"Undone: {a}{op}{b}={c}. {self.board}"

        return self._turn(back)

    def answer(self, equations: object) -> str:
        """Answer with a whole solution of the puzzle, not of the board. It ends the episode."""
        return self._turn(lambda: self._finish(_text(equations)))

    def _turn(self, play: Callable[[], str]) -> str:
        if self.done:
            self.message = "The episode is over. Reset to begin another."
            return self.message
        self.turns += 1
        self.message = play()
        if not self.done and self.turns >= self.max_turns:
            self.done = True
            self.message += f" The episode is over: its {self.max_turns} turns are used."
        return self.message

    def _combine(self, a: object, op: object, b: object) -> str:
        first, second = _number(a), _number(b)
        for value, number in ((a, first), (b, second)):
            if number is None:
                return f"Not a move: {_text(value)[:30]!r} is no number, such as 7 or -3."
        sign = _text(op).strip()
        if sign not in tuple(OPERATORS):
            return f"Not a move: {sign[:30]!r} is none of + - * /."
        assert first is not None and second is not None
        left = Counter(self.pool)
        missing = [n for n, needed in Counter([first, second]).items() if left[n] < needed]
        if missing:
            again = " twice" if left[missing[0]] else ""
            return f"Not a move: {str(missing[0])[:30]} is not on the board{again}. {self.board}"
        reason, result = apply(first, sign, second, self.puzzle.rules.get("division", "exact"))
        if reason != "ok":
            return f"Not a move: {first}{sign}{second}: {REASONS[reason]}."
        if max(abs(result.numerator), result.denominator) >= 10**MAX_DIGITS:
            return f"Not a move: the result has more than {MAX_DIGITS} digits."
        self.equations.append((first, sign, second, result))
        verdict = verify(self.puzzle.numbers, self.puzzle.target, self.solution, **self.puzzle.rules)
        said = f"{first}{sign}{second}={result}. {self.board}"
        if verdict.correct:
            return f"{said} {self._finish(self.solution)}"
        return said if len(self.pool) > 1 else f"{said} That is not the target: undo a move."

    def _finish(self, response: str) -> str:
        puzzle = self.puzzle
        self.verdict = verify(puzzle.numbers, puzzle.target, response, **puzzle.rules)
        self.done, self.reward = True, float(self.verdict.correct)
        return "Solved." if self.verdict.correct else f"Wrong: {self.verdict.message}."


def apply(a: Number, op: str, b: Number, division: str) -> tuple[str, Number]:
    """(reason, result) of one operation, exactly. The reason is a key of the verifier's REASONS."""
    if op != "/":
        return "ok", a + b if op == "+" else a - b if op == "-" else a * b
    if b == 0:
        return "division_by_zero", 0
    quotient = Fraction(a) / b
    if division == "integer":
        return "ok", int(quotient)  # toward zero
    if division == "exact" and quotient.denominator > 1:
        return "inexact_division", 0
    return "ok", quotient.numerator if quotient.denominator == 1 else quotient


def oracle(puzzle: Puzzle) -> str | None:
    """A solution by the solver; None if it finds none within its limit."""
    options: dict[str, Any] = {**puzzle.rules}
    try:
        return find(puzzle.numbers, puzzle.target, **options)[0]
    except LimitReached:
        return None


def _text(value: object) -> str:
    """A value as text. An integer of thousands of digits, which Python does not write, is no text of a player."""
    try:
        return value if isinstance(value, str) else str(value)
    except ValueError:
        return "a number of too many digits"


def _number(value: object) -> Number | None:
    text = _text(value).strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = Fraction(text) if len(text) < 600 else None
    return number if number is None or number.denominator > 1 else number.numerator
