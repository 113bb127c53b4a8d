"""Concepts that join a price: a cost that two people share, and more things at the same price."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Concept,
    Made,
    Step,
    Story,
    amount,
    calculated,
    capital,
    writable,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import RATIOS


def _split_cost(story: Story) -> Made | None:
    value = story.value
    if story.final.kind != "money" or story.final.subject or story.final.verb != "cost":
        return None
    ratios = [(a, b) for a, b in RATIOS if (value / (a + b)).denominator == 1 and value / (a + b) >= 2]
    if not ratios or story.says(r"ratio|famil\w+|neighbors?|friends?|shared?"):
        return None
    a, b = story.pick(ratios)
    who = story.pick(["families", "neighbors", "friends"])
    one = {"families": "family"}.get(who, who[:-1])
    larger = story.draws.below(2)
    taken = max(a, b) if larger else min(a, b)
    part = value / (a + b)
    return (
        f"Two {who} share {story.phrase} in the ratio {a}:{b}. How much does the {one} with the"
        f" {'larger' if larger else 'smaller'} share pay?",
        [
            Step(f"There are {calculated(f'{a}+{b}')} equal parts.", free=True),
            Step(f"Each part is {calculated(f'{amount(value)}/{a + b}', money=True)}."),
            Step(f"The {'larger' if larger else 'smaller'} share is"
                 f" {calculated(f'{taken}*{amount(part)}', money=True)}."),
        ],
        taken * part,
    )  # fmt: skip


def _same_price(story: Story) -> Made | None:
    """Several things at the unit price that the source asks for."""
    final, value = story.final, story.value
    if final.kind != "unit price" or not writable(value) or value < Fraction(1, 10):
        return None
    noun = final.noun
    many = f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}es" if noun[-1] in "sxh" else f"{noun}s"
    who = story.pick(["A neighbor", "Another customer", "A friend"])
    if story.says(who.split()[-1].lower() + "s?"):
        return None
    count = story.pick([2, 3, 4, 5, 6, 8, 10, 12])
    buys = story.other("buy")
    total = value * count
    if story.draws.below(2) and total.denominator == 1:
        return (
            f"{who} {story.other('spend')} ${total} on such {many}, at the same price for each. How many {many}"
            f" {story.asked('buy', 'this ' + who.split()[-1].lower())}?",
            [Step(f"For ${total}, one gets {calculated(f'{total}/{amount(value)}')} {many}.")],
            Fraction(count),
        )
    return (
        f"{who} {buys} {count} such {many} at the same price for each. How much"
        f" {story.asked('pay', 'this ' + who.split()[-1].lower())}?",
        [Step(f"{capital('this ' + who.split()[-1].lower())} {story.other('pay')}"
              f" {calculated(f'{count}*{amount(value)}', money=True)}.")],
        total,
    )  # fmt: skip


PRICES: tuple[Concept, ...] = (_split_cost, _same_price)
"""Concepts for a price."""
