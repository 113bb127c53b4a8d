"""Concepts that join an answer in dollars: wages, savings, prices, areas, currencies and shares."""

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

_GAINS = {"have", "earn", "make", "get", "receive", "win"}
_MEAL = (
    r"restaurants?|lunch\w*|dinner|breakfast|food|groceries|grocery|supermarket|market|meals?|pizzas?|doctor|hospital|"
    r"insurance|rent|bills?|tax|taxes|fines?|fees?|parking|tips?|snacks?|coffees?|apples|fruit|meat|chicken|sausages?|vegetables|cand(?:y|ies)"
)
"""Words of stories about costs for which nobody saves or pays by installments."""
_SHOP = r"stores?|shops?|shopping|supermarket|market|bakery|mall|bookstore|restaurant|cafe|cafeteria"
_WAYS_TO_PAY = (
    r"change|cashier|bills?|cards?|online|weeks?|weekly|months?|monthly|years?|days?|daily|every|each of|friends?|"
    r"splits?|share[sd]?|internet|subscription|website|points?|tips?|service|rent\w*"
)


def _is_cost(story: Story) -> bool:
    """Whether the answer is what one adult pays, or the cost of something."""
    final = story.final
    one = not final.subject or (story.person is not None and not story.person.plural)
    return bool(
        final.kind == "money" and final.verb in ("pay", "spend", "cost") and one and not final.needed
        and not final.rest.startswith(("can ", "should ", "would "))
        and not re.search(r"\b(?:more|left|extra|change|back|each)\b", final.phrase()) and not story.says(CHILD)
    )  # fmt: skip


def _is_gain(story: Story) -> bool:
    """Whether the answer is money that the person has afterwards."""
    final = story.final
    if final.kind != "money" or final.verb not in _GAINS or final.needed or not story.person:
        return False
    if final.rest.startswith(("can ", "should ", "would ")) or re.search(UNSPENT, final.phrase()):
        return False
    if story.actor.plural and " and " not in final.subject:  # may be a class or a store
        return False
    return not story.says(r"fundrais\w*|raise[sd]? money|raising money|church|charity|bets?|pays? off|debts?")


def _one(story: Story) -> bool:
    return story.person is not None and not story.person.plural


def _wage(story: Story) -> Made | None:
    value = story.whole or 0
    rates = [rate for rate in range(8, 31) if value % rate == 0 and 3 <= value // rate <= 60]
    if not _is_cost(story) or not rates or story.says(r"hours?|hourly|wages?|salary|earn\w*|works?|worked|jobs?"):
        return None
    rate = story.pick(rates)
    hours = Fraction(value, rate)
    line = f"{value}/{rate}"
    if not story.person:
        opening = story.pick([f"At a wage of ${rate} an hour", f"With an hourly wage of ${rate}"])
        return (
            f"{opening}, how many hours does one have to work to earn {story.phrase}?",
            [Step(f"At ${rate} an hour, this takes {calculated(line)} hours of work.")],
            hours,
        )
    person = story.actor
    per_day = [n for n in (2, 3, 4, 5, 6, 8) if hours % n == 0 and hours / n >= 2]
    fact = f"{capital(person.name)} {story.verb('earn')} ${rate} an hour"
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
    value = story.whole or 0
    rates = [rate for rate in (5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100)
             if value % rate == 0 and 3 <= value // rate <= 20]  # fmt: skip
    if not _is_cost(story) or not _one(story) or value < 40 or not rates:
        return None
    if story.says(rf"{_MEAL}|weeks?|weekly|sav\w+|months?|years?|days?"):
        return None
    rate, period = story.pick(rates), story.pick(["week", "week", "month"])
    did = {"past": "did", "future": "will"}.get(story.final.tense, "does")
    person = story.actor
    return (
        f"{capital(person.name)} {story.verb('save')} ${rate} {story.pick(['every', 'each'])} {period}. How many"
        f" {period}s {did} it take {person.objective} to save {story.phrase}?",
        [Step(f"At ${rate} a {period}, it takes {calculated(f'{value}/{rate}')} {period}s to save ${value}.")],
        Fraction(value, rate),
    )


def _points(story: Story) -> Made | None:
    value = story.whole or 0
    sizes = [size for size in (2, 3, 4, 5, 10) if value % size == 0 and value // size >= 2]
    if (
        not _is_cost(story)
        or story.final.verb == "cost"
        or not sizes
        or not _one(story)
        or story.says(r"points?|cards?|rent|cash|bills?")
    ):
        return None
    size, gift = story.pick(sizes), story.pick([2, 3, 4, 5])
    groups = value // size
    name = story.pick(["bonus points", "points", "reward points"])
    who = story.pick(["A rewards program", "A credit card"])
    person = story.actor
    return (
        f"{who} {story.other('give')} {person.objective} {gift} {name} for every ${size} that {person.pronoun}"
        f" {story.verb(story.final.verb)}. How many {name} {story.asked('get')} for {story.phrase}?",
        [
            Step(f"There are {calculated(f'{value}/{size}')} times ${size} in ${value}."),
            Step(f"So {person.pronoun} {story.verb('get')} {calculated(f'{groups}*{gift}')} {name}."),
        ],
        Fraction(groups * gift),
    )


def _installments(story: Story) -> Made | None:
    value = story.value
    parts = [n for n in (3, 4, 5, 6, 8, 10, 12) if value >= 300 and (value / n).denominator == 1 and value / n >= 15]
    if not _is_cost(story) or story.final.verb == "cost" or not _one(story) or not parts:
        return None
    if story.says(rf"{_MEAL}|months?|monthly|payments?|years?|weeks?|days?|annual\w*|borrow\w*|loans?|cash|rent\w*"):
        return None
    part, fee = story.pick(parts), story.pick([0, 1, 2, 3, 5])
    each = value / part
    lets = "let" if story.final.tense == "past" else story.other("let")
    person = story.actor
    line = f"{amount(value)}/{part}"
    ask = {"past": "How much was each payment?", "future": "How much will each payment be?"}.get(
        story.final.tense, "How much is each payment?"
    )
    add = f" and {story.other('add')} a fee of ${fee} to each of them" if fee else ", with no interest"
    steps = [Step(f"Without the fee, each payment is {calculated(line, money=True)}."),
             Step(f"With the fee, each payment is {calculated(f'{amount(each)}+{fee}', money=True)}.")]  # fmt: skip
    return (
        f"{capital(person.possessive)} bank {lets} {person.objective} divide {story.phrase} into {part} equal monthly"
        f" payments{add}. {ask}",
        steps if fee else [Step(f"Each payment is {calculated(line, money=True)}.")],
        each + fee,
    )


def _change(story: Story) -> Made | None:
    """What comes back from as few banknotes as possible."""
    final, value = story.final, story.value
    notes = [note for note in (10, 20, 50) if value % note and note < value <= 6 * note]
    whole = not final.tail or re.fullmatch(r"(?:for|on) (?:everything|it all|all of it)|at the \w+", final.tail)
    if not _is_cost(story) or final.verb == "cost" or not _one(story) or not notes or not whole or not writable(value):
        return None
    if not story.says(_SHOP) or story.says(_WAYS_TO_PAY):
        return None
    note = story.pick(notes)
    count = value // note + 1
    person, uses = story.actor, story.verb("use")
    return (
        f"{capital(person.name)} {uses} ${note} bills to pay for all of this, and no more of them than"
        f" {'was' if final.tense == 'past' else 'is'} necessary. How much change {story.asked('get')} back?",
        [
            Step(f"{capital(person.pronoun)} {uses} {count} bills. They are worth"
                 f" {calculated(f'{count}*{note}', money=True)}."),
            Step(f"The change {story.be()} {calculated(f'{count * note}-{amount(value)}', money=True)}."),
        ],
        count * note - value,
    )  # fmt: skip


def _purchase(story: Story) -> Made | None:
    value = story.whole or 0
    if not _is_gain(story) or value < 10:
        return None
    items = [
        (many, one, price)
        for many, one, low, high in ITEMS
        for price in range(low, high + 1)
        if 2 <= value // price <= 12 and not story.says(f"{many}|{one}|{many.split()[-1]}|{one.split()[-1]}")
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
        f"{start}, and {story.verb('buy')} as many as possible. How much of this money {story.be()} left after that?",
        [
            Step(f"The {count} {many} that this money can buy cost {calculated(f'{count}*{price}', money=True)}, and"
                 f" one more {one} would be too expensive."),
            Step(f"Of this money, {calculated(f'{value}-{count * price}', money=True)} {story.be()} left."),
        ],
        Fraction(rest),
    )  # fmt: skip


def _goal(story: Story) -> Made | None:
    value = story.whole or 0
    if not _is_gain(story) or not _one(story) or story.says(r"weeks?|weekly|save[sd]?|savings?|saving|enough|goal"):
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
    value = story.whole or 0
    ratios = [(a, b) for a, b in RATIOS if value % (a + b) == 0 and value // (a + b) >= 4]
    pairs = [("books", "gifts"), ("clothes", "gifts"), ("art supplies", "books")]
    if value > 150:
        pairs = [
            ("furniture", "clothes"),
            ("clothes", "sports equipment"),
            ("books", "clothes"),
            ("tools", "furniture"),
        ]
    pairs = [pair for pair in pairs if not any(story.says(word.split()[-1]) for word in pair)]
    if not _is_gain(story) or not _one(story) or not ratios or not pairs or value > 2000 or story.says("ratio"):
        return None
    (a, b), (one, two) = story.pick(ratios), story.pick(pairs)
    person, part = story.actor, value // (a + b)
    return (
        f"{capital(person.name)} {story.verb('spend')} {story.phrase} on {one} and {two} in the ratio {a}:{b}. How much"
        f" money {story.asked('spend')} on {two}?",
        [
            Step(f"There are {calculated(f'{a}+{b}')} equal parts.", free=True),
            Step(f"Each part is {calculated(f'{value}/{a + b}', money=True)}."),
            Step(f"The share for {two} {story.be()} {calculated(f'{b}*{part}', money=True)}."),
        ],
        Fraction(b * part),
    )


def _area(story: Story) -> Made | None:
    value = story.whole or 0
    plans = [
        (price, width)
        for price in (2, 3, 4, 5, 6, 8)
        for width in range(5, 21)
        if value % (price * width) == 0 and width <= value // (price * width) <= 40
    ]
    if not _is_gain(story) or not _one(story) or not plans or story.says(rf"{CHILD}|feet|foot|square|area|wide|long"):
        return None
    price, width = story.pick(plans)
    area = Fraction(value, price)
    what, place = story.pick([("carpet", "floor"), ("sod", "lawn"), ("tiles", "patio")])
    if story.says(f"{place}|{what}"):
        return None
    cost = "cost" if what == "tiles" or story.final.tense == "past" else "costs"
    return (
        f"{capital(story.actor.name)} {story.verb('spend')} all of {story.phrase} on {what} that {cost} ${price} per"
        f" square foot. This {story.be()} just enough for a rectangular {place} that is {width} feet wide. How many"
        f" feet long is the {place}?",
        [
            Step(f"The money buys {calculated(f'{value}/{price}')} square feet of {what}."),
            Step(f"So the {place} is {calculated(f'{area}/{width}')} feet long."),
        ],
        area / width,
    )


def _currency(story: Story) -> Made | None:
    value = story.whole or 0
    rates = [
        (top, bottom, money)
        for top, bottom, money in (
            (9, 10, "euros"), (4, 5, "British pounds"), (7, 5, "Canadian dollars"), (3, 2, "Australian dollars"),
            (20, 1, "Mexican pesos"),
        )
        if value % bottom == 0 and value // bottom >= 3
    ]  # fmt: skip
    cost = _is_cost(story)
    if not (cost or _is_gain(story)) or not rates or not 20 <= value <= 5000:
        return None
    if story.says(r"euros?|currency|pounds?|pesos?") or "it cost" in story.phrase:
        return None
    top, bottom, money = story.pick(rates)
    groups = value // bottom
    per = f"every ${bottom}" if bottom > 1 else "every dollar"
    steps = [Step(f"There are {calculated(f'{value}/{bottom}')} times ${bottom} in ${value}.")] if bottom > 1 else []
    if cost or story.draws.below(3) == 0:
        return (
            f"The exchange rate is {top} {money} for {per}. In {money}, how much is {story.phrase}?",
            [*steps, Step(f"This is {calculated(f'{groups}*{top}')} {money}.")],
            Fraction(groups * top),
        )
    trip = story.pick(["For a trip abroad", "For a vacation abroad", "Before a trip abroad"])
    return (
        f"{trip}, {story.actor.name} {story.verb('exchange')} {story.phrase} at a rate of {top} {money} for {per}. How"
        f" many {money} {story.asked('get')}?",
        [*steps, Step(f"{capital(story.actor.pronoun)} {story.verb('get')} {calculated(f'{groups}*{top}')} {money}.")],
        Fraction(groups * top),
    )


def _same_price(story: Story) -> Made | None:
    """Several things at the unit price that the source asks for."""
    final, value = story.final, story.value
    if final.kind != "unit price" or not writable(value) or value < Fraction(1, 10):
        return None
    noun = final.noun
    many = f"{noun[:-1]}ies" if re.search(r"[^aeiou]y$", noun) else f"{noun}es" if noun[-1] in "sxh" else f"{noun}s"
    who = story.pick(["neighbor", "customer", "friend"])
    if story.says(f"{who}s?"):
        return None
    start = "Another customer" if who == "customer" else f"A {who}"
    count = story.pick([2, 3, 4, 5, 6, 8, 10, 12])
    total = value * count
    if story.draws.below(2) and total.denominator == 1:
        return (
            f"{start} {story.other('spend')} ${total} on such {many}, at the same price for each. How many {many}"
            f" {story.asked('buy', f'this {who}')}?",
            [Step(f"For ${total}, one gets {calculated(f'{total}/{amount(value)}')} {many}.")],
            Fraction(count),
        )
    return (
        f"{start} {story.other('buy')} {count} such {many} at the same price for each. How much"
        f" {story.asked('pay', f'this {who}')}?",
        [Step(f"This {who} {story.other('pay')} {calculated(f'{count}*{amount(value)}', money=True)}.")],
        total,
    )


MONEY: tuple[Concept, ...] = (
    _wage, _weekly_saving, _points, _installments, _change, _purchase, _goal, _shares, _area, _currency,
    _same_price,
)  # fmt: skip
"""Concepts for an answer in dollars."""
