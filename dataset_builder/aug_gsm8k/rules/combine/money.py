"""Concepts that join an answer in dollars: wages, savings, prices, areas, fuel, currencies and shares."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import conjugated
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
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import CHILD, GOALS, ITEMS, RATIOS, UNSPENT

COSTS = {"pay", "spend", "cost", "owe", "need", "donate", "give", "contribute"}
GAINS = {"have", "earn", "make", "get", "receive", "save", "keep", "win", "raise", "collect"}


def _is_cost(story: Story) -> bool:
    return story.final.kind == "money" and (story.final.verb in COSTS or story.final.needed)


def _is_gain(story: Story) -> bool:
    final = story.final
    able = final.rest.startswith("can ") or not story.person
    if (
        re.search(UNSPENT, final.phrase())
        or final.verb == "raise"
        or story.says("fundrais\\w*|raise money|raises money|raised money|raising money|church|charity")
    ):
        return False
    return final.kind == "money" and final.verb in GAINS and not final.needed and not able


def _wage(story: Story) -> Made | None:
    value = story.whole
    rates = [rate for rate in range(8, 31) if value and value % rate == 0 and 2 <= value // rate <= 60]
    if not _is_cost(story) or not rates or story.says(r"hours?|hourly|wages?|salary|earn\w*|works?|worked|jobs?"):
        return None
    rate = story.pick(rates)
    hours = Fraction(value or 0, rate)
    per_day = [n for n in (2, 3, 4, 5, 6, 8) if hours % n == 0 and hours / n >= 2]
    line = f"{value}/{rate}"
    if story.person is None or story.draws.below(3) == 0:
        who = "someone" if story.final.subject else "a person"
        opening = story.pick(["At a wage of", "With an hourly wage of"])
        return (
            f"{opening} ${rate}{' an hour' if opening.startswith('At') else ''}, how many hours does {who} have to work"
            f" to earn {story.phrase}?",
            [Step(f"At ${rate} an hour, this takes {calculated(line)} hours of work.")],
            hours,
        )
    person = story.actor
    together = "together " if person.plural else ""
    fact = f"{capital(person.name)} {together}{story.verb('earn')} ${rate} an hour"
    steps = [Step(f"{capital(person.pronoun)} must work {calculated(line)} hours to earn this money.")]
    if per_day and story.draws.below(2):
        day = story.pick(per_day)
        steps.append(Step(f"At {day} hours a day, this takes {calculated(f'{hours}/{day}')} days."))
        return (
            f"{fact} and {story.verb('work')} {day} hours a day. How many days"
            f" {story.asked('have to work')} to earn {story.phrase}?",
            steps,
            hours / day,
        )
    return f"{fact}. How many hours {story.asked('have to work')} to earn {story.phrase}?", steps, hours


def _weekly_saving(story: Story) -> Made | None:
    value = story.whole
    rates = [rate for rate in range(4, 101) if value and value % rate == 0 and 3 <= value // rate <= 30]
    if not _is_cost(story) or not story.person or not rates or story.says(r"weeks?|weekly|sav\w+|months?"):
        return None
    rate = story.pick([rate for rate in rates if rate % 5 == 0] or rates)
    did = {"past": "did", "future": "will"}.get(story.final.tense, "does")
    person = story.actor
    period = story.pick(["week", "week", "month"])
    return (
        f"{capital(person.name)} {story.verb('save')} ${rate} {story.pick(['every', 'each'])} {period}. How many"
        f" {period}s {did} it take {person.objective} to save {story.phrase}?",
        [Step(f"At ${rate} a {period}, it takes {calculated(f'{value}/{rate}')} {period}s to save ${value}.")],
        Fraction(value or 0, rate),
    )


def _points(story: Story) -> Made | None:
    value = story.whole
    spent = story.final.verb in ("pay", "spend") and not story.final.needed
    sizes = [size for size in (2, 3, 4, 5, 10) if value and value % size == 0 and value // size >= 2]
    if story.final.kind != "money" or not spent or not sizes or not story.person or story.says(r"points?|cards?|rent"):
        return None
    size, gift = story.pick(sizes), story.pick([2, 3, 4, 5])
    groups = Fraction(value or 0, size)
    name = story.pick(["bonus points", "points", "reward points"])
    who = story.pick(["The bank", "A rewards program", "A credit card"])
    person = story.actor
    verb = story.verb(story.final.verb)
    return (
        f"{who} {story.other('give')} {person.objective} {gift} {name} for every ${size} that {person.pronoun} {verb}."
        f" How many {name} {story.asked('get')} for {story.phrase}?",
        [
            Step(f"There are {calculated(f'{value}/{size}')} times ${size} in ${value}."),
            Step(f"So {person.pronoun} {story.verb('get')} {calculated(f'{groups}*{gift}')} {name}."),
        ],
        groups * gift,
    )


def _installments(story: Story) -> Made | None:
    value = story.value
    parts = [n for n in (3, 4, 5, 6, 8, 10, 12) if value >= 100 and (value / n).denominator == 1 and value / n >= 15]
    if (
        not _is_cost(story)
        or story.final.needed
        or not parts
        or story.says(r"months?|monthly|payments?|fees?|rent|tip|years?|weeks?|days?|annual\w*|bills?|borrow\w*")
    ):
        return None
    if story.final.verb in ("donate", "give", "contribute"):
        return None
    part, fee = story.pick(parts), story.pick([1, 2, 3, 5])
    each = value / part
    lets = "let" if story.final.tense == "past" else story.other("let")
    who = "A bank" if story.person is None else f"{capital(story.actor.possessive)} bank"
    whom = "the buyer" if story.person is None else story.actor.objective
    ask = f"How much {story.be()} each payment?"
    if story.final.subject and story.person is None:
        return None
    step = Step(f"Without the fee, each payment is {amount(value)}/{part}=$"
                f"<<{amount(value)}/{part}={amount(each)}>>{amount(each)}.")  # fmt: skip
    if story.draws.below(2):
        plain = Step(f"Each payment is {calculated(f'{amount(value)}/{part}', money=True)}.")
        return (
            f"{who} {lets} {whom} divide {story.phrase} into {part} equal monthly payments, with no interest. {ask}",
            [plain],
            each,
        )
    return (
        f"{who} {lets} {whom} divide {story.phrase} into {part} equal monthly payments and"
        f" {story.other('add')} a fee of ${fee} to each of them. {ask}",
        [step, Step(f"With the fee, each payment is {calculated(f'{amount(each)}+{fee}', money=True)}.")],
        each + fee,
    )


def _purchase(story: Story) -> Made | None:
    value = story.whole
    if not _is_gain(story) or not value or value < 10:
        return None
    items = [
        (many, one, price)
        for many, one, low, high in ITEMS
        for price in range(low, high + 1)
        if 2 <= value // price <= 25 and not story.says(f"{many}|{one}|{many.split()[-1]}|{one.split()[-1]}")
    ]
    if not items:
        return None
    exact = [item for item in items if value % item[2] == 0]
    many, one, price = story.pick(exact if exact and story.draws.below(2) else items)
    person = story.actor
    count, rest = divmod(value, price)
    can = "could" if story.final.tense == "past" else "can"
    start = f"{capital(person.name)} {story.verb('use')} {story.phrase} to buy {many} that cost ${price} each"
    if not rest:
        return (
            f"{start}. How many {many} {can} {person.pronoun} buy?",
            [Step(f"{capital(person.pronoun)} {can} buy {calculated(f'{value}/{price}')} {many} for ${value}.")],
            Fraction(count),
        )
    return (
        f"{start}, and {story.verb('buy')} as many as possible. How much money {story.asked('have')} left after that?",
        [
            Step(f"The {count} {many} that this money can buy cost {calculated(f'{count}*{price}', money=True)}, and"
                 f" one more {one} would be too expensive."),
            Step(f"{capital(person.pronoun)} {story.verb('have')} {calculated(f'{value}-{count * price}', money=True)}"
                 " left."),
        ],
        Fraction(rest),
    )  # fmt: skip


def _goal(story: Story) -> Made | None:
    value = story.whole
    if not _is_gain(story) or not value or story.says(r"weeks?|weekly|save[sd]?|saving|enough|goal"):
        return None
    plans = [
        (thing, value + rate * weeks, rate, weeks)
        for thing, low, high in GOALS
        for rate in (5, 8, 10, 12, 15, 20, 25, 40, 50, 100)
        for weeks in range(3, 16)
        if low <= value + rate * weeks <= high and not story.says(thing.split()[-1])
        and (value + rate * weeks) % 5 == 0 and value * 6 >= low
    ]  # fmt: skip
    if not plans:
        return None
    thing, price, rate, weeks = story.pick(plans)
    person = story.actor
    did = {"past": "did", "future": "will"}.get(story.final.tense, "does")
    cost = "cost" if story.final.tense == "past" else "costs"
    need = conjugated("need", "past" if story.final.tense == "past" else "present", person.plural)
    return (
        f"{capital(person.name)} {story.verb('put')} {story.phrase} aside for a {thing} that"
        f" {cost} ${price}, and {story.verb('add')} ${rate} every week."
        f" How many weeks {did} it take {person.objective} to reach the price?",
        [
            Step(f"For the {thing}, {person.pronoun} still {need}"
                 f" {calculated(f'{price}-{value}', money=True)}."),
            Step(f"At ${rate} a week, this takes {calculated(f'{price - value}/{rate}')} weeks."),
        ],
        Fraction(weeks),
    )  # fmt: skip


def _shares(story: Story) -> Made | None:
    value = story.value
    ratios = [(a, b) for a, b in RATIOS if writable(value / (a + b)) and value / (a + b) >= 2]
    ratios = [(a, b) for a, b in ratios if (value / (a + b)).denominator == 1] or ratios[:2]
    if not _is_gain(story) or not ratios or value < 10 or story.says(r"ratio|charity|savings?|donat\w+"):
        return None
    a, b = story.pick(ratios)
    small = [
        ("books", "gifts"), ("art supplies", "sports equipment"), ("a savings account", "concert tickets"),
        ("a trip", "new clothes"), ("snacks", "toys"), ("a gift", "a new bag"),
    ]  # fmt: skip
    large = [("a savings account", "charity"), ("a savings account", "a trip"), ("home repairs", "a vacation")]
    if value > 5000:
        large = [("a savings account", "home repairs"), ("a savings account", "charity")]
    one, two = story.pick(small if value <= 150 else large)
    if any(story.says(word) for word in (*one.split()[-2:], *two.split()[-1:])):
        return None
    person = story.actor
    part = value / (a + b)
    return (
        f"{capital(person.name)} {story.verb('divide')} {story.phrase} between {one} and {two} in the ratio"
        f" {a}:{b}. How"
        f" much money {story.other('go')} to {two}?",
        [
            Step(f"There are {calculated(f'{a}+{b}')} equal parts.", free=True),
            Step(f"Each part is {calculated(f'{amount(value)}/{a + b}', money=True)}."),
            Step(f"The share for {two} {story.be()} {calculated(f'{b}*{amount(part)}', money=True)}."),
        ],
        b * part,
    )


def _area(story: Story) -> Made | None:
    value = story.whole
    plans = [
        (price, width)
        for price in (1, 2, 3, 4, 5, 6, 8)
        for width in range(3, 21)
        if value and value % (price * width) == 0 and width <= value // (price * width) <= 40
    ]
    if not _is_gain(story) or not plans or story.says(r"feet|foot|square|carpet|area|wide|long"):
        return None
    price, width = story.pick(plans)
    area = Fraction(value or 0, price)
    what, place = story.pick([("carpet", "floor"), ("sod", "lawn"), ("tiles", "patio"), ("wallpaper", "wall")])
    side = "high" if place == "wall" else "wide"
    if story.says(f"{place}|{what}"):
        return None
    person = story.actor
    cost = "cost" if what == "tiles" or story.final.tense == "past" else "costs"
    return (
        f"{capital(person.name)} {story.verb('spend')} all of {story.phrase} on {what} that {cost} ${price} per square"
        f" foot. This {story.be()} just enough for a rectangular {place} that is {width} feet {side}. How many"
        f" feet long"
        f" is the {place}?",
        [
            Step(f"The money buys {calculated(f'{value}/{price}')} square feet of {what}."),
            Step(f"So the {place} is {calculated(f'{area}/{width}')} feet long."),
        ],
        area / width,
    )


def _fuel(story: Story) -> Made | None:
    value = story.whole
    prices = [price for price in (3, 4, 5) if value and value % price == 0 and 3 <= value // price <= 30]
    if not _is_gain(story) or not prices or story.says(f"{CHILD}|gas|gallons?|miles?|cars?|driv\\w+"):
        return None
    if story.actor.plural:
        return None
    price, range_ = story.pick(prices), story.pick([20, 25, 30, 32, 35, 40])
    person = story.actor
    gallons = Fraction(value or 0, price)
    can = "could" if story.final.tense == "past" else "can"
    return (
        f"{capital(person.name)} {story.verb('spend')} all of {story.phrase} on gas that costs ${price} a gallon, and"
        f" {person.possessive} car goes {range_} miles on a gallon. How many miles {can} {person.pronoun} drive with"
        " this gas?",
        [
            Step(f"{capital(person.pronoun)} {story.verb('buy')} {calculated(f'{value}/{price}')} gallons of gas."),
            Step(f"With this gas, {person.pronoun} {can} drive {calculated(f'{gallons}*{range_}')} miles."),
        ],
        gallons * range_,
    )


def _currency(story: Story) -> Made | None:
    value = story.whole
    rates = [
        (top, bottom, money)
        for top, bottom, money in (
            (9, 10, "euros"), (4, 5, "British pounds"), (4, 3, "Canadian dollars"), (3, 2, "Australian dollars"),
            (20, 1, "Mexican pesos"),
        )
        if value and value % bottom == 0 and value // bottom >= 3
    ]  # fmt: skip
    if not _is_gain(story) or not rates or not value or value > 5000 or story.says(r"euros?|currency|pounds?|pesos?"):
        return None
    top, bottom, money = story.pick(rates)
    person = story.actor
    groups = Fraction(value, bottom)
    per = f"every ${bottom}" if bottom > 1 else "every dollar"
    steps = [Step(f"There are {calculated(f'{value}/{bottom}')} times ${bottom} in ${value}.")] if bottom > 1 else []
    trip = story.pick(["For a trip abroad", "For a vacation abroad", "Before a trip abroad"])
    return (
        f"{trip}, {person.name} {story.verb('exchange')} {story.phrase} at a rate of {top} {money} for {per}. How"
        f" many {money} {story.asked('get')}?",
        [*steps, Step(f"{capital(person.pronoun)} {story.verb('get')} {calculated(f'{groups}*{top}')} {money}.")],
        groups * top,
    )


def _hourly(story: Story) -> Made | None:
    value = story.whole
    spans = [n for n in range(2, 13) if value and value % n == 0 and 6 <= value // n <= 40]
    if not _is_gain(story) or story.final.verb not in ("earn", "make", "raise") or not spans:
        return None
    if story.says(r"hours?|days?|weeks?|months?|years?|hourly|daily|minutes?|monday|january|profit|tonight|evening"):
        return None
    hours = story.pick(spans)
    did = {"past": "took", "future": "will take"}.get(story.final.tense, "takes")
    person = story.actor
    verb = story.final.verb
    return (
        f"It {did} {person.objective} {hours} hours to {verb} {story.phrase}. How much money {story.asked(verb)} per"
        f" hour, on average?",
        [
            Step(
                f"On average, {person.pronoun} {story.verb(verb)} {calculated(f'{value}/{hours}', money=True)}"
                f" per hour."
            )
        ],
        Fraction(value or 0, hours),
    )


MONEY: tuple[Concept, ...] = (
    _wage, _weekly_saving, _points, _installments, _purchase, _goal, _shares, _area, _fuel, _currency, _hourly,
)  # fmt: skip
"""Concepts for an answer in dollars."""
