"""How a solution uses a given number: whether it computes with it, and by which numbers it multiplies a price."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem

_ANNOTATION = re.compile(r"<<([^<>]*)=[^<>=]*>>")


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
