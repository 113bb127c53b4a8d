"""Write new solution steps in GSM8K's style, and draw sensible amounts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, number_text
from arith_puzzle.metrics.gsm8k_answer.calculator import evaluate_expression

T = TypeVar("T")

RELATIVES = ("aunt", "uncle", "grandmother", "grandfather", "older sister", "older brother")
_PRESENTS = [
    ("a book", 8, 25),
    ("a birthday present", 8, 60),
    ("school supplies", 5, 50),
    ("groceries", 10, 150),
    ("a new backpack", 20, 70),
    ("a pair of shoes", 30, 100),
    ("a jacket", 35, 120),
    ("a trip", 150, 3000),
    ("furniture", 200, 5000),
    ("a course", 150, 2000),
]
"""(what one may buy, lowest and highest price)."""


class Made(NamedTuple):
    """An extension.

    Attributes:
        text: the sentences that replace the last question.
        steps: the solution's lines that follow those of the source.
        result: the new answer.
        before: the solution's lines that precede those of the source.
    """

    text: str
    steps: list[str]
    result: Fraction
    before: tuple[str, ...] = ()


def pick(draws: Draws, choices: Sequence[T]) -> T:
    """One of the choices, each with the same probability."""
    return choices[draws.below(len(choices))]


def relative(story: str, draws: Draws) -> str:
    """A relative who is not in the story."""
    return pick(draws, [each for each in RELATIVES if each.rpartition(" ")[2] not in story] or ["great-aunt"])


def present(price: int, draws: Draws) -> str | None:
    """Something that has about this price."""
    items = [item for item, low, high in _PRESENTS if low <= price <= high]
    return pick(draws, items) if items else None


def amount_text(value: Fraction | int) -> str:
    """Write a number: whole, or with two decimals if it needs at most two."""
    value = Fraction(value)
    return f"{float(value):.2f}" if value.denominator != 1 and (value * 100).denominator == 1 else number_text(value)


def computed(template: str, one: Fraction | int, two: Fraction | int, *, money: bool = False) -> tuple[str, Fraction]:
    """Write a computation with its annotation.

    Args:
        template: such as ``"{} + {}"``.
        one, two: the operands.
        money: whether the result is an amount of dollars.

    Returns:
        (text, such as ``12+3=$<<12+3=15>>15``; value of the result).
    """
    expression = template.replace(" ", "").format(amount_text(one), amount_text(two))
    value = evaluate_expression(expression)
    assert value is not None, expression
    result = amount_text(value)
    return f"{expression}={'$' if money else ''}<<{expression}={result}>>{result}", value


def tidy(value: Fraction) -> int:
    """A round whole number near a positive value: a multiple of 5 from 30, of 10 from 200, of 100 from 3,000."""
    grid = next((grid for least, grid in ((30_000, 1000), (3000, 100), (200, 10), (30, 5)) if value >= least), 1)
    return int(value // grid * grid)
