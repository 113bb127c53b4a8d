"""Extensions after a number of things that a person has: packing, sharing, giving away and selling.

Each function has the arguments (the last question, its answer, draws), and returns None if it does not fit the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.asked import Asked, auxiliary
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import GIFTS, RELATIVES, Made, computed, pick, tidy
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.things import CONTAINERS, PRICES, head, singular
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws


def _divisors(amount: Fraction, choices: Sequence[int]) -> list[int]:
    """The choices that divide the amount into whole parts of at least 2."""
    return [n for n in choices if (amount / n).denominator == 1 and amount / n >= 2]


def _whole(amount: Fraction) -> bool:
    return amount.denominator == 1


def packed_with_more(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """More things come, and all of them go into containers."""
    container = pick(draws, CONTAINERS[head(a.noun)])
    n = 3 + draws.below(7)
    extra = next((d for d in range(3 + draws.below(6), 40) if (amount + d) % n == 0), None)
    if not _whole(amount) or extra is None or (amount + extra) / n < 2 or amount > 2000 or extra > amount:
        return None
    giver = pick(draws, RELATIVES)
    every = singular(container)
    text = pick(draws, (
        f"{a.his.capitalize()} {giver} {a.does('give', 'giver')} {a.him} {extra} more {a.noun}. {a.subject_again()}"
        f" {a.does('put')} these and the {a.noun} {a.that()} into {n} {container}, with the same number in each"
        f" {every}.",
        f"{a.who} {a.does('get')} {extra} more {a.noun} from {a.his} {giver}, and {a.does('divide')} them and the"
        f" {a.noun} {a.that()} equally among {n} {container}.",
    ))  # fmt: skip
    ask = f"How many {a.noun} {a.are_there()} in each {every}?"
    together, total = computed("{} + {}", amount, extra)
    share, result = computed("{} / {}", total, n)
    return Made(
        f"{text} {ask}",
        [
            f"With the {extra} {a.noun} from {a.his} {giver}, there {a.be(plural=True)} {together} {a.noun}.",
            f"Each {every} {a.does('get', 'it')} {share} {a.noun}.",
        ],
        result,
    )


def packed_then_more(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The things go into containers, and more come into each."""
    possible = _divisors(amount, (2, 3, 4, 5, 6, 7, 8, 9, 10, 12))
    if not _whole(amount) or not possible or amount > 2000:
        return None
    n, extra = pick(draws, possible), 2 + draws.below(5)
    container = pick(draws, CONTAINERS[head(a.noun)])
    every = singular(container)
    share, each = computed("{} / {}", amount, n)
    if extra > each:
        return None
    more, result = computed("{} + {}", each, extra)
    text = (
        f"{a.who} {a.does('divide')} the {a.noun} {a.that()} equally among {n} {container}, and then {a.does('add')}"
        f" {extra} more {a.noun} to each {every}. How many {a.noun} {a.are_there()} in each {every} in the end?"
    )
    return Made(
        text,
        [
            f"At first, each {every} {a.does('get', 'it')} {share} {a.noun}.",
            f"In the end, each {every} {a.does('have', 'it')} {more} {a.noun}.",
        ],
        result,
    )


def given_and_shared(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """Some of the things are given away, and friends share the others."""
    n = 2 + draws.below(6)
    given = next((d for d in range(2 + draws.below(5), 30) if (amount - d) % n == 0), 99)
    if not _whole(amount) or given > amount / 2 or (amount - given) / n < 2 or amount > 400:
        return None
    receiver = pick(draws, ("sister", "brother", "neighbor", "cousin", "teacher"))
    rest, left = computed("{} - {}", amount, given)
    share, result = computed("{} / {}", left, n)
    text = (
        f"{a.who} {a.does('give')} {given} of the {a.noun} {a.that()} to {a.his} {receiver}, and {a.does('share')} the"
        f" others equally among {n} friends. How many {a.noun} {auxiliary(a.aux, plural=False)} each of these friends"
        " get?"
    )
    return Made(
        text,
        [
            f"After the gift to {a.his} {receiver}, {rest} {a.noun} {a.be(plural=True)} left.",
            f"Each of the friends {a.does('get', 'it')} {share} {a.noun}.",
        ],
        result,
    )


def half_then_more(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """Half of the things go away, and others come."""
    if not _whole(amount) or amount % 2 or amount < 6 or amount > 1000:
        return None
    extra = 3 + draws.below(max(3, min(20, int(amount) // 2)))
    half, kept = computed("{} / {}", amount, 2)
    more, result = computed("{} + {}", kept, extra)
    receiver = pick(draws, ("a friend", f"{a.his} cousin", f"{a.his} neighbor", "a local charity"))
    giver = pick(draws, RELATIVES)
    text = (
        f"{a.who} {a.does('give')} half of the {a.noun} {a.that()} to {receiver}, and then {a.does('get')}"
        f" {extra} {a.noun} from {a.his} {giver}. {a.ask(f'many {a.noun}', 'have in the end', named=True)}"
    )
    return Made(
        text,
        [
            f"{a.who} {a.does('give')} {half} {a.noun} away and {a.does('keep')} {kept}.",
            f"In the end, {a.he} {a.does('have')} {more} {a.noun}.",
        ],
        result,
    )


def sold(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The things are sold, and a part of the money is spent."""
    low, high = PRICES[head(a.noun)]
    price = low + draws.below(high - low + 1)
    if not _whole(amount) or amount < 5 or amount > 500 or price < 2:
        return None
    income, money = computed("{} * {}", amount, price, money=True)
    spent = tidy(money * (2 + draws.below(5)) / 10)
    if not 2 <= spent < money:
        return None
    rest, result = computed("{} - {}", money, spent, money=True)
    item = pick(draws, GIFTS)
    text = (
        f"{a.who} {a.does('sell')} all of the {a.noun} {a.that()} for ${price} each, and {a.does('spend')} ${spent} of"
        f" the money on {item}. How much of the money {a.be()} left?"
    )
    return Made(
        text,
        [
            f"{a.who} {a.does('get')} {income} for the {a.noun}.",
            f"After {a.he} {a.after('spend')} ${spent} on {item}, {rest} {a.be()} left.",
        ],
        result,
    )
