"""What it takes to state a given quantity in another way: its place, its new words, and the step that computes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

_ANNOTATION = re.compile(r"<<([^<>]*)=[^<>=]*>>")


class Given(NamedTuple):
    """A given quantity, stated in another way.

    Attributes:
        start, end: its place in the question.
        text: the new words.
        step: the step that computes the old quantity.
    """

    start: int
    end: int
    text: str
    step: str


Restate = Callable[[Problem, Draws], Given | None]
"""Makes a given quantity of a problem out of another concept; None if there is none that fits."""


def used(problem: Problem, value: Fraction) -> bool:
    """Whether the solution computes with the value."""
    return any(value == number for m in _ANNOTATION.finditer(problem.response) for _, _, number in spans(m[1]))


def times(problem: Problem, price: Fraction) -> list[Fraction]:
    """The numbers by which the solution multiplies a price, if it does nothing else with it."""
    found = []
    for match in _ANNOTATION.finditer(problem.response):
        numbers = [number for _, _, number in spans(match[1])]
        if price in numbers:
            if len(numbers) != 2 or match[1].count("*") != 1 or numbers[0] == numbers[1]:
                return []
            found.append(numbers[0] if numbers[1] == price else numbers[1])
    return found
