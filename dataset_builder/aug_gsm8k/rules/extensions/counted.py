"""Extensions after a number of things that a person has: packing, sharing, giving away and selling.

Each function has the arguments (the last question, its answer, draws), and returns None if it does not fit the answer.
"""

from __future__ import annotations

from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.asked import Asked
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import (
    Made,
    computed,
    pick,
    present,
    relative,
    tidy,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.things import CONTAINERS, PRICES, fits, head, singular
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.verbs import auxiliary
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws


def _whole(amount: Fraction) -> bool:
    return amount.denominator == 1


def packed_with_more(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """More things come, and all of them go into containers."""
    container, giver = pick(draws, CONTAINERS[head(a.noun)]), relative(a.story, draws)
    n = 3 + draws.below(7)
    extra = next((d for d in range(3 + draws.below(6), 40) if (amount + d) % n == 0), None)
    if not _whole(amount) or extra is None or extra > amount or not fits((amount + extra) / n, container):
        return None
    every = singular(container)
    things = f"the {a.noun} {a.that()} and {extra} more {a.noun} from {a.his} {giver}"
    text = pick(draws, (
        f"{a.name} {a.does('put')} {things} into {n} {container}, with the same number in each {every}.",
        f"{a.name} {a.does('divide')} {things} equally among {n} {container}.",
    ))  # fmt: skip
    together, total = computed("{} + {}", amount, extra)
    share, result = computed("{} / {}", total, n)
    return Made(
        f"{text} How many {a.noun} {a.are_there()} in each {every}?",
        [
            f"With the {extra} {a.noun} from {a.his} {giver}, there {a.be(plural=True)} {together} {a.noun}.",
            f"Each {every} {a.does('get')} {share} {a.noun}.",
        ],
        result,
    )


def packed_then_more(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The things go into containers, and more come into each."""
    container = pick(draws, CONTAINERS[head(a.noun)])
    possible = [n for n in range(2, 13) if _whole(amount / n) and fits(amount / n + 6, container)]
    if not possible:
        return None
    n, extra = pick(draws, possible), 2 + draws.below(5)
    every = singular(container)
    share, each = computed("{} / {}", amount, n)
    if extra > each:
        return None
    more, result = computed("{} + {}", each, extra)
    text = (
        f"{a.name} {a.does('divide')} the {a.noun} {a.that()} equally among {n} {container}, and then {a.does('add')}"
        f" {extra} more {a.noun} to each {every}. How many {a.noun} {a.are_there()} in each {every} in the end?"
    )
    return Made(
        text,
        [
            f"At first, each {every} {a.does('get')} {share} {a.noun}.",
            f"In the end, each {every} {a.does('have')} {more} {a.noun}.",
        ],
        result,
    )


def given_and_shared(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """Some of the things are given away, and friends share the others."""
    n = 2 + draws.below(6)
    given = next((d for d in range(2 + draws.below(5), 30) if (amount - d) % n == 0), 99)
    if not _whole(amount) or given > amount / 2 or (amount - given) / n < 2 or amount > 200:
        return None
    receivers = [who for who in ("sister", "brother", "neighbor", "cousin", "teacher") if who not in a.story.lower()]
    if not receivers or "friend" in a.story:
        return None
    receiver = pick(draws, receivers)
    rest, left = computed("{} - {}", amount, given)
    share, result = computed("{} / {}", left, n)
    text = (
        f"{a.name} {a.does('give')} {given} of the {a.noun} {a.that()} to {a.his} {receiver}, and {a.does('divide')}"
        f" the others equally among {n} friends. How many {a.noun} {auxiliary(a.aux)} each of these friends get?"
    )
    return Made(
        text,
        [
            f"After the gift to {a.his} {receiver}, {rest} {a.noun} {a.be(plural=True)} left.",
            f"Each of the friends {a.does('get')} {share} {a.noun}.",
        ],
        result,
    )


def half_then_more(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """Half of the things go away, and others come."""
    if not _whole(amount) or amount % 2 or amount < 6 or amount > 400:
        return None
    extra = 3 + draws.below(max(3, min(20, int(amount) // 2)))
    half, kept = computed("{} / {}", amount, 2)
    more, result = computed("{} + {}", kept, extra)
    receivers = [who for who in ("a friend", f"{a.his} cousin", f"{a.his} neighbor") if who[-6:] not in a.story]
    if not receivers:
        return None
    receiver, giver = pick(draws, receivers), relative(a.story, draws)
    text = (
        f"{a.name} {a.does('give')} half of the {a.noun} {a.that()} to {receiver}, and then {a.does('get')}"
        f" {extra} {a.noun} from {a.his} {giver}. {a.ask(f'many {a.noun}', 'have in the end')}"
    )
    return Made(
        text,
        [
            f"{a.name} {a.does('give')} {half} {a.noun} away and {a.does('keep')} {kept}.",
            f"In the end, {a.name} {a.does('have')} {more} {a.noun}.",
        ],
        result,
    )


def sold(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The things are sold, and a part of the money is spent."""
    low, high = PRICES[head(a.noun)]
    price = max(2, low + draws.below(high - low + 1))
    if not _whole(amount) or amount < 5 or amount > 200:
        return None
    income, money = computed("{} * {}", amount, price, money=True)
    spent = tidy(money * (2 + draws.below(5)) / 10)
    item = present(spent, draws)
    if item is None or spent >= money:
        return None
    rest, result = computed("{} - {}", money, spent, money=True)
    text = (
        f"{a.name} {a.does('sell')} all of the {a.noun} {a.that()} for ${price} each, and {a.does('spend')} ${spent} of"
        f" the money on {item}. How much of the money {a.be()} left?"
    )
    return Made(
        text,
        [
            f"{a.name} {a.does('get')} {income} for the {a.noun}.",
            f"After {a.name} {a.after('spend')} ${spent} on {item}, {rest} {a.be()} left.",
        ],
        result,
    )
