"""Extensions after an amount of money, or after what happens in each of several periods.

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
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.verbs import auxiliary
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws

GOALS = [
    (70, ("a board game", "a pair of headphones", "a soccer ball", "a painting set")),
    (200, ("a skateboard", "a pair of boots", "a tent", "a camera bag")),
    (700, ("a bicycle", "a game console", "a guitar", "a tablet")),
    (2500, ("a laptop", "an electric bicycle", "a piano")),
    (30_000, ("a used car", "a used motorboat")),
]
"""Highest price -> what costs up to so much."""


NUMBERS = ("", "", "two", "three", "four", "five", "six")


def half_saved(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """Half of the money is saved, and a part of the other half is spent."""
    half, other = computed("{} / {}", amount, 2, money=True)
    spent = tidy(other * (2 + draws.below(6)) / 10) if amount >= 8 else 0
    item = present(spent, draws)
    if item is None or amount > 20_000 or spent >= other or (other * 100).denominator != 1:
        return None
    rest, result = computed("{} - {}", other, spent, money=True)
    place = pick(draws, ("into a savings account", "into the bank", "aside for later"))
    text = (
        f"{a.name} {a.does('put')} half of the money {a.that()} {place}, and {a.does('spend')} ${spent:,} of the"
        f" other half on {item}. How much of the other half {a.be()} left?"
    )
    return Made(
        text,
        [
            f"Half of the money is {half}.",
            f"Of the other half, {rest} {a.be()} left after {a.name} {a.after('spend')} ${spent:,} on {item}.",
        ],
        result,
    )


def divided_with_more(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """More money is added, and all of it is divided."""
    n = 2 + draws.below(5)
    first = 5 + 5 * draws.below(6)
    extra = next((d for d in range(first, first + 40) if (amount + d) % n == 0), None)
    if extra is None or amount < 10 or amount > 2000 or extra > amount:
        return None
    giver, what = relative(a.story, draws), pick(draws, ("charities", "envelopes", "savings boxes"))
    more, total = computed("{} + {}", amount, extra, money=True)
    share, result = computed("{} / {}", total, n, money=True)
    ask = f"How much {auxiliary(a.aux)} each charity get?"
    if what != "charities":
        ask = f"How much money {a.be()} in each {'envelope' if what == 'envelopes' else 'box'}?"
    text = (
        f"{a.name} {a.does('divide')} the money {a.that()} and ${extra} from {a.his} {giver} equally among {n} {what}."
    )
    return Made(
        f"{text} {ask}",
        [
            f"With the ${extra} from {a.his} {giver}, there {a.be()} {more}.",
            f"Each of the {n} {what} {a.does('get')} {share}.",
        ],
        result,
    )


def towards_a_goal(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The money is for something that costs more, of which a relative pays half."""
    price = tidy(amount * (23 + draws.below(15)) / 10)
    price += price % 2
    half, own = computed("{} / {}", Fraction(price), 2, money=True)
    items = next((items for most, items in GOALS if price <= most), None)
    if items is None or price < 30 or own <= amount or own.denominator != 1:
        return None
    more, result = computed("{} - {}", own, amount, money=True)
    item, payer, want = pick(draws, items), relative(a.story, draws), a.after("want")
    text = (
        f"{a.name} {want} to use all of the money {a.that()} for {item} that"
        f" {'cost' if want == 'wanted' else 'costs'} ${price:,}, and {a.his} {payer} {a.does('pay')} half of"
        f" the price. {a.ask('much more money', 'need')}"
    )
    return Made(
        text,
        [
            f"{a.name}'s {payer} {a.does('pay')} {half}, so {a.his} own part {a.be()} ${own} too.",
            f"{a.name} {a.does('need')} {more} more.",
        ],
        result,
    )


def kept_up(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """What happens in a period happens in several, and less in the last one."""
    assert a.period
    money = a.noun == "money"
    n = {"day": (5, 6, 10, 12, 14), "week": (3, 4, 5, 6, 8), "month": (3, 4, 5, 6), "year": (2, 3, 4, 5)}[a.period]
    times = pick(draws, n)
    less = tidy(amount * (1 + draws.below(4)) / 10) if amount >= 10 else 2
    if not (money or amount.denominator == 1) or not 0 < less < amount or amount * times > 100_000:
        return None
    all_, whole = computed("{} * {}", amount, times, money=money)
    rest, result = computed("{} - {}", whole, less, money=money)
    what = f"${less} less" if money else f"{less} fewer {a.noun}"
    unit = "" if money else f" {a.noun}"
    last = f"{'on' if a.period == 'day' else 'in'} the last {a.period}"
    text = (
        f"{a.name} {a.does('keep')} this up for {times} {a.period}s, but {a.does(a.verb)} {what} {last}."
        f" {a.ask('much money' if money else f'many {a.noun}', f'{a.verb} in these {times} {a.period}s')}"
    )
    return Made(
        text,
        [
            f"Without the change {last}, it {a.would_be()} {all_}{unit} in {times} {a.period}s.",
            f"So {a.name} {a.does(a.verb)} {rest}{unit} in these {times} {a.period}s.",
        ],
        result,
    )


def set_aside(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The money of several periods is set aside, and a part of it is spent."""
    assert a.period
    times = pick(draws, {"day": (5, 6, 10, 20), "week": (3, 4, 6, 8, 10), "month": (3, 4, 6), "year": (2, 3)}[a.period])
    all_, whole = computed("{} * {}", amount, times, money=True)
    spent = tidy(whole * (2 + draws.below(6)) / 10)
    items = next((items for most, items in GOALS if spent <= most), None)
    if items is None or spent < 20 or spent >= whole:
        return None
    rest, result = computed("{} - {}", whole, spent, money=True)
    item = pick(draws, items)
    text = (
        f"{a.name} {a.does('put')} aside all of the money that {a.he} {a.does(a.verb)} each {a.period} for {times}"
        f" {a.period}s, and then {a.does('buy')} {item} for ${spent:,}. How much of the money {a.be()} left?"
    )
    return Made(
        text,
        [
            f"In {times} {a.period}s, {a.name} {a.does('put')} aside {all_}.",
            f"After {a.name} {a.after('buy')} {item}, {rest} {a.be()} left.",
        ],
        result,
    )


def paid_with_bills(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The amount is paid with several banknotes of one kind."""
    bills = [bill for bill in (5, 10, 20, 50, 100) if 2 <= -(-amount // bill) <= 6 and amount % bill]
    if not bills or amount > 250:
        return None
    bill = pick(draws, bills)
    n = int(-(-amount // bill))
    number = NUMBERS[n]
    given, total = computed("{} * {}", Fraction(n), bill, money=True)
    change, result = computed("{} - {}", total, amount, money=True)
    text = pick(draws, (
        f"{a.name} {a.does('pay')} with {number} ${bill} bills. {a.ask('much change', 'get')}",
        f"{a.name} {a.does('hand')} the cashier {number} ${bill} bills. {a.ask('much change', 'get back')}",
    ))  # fmt: skip
    return Made(
        text,
        [f"The {number} bills {a.be(plural=True)} worth {given}.", f"{a.name} {a.does('get')} {change} in change."],
        result,
    )


def from_savings(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """The amount is paid from savings."""
    n = 2 + draws.below(9)
    monthly = tidy(amount * (11 + draws.below(12)) / 10 / n)
    unit = pick(draws, ("week", "month"))
    if monthly < 2 or monthly * n <= amount or amount > 30_000:
        return None
    saved, savings = computed("{} * {}", Fraction(monthly), n, money=True)
    rest, result = computed("{} - {}", savings, amount, money=True)
    text = (
        f"{a.name} {a.does('pay')} for all of this from {a.his} savings of ${monthly:,} a {unit} over {n} {unit}s. How"
        f" much of these savings {a.be()} left?"
    )
    if a.aux == "did" and draws.below(2):
        text = (
            f"Before that, {a.name} had saved ${monthly:,} a {unit} for {n} {unit}s, and {a.he} used these"
            " savings to pay for everything. How much of the savings was left?"
        )
    return Made(
        text,
        [
            f"{a.name}'s savings {'were' if a.be() == 'was' else 'are'} {saved}.",
            f"After the payment, {rest} {a.be()} left.",
        ],
        result,
    )
