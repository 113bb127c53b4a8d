"""Shares of a final amount of money: discounts, taxes, tips, gifts, savings, raises, goals."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import conjugated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Made,
    Step,
    Story,
    amount,
    calculated,
    capital,
    names,
)
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
_PAID_IN_PART = (
    r"half|split\w*|shared?|refund\w*|pays? for|paid for|contribut\w*|profits?|business|company|save[sd]?|bonus|"
    r"cash ?back|gift card|budget"
)
"""Words of stories in which others pay too, or in which the payment is not the last one."""
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


def _payment(story: Story, after: str) -> tuple[str, str] | None:
    """(the question, the start of the last sentence of the solution) for what is paid ``after the discount``."""
    if story.person and story.final.subject:
        verb = story.final.verb
        if story.final.tail and not on_what(story):
            return None
        ask = f"How much {story.asked(verb)}{on_what(story)} {after}?"
        return ask, f"{capital(story.actor.pronoun)} {story.verb(verb)}"
    was = "was" if story.final.tense == "past" else "is"
    if not re.match(r"the (?:total )?(?:cost|price|bill)\b", story.phrase) or story.says("paid|spent|total|together"):
        return None
    return f"What {was} {story.phrase} {after}?", f"{capital(story.phrase)} {after} {was}"


def discount(story: Story) -> Made | None:
    """A discount on the whole purchase."""
    share = _pick(story, 0.05, 0.4, percent=True)
    if not spent(story) or share is None or not story.says(_SHOPPING) or story.says(_NO_SHOP):
        return None
    if "%" in story.text or story.says(_PAID_IN_PART) or story.value > 1000:
        return None
    payment = _payment(story, "after the discount")
    if payment is None:
        return None
    ask, ends = payment
    part, person = story.value * share.value, story.person
    if story.final.subject and person:
        have = {"past": "had", "future": "will have"}.get(story.final.tense, "have" if person.plural else "has")
        words = story.pick([
            f"{capital(person.name)} {have} a coupon for a discount of {share.words} on the whole bill",
            f"With a membership card, {person.name} {story.verb('get')} a discount of {share.words} on everything",
            f"Because of a sale, {person.name} {story.verb('get')} a discount of {share.words} on the total",
        ])  # fmt: skip
    else:
        words = f"There {'was' if story.final.tense == 'past' else 'is'} a discount of {share.words} on {story.phrase}"
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
    if "%" in story.text or story.value < 10 or story.says(_PAID_IN_PART):
        return None
    part = story.value * share.value
    person = story.person if story.final.subject else None
    was = {"past": "was", "future": "will be"}.get(story.final.tense, "is")
    if meal and share.top >= 10 and person and story.says("restaurant|cafe|diner|waiter|waitress"):
        words, what = f"{capital(person.name)} also {story.verb('leave')} a tip of {share.words}", "tip"
    elif share.top > 10 or story.says("tickets?|total of|weeks?|months?|years?|days?|monthly|[a-z]+ will"):
        return None
    else:
        words, what = f"A sales tax of {share.words} {was} added to {'the bill' if person else story.phrase}", "tax"
    payment = _payment(story, f"with the {what}")
    if payment is None:
        return None
    ask, ends = payment
    return (
        f"{words}. {ask}",
        [
            Step(f"The {what} {was} {share.of(story.value, True)}."),
            Step(f"{ends} {_calc(story.value, part, '+')}."),
        ],
        story.value + part,
    )


def help_with_cost(story: Story) -> Made | None:
    """Somebody else pays a share."""
    share = _pick(story, 0.1, 0.75)
    other = relative(story, kin="aunt uncle grandmother grandfather")
    if not spent(story) or share is None or not story.final.subject or not other or not 20 <= story.value <= 800:
        return None
    if "%" in story.text or story.final.tail or story.says(f"{_PAID_IN_PART}|{_NO_SHOP}|works?|worked|total|spent"):
        return None
    person, part = story.actor, story.value * share.value
    pays = conjugated("pay", story.final.tense, False)
    return (
        f"{capital(other)} {pays} {share.words} of the total cost, and {person.name} {story.verb('pay')} the rest. How"
        f" much {story.asked('pay')}?",
        [
            Step(f"{capital(other)} {pays} {share.of(story.value, True)}."),
            Step(f"{capital(person.pronoun)} {story.verb('pay')} {_calc(story.value, part, '-')}."),
        ],
        story.value - part,
    )


def refund(story: Story) -> Made | None:
    """Gets a share of the price back."""
    if not spent(story) or not story.final.subject or "%" in story.text or story.says(f"{_PAID_IN_PART}|{_NO_SHOP}"):
        return None
    shop = story.says("stores?|shops?|supermarket|mall|online|website")
    share = _pick(story, 0.05, 0.3, percent=True) if shop else _pick(story, 0.1, 0.75)
    other = "the store" if shop else relative(story, kin="aunt uncle grandmother grandfather")
    if share is None or not other or not 20 <= story.value <= (2000 if shop else 500):
        return None
    person, part = story.actor, story.value * share.value
    gives, phrase = story.other("give"), story.phrase
    why = f" {story.pick(['as a refund', 'because of a special offer'])}" if shop else ""
    ask = f"How much {story.asked('spend')} in the end, after {'this' if shop else 'getting this money back'}?"
    return (
        f"Later, {other} {gives} {person.objective} back {share.words} of {phrase}{why}. {ask}",
        [
            Step(f"{capital(other)} {gives} back {share.of(story.value, True)}."),
            Step(f"In the end, {person.pronoun} {story.verb('spend')} {_calc(story.value, part, '-')}."),
        ],
        story.value - part,
    )


_COMMON = (
    r"charity|fund\w*|scouts?|church|school|club|class|team|graders?|fair|zoo|museum|company|companies|city|"
    r"theat(?:er|re)"
)
"""Words of stories whose money belongs to no person."""


def _own(story: Story) -> bool:
    """Whether the answer is money that named persons have, and may use as they like."""
    if not gained(story) or story.says(_COMMON):
        return False
    return story.actor.pronoun != "they" or " and " in story.actor.name


def use_of_gain(story: Story) -> Made | None:
    """Spends, gives away or donates a share; how much is left?"""
    share = _pick(story, 0.1, 0.5)
    if share is None or not _own(story) or story.says(r"donat\w+|sav(?:e|es|ed|ings|ing)|banks?"):
        return None
    person, part = story.actor, story.value * share.value
    limits = {"charity": (1, 500), "books": (8, 120), "friend": (8, 120), "shoes": (30, 150), "trip": (50, 3000)}
    uses = [
        ("donate", "to charity"), ("spend", "on books"), ("spend", "on a present for a friend"),
        ("spend", "on new shoes"), ("spend", "on a trip"), ("give", f"to {person.possessive} cousin"),
    ]  # fmt: skip
    uses = [
        (story.verb(verb), to)
        for verb, to in uses
        for low, high in [limits.get(to.split()[-1], (1, 500))]
        if low <= part <= high and not story.says(to.split()[-1].removesuffix("s") + "s?")
        if verb != "give" or not person.plural
    ]
    if not uses:
        return None
    verb, to = story.pick(uses)
    return (
        f"Of {story.phrase}, {person.pronoun} {verb} {share.words} {to}. How much of it {story.asked('have')} left"
        " after that?",
        [
            Step(f"{capital(person.pronoun)} {verb} {share.of(story.value, True)} {to}."),
            Step(f"{capital(person.pronoun)} {story.verb('have')} {_calc(story.value, part, '-')} left."),
        ],
        story.value - part,
    )


def saved(story: Story) -> Made | None:
    """Saves a share; how much is that?"""
    share = _pick(story, 0.1, 0.5)
    if share is None or not _own(story) or story.says(r"donat\w+|sav(?:e|es|ed|ings|ing)|banks?"):
        return None
    person, part = story.actor, story.value * share.value
    return (
        f"{capital(person.pronoun)} {story.verb('save')} {share.words} of {story.phrase}. How much money"
        f" {story.asked('save')}?",
        [Step(f"{capital(person.pronoun)} {story.verb('save')} {share.of(story.value, True)}.")],
        part,
    )


def taxed(story: Story) -> Made | None:
    """An income tax."""
    share = _pick(story, 0.05, 0.3, percent=True)
    if not gained(story) or share is None or story.final.verb not in ("earn", "make", "win", "receive", "get"):
        return None
    if not adult(story) or story.says(r"tax\w*|fees?|gifts?|charity|tips?|profit") or story.value < 200:
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
    if not other or not re.match(period, final.tail) or not final.subject or story.actor.pronoun not in ("he", "she"):
        return None
    if not (gained(story) or spent(story)) or "profit" in story.phrase or story.says(f"together|telethon|{_COMMON}"):
        return None
    if final.verb in ("earn", "make") and not story.says(r"works?|worked|working|jobs?|hours?|paid|charge[sd]?"):
        return None
    dear = story.value > 300 or not story.says(_SHOPPING)
    if final.verb not in ("earn", "make", "spend", "save") or (final.verb == "spend" and dear):
        return None
    shares = shares_of(story.value, 0.1, 0.6, money=True, percent=True)
    if not shares:
        return None
    share, up = story.pick(shares), bool(story.draws.below(2))
    person, verb = story.actor, final.verb
    word, sign = ("more", "+") if up else ("less", "-")
    do = {"past": "did", "future": "will"}.get(final.tense, "does")
    part = story.value * share.value
    theirs = story.value + part if up else story.value - part
    tail = f" {final.tail}" if final.tail else ""
    opening = f"{capital(other)} {story.other(verb)} {share.words} {word}{tail} than {person.pronoun} {do}"
    steps = [
        Step(f"{capital(share.words)} of ${amount(story.value)} is {share.of(story.value, True)}."),
        Step(f"So {other} {story.other(verb)} {_calc(story.value, part, sign)}."),
    ]
    if len(names(f"{final.body} {person.name}")) == 1 and story.draws.below(2):
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
    if not _own(story) or (story.final.verb == "have" and "left" not in story.final.tail):
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
            f" could {person.pronoun} pay with {story.phrase}?",
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
    """Earns 10% more next year."""
    final = story.final
    share = _pick(story, 0.05, 0.25, percent=True)
    period = re.search(r"\b(?:a|per|in a|each|every|one) (week|month|year|day)\b", final.tail)
    if share is None or not period or not gained(story) or "%" in story.text or "profit" in story.phrase:
        return None
    if final.verb not in ("earn", "make") or final.tense != "present":
        return None
    person, part = story.actor, story.value * share.value
    return (
        f"Next year, {person.name} will earn {share.words} more. How much will {person.pronoun} earn"
        f" per {period[1]} then?",
        [
            Step(f"{capital(person.pronoun)} will get {share.of(story.value, True)} more per {period[1]}."),
            Step(f"So {person.pronoun} will earn {_calc(story.value, part, '+')} per {period[1]}."),
        ],
        story.value + part,
    )


BEFORE_PAYMENT = (discount, surcharge, help_with_cost)
"""Rewritings that contradict a solution which says that the old amount is paid."""
MONEY: tuple[Rewrite, ...] = (*BEFORE_PAYMENT, refund, use_of_gain, saved, taxed, compared, goal, raised)
"""Rewritings for an answer in dollars."""
