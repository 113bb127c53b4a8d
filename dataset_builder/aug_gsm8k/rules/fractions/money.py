"""Shares of a final amount of money: discounts, taxes, tips, gifts, savings, raises, goals."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import conjugated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, amount, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import (
    COST_VERBS,
    GAIN_VERBS,
    Share,
    adult,
    clean,
    on_what,
    relative,
    shares_of,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import number_text

_SHOPPING = (
    r"stores?|shops?|shopping|buys?|bought|buying|purchase\w*|supermarket|groceries|mall|restaurant|cafe|bakery|tickets?|"
    r"prices?|sells?|market"
)
_MEAL = r"restaurant|cafe|diner|dinner|lunch|breakfast|pizzas?|waiter|waitress|meals?|burgers?|entrees?|desserts?"
_NO_SHOP = (
    r"rent|tax(?:es)?|tips?|discounts?|coupons?|fees?|percent|salary|wages?|loans?|interest|bills?|worth|off|insurance|"
    r"health\w*|government|electricity"
)


def _money(story: Story) -> bool:
    return story.final.kind == "money" and story.value >= 5 and clean(story)


def spent(story: Story) -> bool:
    """Whether the answer is what a person pays, or the cost of something that is bought."""
    final = story.final
    if not _money(story) or final.needed or re.search(r"\b(?:more|left|extra|than|back|each)\b", story.phrase):
        return False
    if re.match(r"(?:can|could|should|would|still) ", final.rest) or "change" in story.phrase:
        return False
    return bool(final.verb in COST_VERBS and story.person) or (not final.subject and final.verb == "cost")


def gained(story: Story) -> bool:
    """Whether the answer is money that a person has afterwards."""
    final = story.final
    if not _money(story) or final.needed or not story.person or final.verb not in GAIN_VERBS:
        return False
    return not re.match(r"(?:can|could|should|would|still) ", final.rest) and not re.search(
        r"\b(?:more|than|before|originally|initially|start|beginning|first|each|per|change|back|save|saves|saved)\b",
        story.phrase,
    )


def _calc(first: Fraction, second: Fraction, sign: str) -> str:
    return calculated(f"{amount(first)}{sign}{amount(second)}", True)


def _pick(story: Story, low: float, high: float, percent: bool = False) -> Share | None:
    shares = shares_of(story.value, low, high, money=True, percent=percent)
    return story.pick(shares) if shares else None


def _payment(story: Story) -> tuple[str, str]:
    """(the question, the start of the last sentence of the solution) for what is paid in the end."""
    final = story.final
    if story.person and final.subject:
        person = story.actor
        verb = final.verb
        tail = story.pick(["in the end", "then", "in total"])
        return f"How much {story.asked(verb)}{on_what(story)} {tail}?", f"{capital(person.pronoun)} {story.verb(verb)}"
    past = final.tense == "past"
    ask = story.pick([f"What {'was' if past else 'is'} the final cost?", f"How much {'was' if past else 'is'} that?"])
    return ask.replace("How much is that?", "How much is the bill then?").replace(
        "How much was that?", "How much was the bill then?"
    ), f"The final cost {'was' if past else 'is'}"


def discount(story: Story) -> Made | None:
    """A discount on the whole purchase."""
    share = _pick(story, 0.05, 0.4, percent=True)
    if not spent(story) or share is None or not story.says(_SHOPPING) or story.says(_NO_SHOP):
        return None
    if "%" in story.text:
        return None
    ask, ends = _payment(story)
    has = {"past": "had", "future": "will have"}.get(story.final.tense, "has")
    part = story.value * share.value
    person = story.person
    if story.final.subject and person:
        have = "have" if person.plural and has == "has" else has
        words = story.pick([
            f"{capital(person.name)} {have} a coupon for {share.words} off {story.phrase}",
            f"With a membership card, {person.name} {story.verb('get')} a discount of {share.words} on all of it",
            f"Because of a sale, {person.name} {story.verb('get')} {share.words} off the total",
        ])  # fmt: skip
        if "coupon" in words:
            words = f"{capital(person.name)} {have} a coupon for {share.words} off the whole bill"
    else:
        words = story.pick([
            f"A coupon {'took' if story.final.tense == 'past' else 'takes'} {share.words} off {story.phrase}",
            f"There {'was' if story.final.tense == 'past' else 'is'} a discount of {share.words} on {story.phrase}",
        ])  # fmt: skip
    was = {"past": "was", "future": "will be"}.get(story.final.tense, "is")
    steps = [
        Step(f"The discount {was} {share.of(story.value, True)}."),
        Step(f"{ends} {_calc(story.value, part, '-')}."),
    ]
    if story.draws.below(3) == 0:
        left = 100 - share.top
        text = amount(story.value)
        steps = [
            Step(f"After the discount, {calculated(f'100-{share.top}')}% of the price must be paid.", free=True),
            Step(f"{ends} {calculated(f'{text}*{left}/100', True)}."),
        ]
    return f"{words}. {ask}", steps, story.value - part


def surcharge(story: Story) -> Made | None:
    """A sales tax, a tip, or a service fee."""
    meal = bool(story.says(_MEAL))
    share = _pick(story, 0.05, 0.2 if meal else 0.1, percent=True)
    if not spent(story) or share is None or not story.says(_SHOPPING + "|" + _MEAL) or story.says(_NO_SHOP):
        return None
    if "%" in story.text or share.top > 20 or story.value < 10:
        return None
    ask, ends = _payment(story)
    part = story.value * share.value
    person = story.person if story.final.subject else None
    if meal and share.top >= 10 and person and story.says("restaurant|cafe|diner|waiter|waitress"):
        words, what = f"{capital(person.name)} also {story.verb('leave')} a tip of {share.words}", "tip"
    else:
        if share.top > 10:
            return None
        was = {"past": "was", "future": "will be"}.get(story.final.tense, "is")
        words = story.pick([
            f"A sales tax of {share.words} {was} added to {story.phrase}",
            f"There {was} also a sales tax of {share.words} on {story.phrase}",
        ])  # fmt: skip
        what = "tax"
    amount_is = {"past": "was", "future": "will be"}.get(story.final.tense, "is")
    ask = ask.replace(" in total?", f" in total, with the {what}?").replace(" then?", f", with the {what}?")
    return (
        f"{words}. {ask}",
        [
            Step(f"The {what} {amount_is} {share.of(story.value, True)}."),
            Step(f"{ends} {_calc(story.value, part, '+')}."),
        ],
        story.value + part,
    )


def help_with_cost(story: Story) -> Made | None:
    """Somebody else pays a share."""
    share = _pick(story, 0.1, 0.75)
    other = relative(story, kin="aunt uncle grandmother grandfather cousin friend")
    if not spent(story) or share is None or not story.final.subject or not other or story.says("tips?|rent"):
        return None
    person, part = story.actor, story.value * share.value
    pays = conjugated("pay", story.final.tense, False)
    kept = story.pick(["the rest", f"what {'was' if story.final.tense == 'past' else 'is'} left"])
    phrase = _total(story)
    return (
        f"{capital(other)} {pays} {share.words} of {phrase}, and {person.name} {story.verb('pay')} {kept}. How much"
        f" {story.asked('pay')}?",
        [
            Step(f"{capital(other)} {pays} {share.of(story.value, True)}."),
            Step(f"{capital(person.pronoun)} {story.verb('pay')} {_calc(story.value, part, '-')}."),
        ],
        story.value - part,
    )


def _total(story: Story) -> str:
    """Words for the whole cost that do not say that the person pays all of it."""
    return story.pick(["the total cost", "the whole amount", "the total"])


def use_of_gain(story: Story) -> Made | None:
    """Saves, spends or donates a share; how much is left?"""
    share = _pick(story, 0.1, 0.75)
    if not gained(story) or share is None or story.says(r"donat\w+|charity|sav(?:e|es|ed|ings|ing)"):
        return None
    person, part = story.actor, story.value * share.value
    rest = story.value - part
    uses = [
        (f"{story.verb('donate')}", "to charity"), (f"{story.verb('put')}", "into a savings account"),
        (f"{story.verb('spend')}", "on books"), (f"{story.verb('spend')}", "on a present for a friend"),
        (f"{story.verb('spend')}", "on new shoes"), (f"{story.verb('give')}", f"to {person.possessive} cousin"),
        (f"{story.verb('spend')}", "on a trip"),
    ]  # fmt: skip
    uses = [(verb, to) for verb, to in uses if not story.says(to.split()[-1].removesuffix("s") + "s?")]
    if not uses:
        return None
    verb, to = story.pick(uses)
    value = Fraction(story.value)
    limit = {"shoes": (30, 150), "books": (8, 120), "friend": (8, 120), "trip": (50, 3000)}.get(to.split()[-1])
    if limit and not limit[0] <= part <= limit[1]:
        return None
    gone = Step(f"{capital(person.pronoun)} {verb} {share.of(value, True)} {to}.")
    left = f"{capital(person.pronoun)} {story.verb('have')} {_calc(value, part, '-')} left."
    then = shares_of(rest, 0.1, 0.6, money=True)
    if story.draws.below(3) == 0 and then:
        second = story.pick(then)
        other = f"{person.possessive} brother"
        if story.says("brothers?"):
            return None
        more = rest * second.value
        return (
            f"Of {story.phrase}, {person.pronoun} {verb} {share.words} {to} and {story.verb('give')}"
            f" {second.words} of the rest to {other}. How much money {story.asked('have')} left after that?",
            [
                gone,
                Step(left),
                Step(f"{capital(other)} {story.other('get')} {second.of(rest, True)}."),
                Step(f"In the end, {person.pronoun} {story.verb('have')} {_calc(rest, more, '-')}."),
            ],
            rest - more,
        )
    return (
        f"Of {story.phrase}, {person.pronoun} {verb} {share.words} {to}. How much money"
        f" {story.asked('have')} left after that?",
        [gone, Step(left)],
        rest,
    )


def taxed(story: Story) -> Made | None:
    """An income tax."""
    share = _pick(story, 0.05, 0.3, percent=True)
    if not gained(story) or share is None or story.final.verb not in ("earn", "make", "win", "receive", "get"):
        return None
    if not adult(story) or story.says(r"tax\w*|fees?|gifts?|charity|tips?|profit") or story.value < 100:
        return None
    if "%" in story.text or not story.says(r"works?|worked|working|job|salary|wages?|hours?|paid|sold|sells|business"):
        return None
    person, part = story.actor, story.value * share.value
    return (
        f"{capital(person.pronoun)} {story.verb('pay')} {story.pick(['a tax of ', 'taxes of '])}{share.words} on"
        f" {story.phrase}. How much money {story.asked('keep')} after taxes?",
        [
            Step(f"The taxes on ${amount(story.value)} are {share.of(story.value, True)}."),
            Step(f"{capital(person.pronoun)} {story.verb('keep')} {_calc(story.value, part, '-')}."),
        ],
        story.value - part,
    )


def compared(story: Story) -> Made | None:
    """Somebody else earns or spends 25% more."""
    final = story.final
    other = relative(story)
    period = r"^(?:this week|last week|that week|today|yesterday|in (?:a|one) (?:week|month|year))?$"
    tail_ok = re.match(period, final.tail)
    if not other or not tail_ok or story.actor.plural or not (gained(story) or spent(story)) or not final.subject:
        return None
    if final.verb not in ("earn", "make", "spend", "pay", "raise", "save", "collect") or "profit" in story.phrase:
        return None
    if story.says("together") or (final.verb == "pay" and not story.says(_SHOPPING)):
        return None
    shares = [share for share in shares_of(story.value, 0.1, 0.6, money=True) if share.percent or share.top == 1]
    if not shares:
        return None
    share, up = story.pick(shares), bool(story.draws.below(2))
    person, verb = story.actor, final.verb
    word, sign = ("more", "+") if up else ("less", "-")
    do = {"past": "did", "future": "will"}.get(final.tense, "does")
    if person.pronoun in ("I", "you", "we", "they"):
        return None
    part = story.value * share.value
    theirs = story.value + part if up else story.value - part
    tail = f" {final.tail}" if final.tail else ""
    opening = f"{capital(other)} {story.other(verb)} {share.words} {word}{tail} than {person.pronoun} {do}"
    steps = [
        Step(f"{capital(share.words)} of ${amount(story.value)} is {share.of(story.value, True)}."),
        Step(f"So {other} {story.other(verb)} {_calc(story.value, part, sign)}."),
    ]
    if story.draws.below(2):
        asked = {"past": "did", "future": "will"}.get(final.tense, "do")
        both = verb if final.tense == "present" else story.other(verb)
        return (
            f"{opening}. How much {asked} the two of them {verb} together?",
            [*steps, Step(f"Together, they {both} {_calc(story.value, theirs, '+')}.")],
            story.value + theirs,
        )
    return f"{opening}. How much {story.asked(verb, other)}?", steps, theirs


def goal(story: Story) -> Made | None:
    """The answer is a share of a price or a goal."""
    if not gained(story) or (story.final.verb == "have" and "left" not in story.final.tail):
        return None
    things = [("bicycle", 100, 500), ("tablet", 150, 600), ("guitar", 100, 450), ("camera", 150, 900),
              ("laptop", 400, 1500), ("pair of headphones", 30, 150), ("tent", 60, 300), ("desk", 60, 300),
              ("telescope", 90, 400), ("used car", 2500, 9000), ("winter coat", 50, 180)]  # fmt: skip
    options = [
        (share, story.value * 100 / share.top, thing)
        for share in shares_of(Fraction(0), 0.2, 0.9, percent=True)
        for thing, low, high in things
        if (story.value * 100 / share.top).denominator == 1
        and low <= story.value * 100 / share.top <= high
        and not story.says(thing.split()[-1])
    ]
    if not options:
        return None
    share, price, thing = story.pick(options)
    person, past = story.actor, story.final.tense == "past"
    text, whole = amount(story.value), amount(price)
    want = "wanted" if past else "want" if person.plural else "wants"
    cost = "cost" if past else "costs"
    be = "was" if past else "is"
    if story.draws.below(2):
        return (
            f"{capital(person.name)} {want} to buy a {thing} that {cost} ${whole}. What percentage of the price"
            f" {be} {story.phrase}?",
            [Step(f"${text} {be} {text}/{whole} of the price, which is {calculated(f'{text}/{whole}*100')}%.")],
            Fraction(share.top),
        )
    one = number_text(story.value / share.top)
    if (story.value / share.top * 100).denominator != 1:
        return None
    return (
        f"{capital(story.phrase)} {be} {share.words} of the price of a {thing}. How much {'did' if past else 'does'}"
        f" the {thing} cost?",
        [
            Step(f"{share.words} of the price is ${text}, so 1% of it is ${text}/{share.top}="
                 f"$<<{text}/{share.top}={one}>>{one}."),
            Step(f"The {thing} {cost} {calculated(f'{one}*100', True)}."),
        ],
        price,
    )  # fmt: skip


def raised(story: Story) -> Made | None:
    """Earns 10% more after a raise, or the price rises."""
    final = story.final
    share = _pick(story, 0.05, 0.25, percent=True)
    if share is None or not _money(story) or final.needed:
        return None
    part = story.value * share.value
    if gained(story) and final.verb in ("earn", "make") and final.tense == "present" and "%" not in story.text:
        period = re.search(r"\b(?:a|per|in a|each|every|one) (week|month|year|day)\b", final.tail)
        if not period or "profit" in story.phrase:
            return None
        person = story.actor
        return (
            f"Next year, {person.name} will earn {share.words} more. How much will {person.pronoun} earn"
            f" per {period[1]} then?",
            [
                Step(f"{capital(person.pronoun)} will get {share.of(story.value, True)} more per {period[1]}."),
                Step(f"So {person.pronoun} will earn {_calc(story.value, part, '+')} per {period[1]}."),
            ],
            story.value + part,
        )
    if not final.subject and final.verb == "cost" and final.tense == "present" and "%" not in story.text:
        up = bool(story.draws.below(2))
        word, sign = ("rises", "+") if up else ("falls", "-")
        new = story.value + part if up else story.value - part
        if not re.search(r"\b(?:cost|price)\b", story.phrase):
            return None
        return (
            f"If {story.phrase} {word} by {share.words}, what will it be?",
            [
                Step(f"{share.words} of ${amount(story.value)} is {share.of(story.value, True)}."),
                Step(f"So it will be {_calc(story.value, part, sign)}."),
            ],
            new,
        )
    return None


MONEY: tuple[Rewrite, ...] = (discount, surcharge, help_with_cost, use_of_gain, taxed, compared, goal, raised)
"""Rewritings for an answer in dollars."""
