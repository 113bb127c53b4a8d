"""Conditions on a final amount of money: discounts, delivery, budgets, gifts, bonuses, purchases."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, amount, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import (
    Action,
    Condition,
    condition,
    negative,
    outcome,
    rule,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.money import gained, spent
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import adult, fact, on_what, relative, shares_of

_SHOP = r"stores?|shops?|shopping|supermarket|groceries|mall|buys?|bought|buying|purchase\w*|market"
_NO_SHOP = (
    r"rent|discounts?|coupons?|fees?|salary|wages?|loans?|interest|off|tips?|restaurant|delivery|shipping|tax(?:es)?|"
    r"insurance|health\w*|plan|government|electricity|gas|fuel|loan|trade\w*|a day|per day|"
    r"every|each (?:day|morning|week)|days?|weeks?|months?|years?|january|april|june|july"
)
_SNACKS = [
    ("a loaf of bread", 3, 5), ("a box of tea", 3, 7), ("a bar of chocolate", 2, 4), ("a jar of honey", 5, 9),
    ("a magazine", 3, 7), ("a bag of nuts", 4, 9), ("a bouquet of flowers", 8, 20),
]  # fmt: skip
_GROCERIES = r"grocer\w+|supermarket|apples|oranges|bread|milk|eggs|rice|meat|food|pounds|bananas|vegetables"
_ITEMS = [
    ("a book", 8, 20), ("a T-shirt", 10, 20), ("a mug", 5, 9), ("a poster", 5, 12), ("a puzzle", 8, 16),
    ("a scarf", 10, 20), ("a board game", 18, 30), ("a plant", 6, 15), ("a lamp", 20, 40), ("a backpack", 25, 45),
    ("a pair of gloves", 9, 18), ("a calendar", 6, 12), ("a picture frame", 6, 14), ("a tennis racket", 30, 70),
    ("a blanket", 15, 35), ("a jacket", 40, 90), ("a bicycle", 120, 300), ("a tablet", 150, 400), ("a desk", 80, 200),
]  # fmt: skip


def _calc(first: Fraction | int, second: Fraction | int, sign: str) -> str:
    return calculated(f"{amount(first)}{sign}{amount(second)}", True)


def _item(story: Story, low: Fraction | int, high: Fraction | int) -> tuple[str, int] | None:
    """A thing that the story does not mention, and its price between the limits."""
    found = [
        (thing, price)
        for thing, least, most in (_SNACKS if story.says(_GROCERIES) else _ITEMS)
        for price in range(least, most + 1)
        if low <= price <= high and not story.says(rf"{thing.split()[-1]}s?|{thing.split()[1]}s?")
    ]
    return story.pick(found) if found else None


def _ask(story: Story) -> tuple[str, str]:
    """(the question, the start of the last sentence) for what is paid in the end."""
    final = story.final
    if story.person and final.subject:
        tail = story.pick(["in the end", "in total", "then"])
        return (
            f"How much {story.asked(final.verb)}{on_what(story)} {tail}?",
            f"{capital(story.actor.pronoun)} {story.verb(final.verb)}",
        )
    past = final.tense == "past"
    return f"What {'was' if past else 'is'} the final cost?", f"The final cost {'was' if past else 'is'}"


def _clause(story: Story, when: Condition) -> str:
    """The condition on a bill."""
    was = {"past": "was"}.get(story.final.tense, "is")
    if story.final.subject and story.draws.below(2):
        return fact(story, when.quantity)
    return f"the {story.pick(['total', 'total cost', 'whole bill'])} {was} {when.quantity}"


def discount(story: Story) -> Made | None:
    """Some dollars or percent off from a total on."""
    when = condition(story, up=True)
    if not spent(story) or when is None or not story.says(_SHOP) or story.says(_NO_SHOP) or "%" in story.text:
        return None
    past = story.final.tense == "past"
    ask, ends = _ask(story)
    shares = shares_of(story.value, 0.05, 0.2, money=True, percent=True)
    clause = _clause(story, when)
    if shares and story.draws.below(2):
        share = story.pick(shares)
        cut, text, shown = story.value * share.value, share.words, f", which is {share.of(story.value, True)}"
    else:
        fits = [n for n in (2, 3, 5, 8, 10, 15, 20, 25, 50) if story.value / 12 <= n <= story.value / 4]
        if not fits:
            return None
        cut = Fraction(story.pick(fits))
        text, shown = f"${amount(cut)}", ""
    has = "had" if past else "has" if story.person is None or not story.actor.plural else "have"
    if story.final.subject and story.person and story.draws.below(2):
        sentence = (
            f"{capital(story.actor.pronoun)} {has} a coupon for {text} off, which {'was' if past else 'is'} valid"
        )
        sentence += f" only if {clause}."
    else:
        verb = "took" if past else "will take" if story.final.tense == "future" else "takes"
        sentence = story.pick([
            f"If {clause}, a coupon {verb} {text} off the bill.",
            f"A special offer {verb} {text} off the bill if {clause}.",
        ])  # fmt: skip
    gets = "there was a discount of" if past else "there is a discount of"
    none = "there was no discount" if past else "there is no discount"
    if not when.holds:
        return (
            f"{sentence} {ask}",
            [Step(f"{outcome(story, when.check, False, none)} {ends} ${amount(story.value)}.")],
            (story.value),
        )
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, True, f"{gets} {text}{shown}")),
            Step(f"{ends} {_calc(story.value, cut, '-')}."),
        ],
        story.value - cut,
    )


_NOT_SENT = (
    r"tickets?|trip|museum|cars?|house|horses?|park|movies?|date|lessons?|games?|bus|hotel|rides?|goats?|cows?|sheep|"
    r"pigs?|dogs?|pupp(?:y|ies)|cats?|kittens?|fish|months?|weeks?|years?|days?|a day|per day"
)


def delivery(story: Story) -> Made | None:
    """A delivery fee below a total."""
    when = condition(story, up=False)
    if not spent(story) or when is None or not story.says(_SHOP) or story.says(_NO_SHOP) or story.value < 15:
        return None
    if story.says(_NOT_SENT):
        return None
    past = story.final.tense == "past"
    ask, ends = _ask(story)
    fee = story.pick([3, 4, 5, 6, 8]) if story.value < 200 else story.pick([10, 12, 15, 20])
    clause = _clause(story, when)
    be = "was" if past else "will be" if story.final.tense == "future" else "is"
    sentence = story.pick([
        f"Delivery {'cost' if past else 'costs'} ${fee} if {clause}, and {be} free otherwise.",
        f"If {clause}, there {be} a delivery fee of ${fee}.",
    ])  # fmt: skip
    ask = ask.replace("?", ", with delivery?")
    if not when.holds:
        free = f"the delivery {be} free" if "free" in sentence else f"there {be} no delivery fee"
        return (
            f"{sentence} {ask}",
            [Step(f"{outcome(story, when.check, False, free)} {ends} ${amount(story.value)}.")],
            (story.value),
        )
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, True, f"the delivery {'cost' if past else 'costs'} ${fee}")),
            Step(f"{ends} {_calc(story.value, fee, '+')}."),
        ],
        story.value + fee,
    )


def budget(story: Story) -> Made | None:
    """Buys one more thing if the money for it is there."""
    when = condition(story, up=False)
    if (
        not spent(story)
        or when is None
        or not story.final.subject
        or story.says(r"budget|rent|months?|weeks?|years?|tips?|trip|park|museum|zoo|restaurant|dinner|tickets?|lunch")
    ):
        return None
    if not story.says(_SHOP) or re.search(r"\b(?:everything|all|both|only)\b", story.final.tail):
        return None
    item = _item(story, 2, story.value / 2)
    if item is None:
        return None
    thing, price = item
    person = story.actor
    sentence = rule(story, when, Action("buy", f"{thing} for ${price} as well"), None)
    verb = story.final.verb
    ask = f"How much {story.asked(verb)} {story.pick(['in all', 'in total', 'altogether'])}?"
    ends = f"{capital(person.pronoun)} {story.verb(verb)}"
    if not when.holds:
        text = outcome(
            story, when.check, False, f"{person.pronoun} {negative(story)} buy the {thing.partition(' ')[2]}"
        )
        return f"{sentence} {ask}", [Step(f"{text} {ends} ${amount(story.value)}.")], story.value
    return (
        f"{sentence} {ask}",
        [
            Step(
                outcome(story, when.check, True, f"{person.pronoun} {story.verb('buy')} the {thing.partition(' ')[2]}")
            ),
            Step(f"{ends} {_calc(story.value, price, '+')} in all."),
        ],
        story.value + price,
    )


def cashback(story: Story) -> Made | None:
    """A bank gives some money back if much is spent."""
    when = condition(story, up=True)
    shares = shares_of(story.value, 0.05, 0.1, money=True, percent=True)
    if (
        not spent(story)
        or when is None
        or not story.final.subject
        or not adult(story)
        or not shares
        or story.value < 20
    ):
        return None
    if story.actor.plural or story.says(r"cards?|bank|rent|tips?|cash|bills?|fires?|every|years?"):
        return None
    share, person, past = story.pick(shares), story.actor, story.final.tense == "past"
    who, did = person.pronoun, "did" if past else "does"
    sentence = (
        f"{capital(who)} {story.verb('pay')} by credit card and {'was' if past else 'is'} promised {share.words} of the"
        f" money back if {fact(story, when.quantity)}. How much {did} this cost {person.objective} in the end?"
    )
    ends = f"In the end, this {'cost' if past else 'costs'} {person.objective}"
    if not when.holds:
        text = outcome(story, when.check, False, f"{who} {story.verb('get')} nothing back")
        return sentence, [Step(f"{text} {ends} ${amount(story.value)}.")], story.value
    back = share.of(story.value, True)
    return (
        sentence,
        [
            Step(outcome(story, when.check, True, f"{who} {story.verb('get')} {back} back")),
            Step(f"{ends} {_calc(story.value, share.value * story.value, '-')}."),
        ],
        story.value * (1 - share.value),
    )


def passes_on(story: Story) -> Made | None:
    """Gives or saves a part if it is enough."""
    when, other = condition(story, up=True), relative(story)
    if not gained(story) or when is None or other is None or story.says(r"donat\w+|charity|profit|gave|asked"):
        return None
    person, value = story.actor, story.value
    shares = shares_of(value, 0.1, 0.5, money=True)
    fits = [n for n in (2, 3, 5, 8, 10, 15, 20, 25, 40, 50, 100) if value / 20 <= n <= value / 3]
    if not shares or not fits:
        return None
    share, low = story.pick(shares), Fraction(story.pick(fits))
    if share.value * value <= low:
        return None
    to = story.pick([("give", f"to {other}"), ("donate", "to an animal shelter"), ("donate", "to charity")])
    if to[0] == "donate" and story.says("animals?|shelter"):
        return None
    verb, target = to
    first = f"{share.words} of the money {target}"
    with_else = bool(story.draws.below(2))
    sentence = rule(story, when, Action(verb, first), Action(verb, f"${amount(low)} {target}") if with_else else None)
    part = share.value * value if when.holds else low if with_else else Fraction(0)
    ask = f"How much of this money {story.asked('keep')}?"
    ends = f"{capital(person.pronoun)} {story.verb('keep')}"
    if not part:
        text = outcome(story, when.check, False, f"{person.pronoun} {negative(story)} {verb} anything {target}")
        return f"{sentence} {ask}", [Step(f"{text} {ends} ${amount(value)}.")], value
    what = share.of(value, True) if when.holds else f"${amount(part)}"
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, when.holds, f"{person.pronoun} {story.verb(verb)} {what} {target}")),
            Step(f"{ends} {_calc(value, part, '-')}."),
        ],
        value - part,
    )


def affords(story: Story) -> Made | None:
    """Buys something if the money is enough, and something cheaper otherwise."""
    no_gift = r"enough|afford|fundrais\w+|rais(?:e|ing)|charity|league|class|council|club|asked"
    if not gained(story) or "profit" in story.phrase or story.says(no_gift):
        return None
    value, person = story.value, story.actor
    dear = _item(story, value / 2, value * 2)
    cheap = _item(story, 2, value * Fraction(2, 3))
    if dear is None or cheap is None or dear[0] == cheap[0] or dear[1] <= cheap[1] or dear[1] == value:
        return None
    holds = value > dear[1]
    past = story.final.tense == "past"
    enough = "was" if past else "is"
    clause = f"{story.phrase} {enough} enough for {dear[0]} that {'cost' if past else 'costs'} ${dear[1]}"
    one, two = dear[0].partition(" ")[2], cheap[0].partition(" ")[2]
    sentence = rule(story, clause, Action("buy", f"the {one}"), Action("buy", f"{cheap[0]} for ${cheap[1]}"))
    if sentence.index(dear[0]) > sentence.index(f"the {one}"):
        sentence = f"If {clause}, {person.pronoun} {'would buy' if past else story.verb('buy')} the {one}. Otherwise,"
        sentence += f" {person.pronoun} {'would buy' if past else story.verb('buy')} {cheap[0]} for ${cheap[1]}."
    price = dear[1] if holds else cheap[1]
    check = f"${amount(value)} is {'more' if holds else 'less'} than ${dear[1]}"
    ask = f"How much of this money {story.asked('have')} left after that?"
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, check, holds, f"{person.pronoun} {story.verb('buy')} the {one if holds else two}")),
            Step(f"{capital(person.pronoun)} {story.verb('have')} {_calc(value, price, '-')} left."),
        ],
        value - price,
    )


def added(story: Story) -> Made | None:
    """A bonus at work, or a gift of the family, from an amount on."""
    when = condition(story, up=True)
    if not gained(story) or when is None or story.final.verb not in ("earn", "make", "raise", "collect", "receive"):
        return None
    if "profit" in story.phrase or "revenue" in story.phrase or story.says("bonus"):
        return None
    person, value, past = story.actor, story.value, story.final.tense == "past"
    fits = [n for n in (5, 8, 10, 15, 20, 25, 40, 50, 100, 200) if value / 20 <= n <= value / 3]
    if len(fits) < 2:
        return None
    low, high = fits[0], fits[1 + story.draws.below(len(fits) - 1)]
    work = story.says("works?|worked|working|job|hours?|salary|shifts?|hourly") and adult(story)
    if story.actor.plural or (not work and story.says("works?|job|salary")):
        return None
    if work:
        who, what = f"{person.possessive} boss", "a bonus of "
    else:
        other = relative(story, kin="grandmother grandfather aunt uncle", other=True)
        if other is None:
            return None
        who, what = other, ""
    with_else = bool(story.draws.below(2))
    verb = "had promised to give" if past else "will give" if story.final.tense == "future" else "gives"
    clause = fact(story, when.quantity)
    sentence = f"{capital(who)} {verb} {person.objective} {what}${high}{'' if what else ' more'} if {clause}"
    sentence += f", and ${low} otherwise." if with_else else "."
    plus = high if when.holds else low if with_else else 0
    ask = f"How much money {story.asked('get')} {story.pick(['in all', 'altogether', 'in total'])}?"
    ends = f"In all, {person.pronoun} {story.verb('get')}"
    if not plus:
        text = outcome(story, when.check, False, f"{person.pronoun} {story.verb('get')} nothing more")
        return f"{sentence} {ask}", [Step(f"{text} {ends} ${amount(value)}.")], value
    return (
        f"{sentence} {ask}",
        [
            Step(outcome(story, when.check, when.holds, f"{person.pronoun} {story.verb('get')} ${plus} more")),
            Step(f"{ends} {_calc(value, plus, '+')}."),
        ],
        value + plus,
    )


MONEY: tuple[Rewrite, ...] = (discount, delivery, budget, cashback, passes_on, affords, added)
"""Conditions on an answer in dollars."""
