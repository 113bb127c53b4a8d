"""Extensions after a number of things or people that are somewhere, without a person who has them.

Each function has the arguments (the last question, its answer, draws), and returns None if it does not fit the answer.
"""

from __future__ import annotations

from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.asked import Counted
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import Made, computed, pick, tidy
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.things import CONTAINERS, fits, head, singular
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws


def _tense(c: Counted, present: str, past: str) -> str:
    return past if c.be == "were" else present


def all_packed(c: Counted, amount: Fraction, draws: Draws) -> Made | None:
    """More things come, and all of them go into containers."""
    container = pick(draws, CONTAINERS[head(c.noun)])
    every = singular(container)
    n = 3 + draws.below(7)
    extra = next((d for d in range(3 + draws.below(6), 40) if (amount + d) % n == 0), None)
    if amount.denominator != 1 or extra is None or extra > amount or not fits((amount + extra) / n, container):
        return None
    more, total = computed("{} + {}", amount, extra)
    share, result = computed("{} / {}", total, n)
    text = pick(draws, (
        f"Then {extra} more {c.noun} {c.be} added to {c.all}, and all of them {c.be} divided equally among"
        f" {n} {container}.",
        f"Then {c.all} and {extra} more {c.noun} {c.be} put into {n} {container}, with the same number in each"
        f" {every}.",
    ))  # fmt: skip
    return Made(
        f"{text} How many {c.noun} {c.be} in each {every}?",
        [f"Then there {c.be} {more} {c.noun}.", f"Each {every} {_tense(c, 'has', 'had')} {share} {c.noun}."],
        result,
    )


def teams_with_more(c: Counted, amount: Fraction, draws: Draws) -> Made | None:
    """More people come, and all of them form teams."""
    size = 2 + draws.below(7)
    extra = next((d for d in range(2 + draws.below(6), 40) if (amount + d) % size == 0), None)
    if amount.denominator != 1 or extra is None or (amount + extra) / size < 2 or amount > 500 or extra > amount:
        return None
    more, total = computed("{} + {}", amount, extra)
    teams, result = computed("{} / {}", total, size)
    group = pick(draws, ("teams", "groups"))
    text = (
        f"Then {extra} more {c.noun} {_tense(c, 'join', 'joined')} {c.all}, and all of them"
        f" {_tense(c, 'form', 'formed')} {group} of {size}. How many {group} {c.be} there?"
    )
    return Made(
        text, [f"Then there {c.be} {more} {c.noun}.", f"They {_tense(c, 'form', 'formed')} {teams} {group}."], result
    )


def teams_without_some(c: Counted, amount: Fraction, draws: Draws) -> Made | None:
    """Some people leave, and the others form equal groups."""
    n = 2 + draws.below(6)
    fewer = next((d for d in range(2 + draws.below(6), 40) if (amount - d) % n == 0), None)
    if amount.denominator != 1 or fewer is None or (amount - fewer) / n < 2 or amount > 500 or 2 * fewer > amount:
        return None
    rest, left = computed("{} - {}", amount, fewer)
    share, result = computed("{} / {}", left, n)
    text = (
        f"On a day when {fewer} of {c.all} {c.be} absent, the others {_tense(c, 'form', 'formed')} {n}"
        f" groups of the same size. How many {c.noun} {c.be} in each group?"
    )
    return Made(
        text,
        [
            f"Without those who {c.be} absent, there {c.be} {rest} {c.noun}.",
            f"There {c.be} {share} {c.noun} in each group.",
        ],
        result,
    )


def more_places(c: Counted, amount: Fraction, draws: Draws) -> Made | None:
    """Two more places of the same kind, in a chain of relations."""
    fewer = tidy(amount * (1 + draws.below(4)) / 10)
    times = 2 + draws.below(2)
    if amount.denominator != 1 or amount < 10 or amount > 20_000 or fewer < 2:
        return None
    second, two = computed("{} - {}", amount, fewer)
    third, three = computed("{} * {}", two, times)
    pair, both = computed("{} + {}", amount, two)
    all_, result = computed(f"{pair.partition('=')[0]} + {{1}}", both, three)
    have = _tense(c, "has", "had")
    many = "twice" if times == 2 else "three times"
    text = (
        f"A second {c.place} {have} {fewer} fewer {c.noun} than this {c.place}, and a third {c.place} {have} {many} as"
        f" many {c.noun} as the second one. How many {c.noun} {c.be} there in the three {_plural(c.place)} altogether?"
    )
    return Made(
        text,
        [
            f"The second {c.place} {have} {second} {c.noun}.",
            f"The third {c.place} {have} {third} {c.noun}.",
            f"Altogether, there {c.be} {all_} {c.noun}.",
        ],
        result,
    )


def _plural(place: str) -> str:
    if place.endswith(("s", "x")):
        return f"{place}es"
    return f"{place[:-1]}ies" if place.endswith("ry") else f"{place}s"
