"""Conditions that decide into which groups things or people are divided, or which rate is paid for hours and miles."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import PEOPLE
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Made, Step, Story, amount, calculated, capital
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import FLAT, FOOD, GOODS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import condition, outcome
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.counts import worth
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions.money import spent
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Rewrite
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import clean, counted, fact

_SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
_NO_SALE = (
    r"sells?|sold|price|costs?|money|dollars?|potluck|party|famil\w+|gifts?|guests?|dinner|lunch|collect\w*|vase|"
    r"aquarium"
)
_GONE = (
    "eat",
    "sell",
    "lose",
    "use",
    "give",
    "donate",
    "drink",
    "throw",
    "burn",
    "spend",
    "hand",
    "send",
    "deliver",
    "ship",
    "read",
    "write",
)


def _sizes(story: Story, holds: bool) -> tuple[int, int] | None:
    """(size if the condition holds, size if it does not), where the size that counts divides the answer."""
    whole = story.whole or 0
    fits = [n for n in _SIZES if whole % n == 0 and whole // n >= 2]
    if not fits:
        return None
    right = story.pick(fits)
    wrong = story.pick([n for n in _SIZES if n != right])
    return (right, wrong) if holds else (wrong, right)


def grouped(story: Story) -> Made | None:
    """Rows, teams or boxes of one size if there are many, and of another size otherwise."""
    final = story.final
    when = condition(story)
    people = bool(PEOPLE.search(final.noun))
    word = final.noun.split()[-1]
    known = " of " not in final.noun and (word in FOOD or word in GOODS or re.search(rf"\b(?:{FLAT})$", final.noun))
    if not counted(story) or when is None or not (people or known) or final.needed or final.verb in _GONE:
        return None
    sizes = _sizes(story, when.holds)
    if sizes is None or story.says("rows?|teams?|groups?|boxes|box|bags?|packs?|pairs?|tables?|absent|died"):
        return None
    first, second = sizes
    past = final.tense == "past"
    if people:
        unit, verb = story.pick([("teams", "were divided into" if past else "are divided into"),
                                 ("rows", "stood in" if past else "stand in"),
                                 ("groups", "were divided into" if past else "are divided into")])  # fmt: skip
    else:
        unit, verb = story.pick([("boxes", "were packed into" if past else "are packed into"),
                                 ("bags", "were put into" if past else "are put into")])  # fmt: skip
    size = first if when.holds else second
    of = f"{unit} of {size}"
    are = "were" if past else "are"
    return (
        f"If {fact(story, when.quantity)}, the {final.noun} {verb} {unit} of {first}. Otherwise, they {verb}"
        f" {unit} of {second}. How many {unit} {are} there?",
        [
            Step(outcome(story, when.check, when.holds, f"the {final.noun} {verb} {of}")),
            Step(f"There {are} {calculated(f'{story.whole}/{size}')} {unit}."),
        ],
        Fraction(story.whole or 0, size),
    )


def priced(story: Story) -> Made | None:
    """The price of each depends on how many are there."""
    final = story.final
    when, prices = condition(story, up=True), worth(final.noun)
    if not counted(story) or when is None or not prices or final.needed or final.verb in _GONE or "$" in story.text:
        return None
    if final.verb not in ("have", "make", "bake", "grow", "pick") or story.says(_NO_SALE):
        return None
    past = final.tense == "past"
    high = story.pick(prices)
    low = high - 1 if high > 1 else high + 1
    first, second = max(low, high), min(low, high)
    if first > 20:
        first, second = first, first - first // 10
    are, get = ("were", "did") if past else ("are", "do")
    rate = second if when.holds else first
    if first == second:
        return None
    return (
        f"At a market, all of {story.phrase} {are} sold for ${second} each if {fact(story, when.quantity)}, and for"
        f" ${first} each otherwise. How much money {get} they bring in?",
        [
            Step(outcome(story, when.check, when.holds, f"the {final.noun} {are} sold for ${rate} each")),
            Step(f"The {final.noun} {'brought' if past else 'bring'} in {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


def wage(story: Story) -> Made | None:
    """The wage depends on the number of hours."""
    final = story.final
    when = condition(story, up=True)
    if final.kind != "count" or final.noun != "hours" or final.verb != "work" or when is None or final.needed:
        return None
    if not story.person or "$" in story.text or not clean(story) or (story.whole or 0) < 5 or story.says("homework"):
        return None
    low = 9 + story.draws.below(10)
    high = low + 1 + story.draws.below(4)
    rate = high if when.holds else low
    person = story.actor
    return (
        f"{capital(person.pronoun)} {story.verb('earn')} ${high} an hour if {fact(story, when.quantity)}, and ${low} an"
        f" hour otherwise. How much money {story.asked('earn')}?",
        [
            Step(outcome(story, when.check, when.holds, f"{person.pronoun} {story.verb('earn')} ${rate} an hour")),
            Step(f"{capital(person.pronoun)} {story.verb('earn')} {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


def donation(story: Story) -> Made | None:
    """A sponsor pays for each mile or page, and more if there are many."""
    final = story.final
    when = condition(story, up=True)
    match = re.fullmatch(
        r"(?:miles|kilometers|laps|pages|books|problems|pushups|push-ups|pull-ups|sit-ups|trees)", final.noun
    )
    if final.kind != "count" or not match or when is None or final.needed or not story.person or "$" in story.text:
        return None
    verbs = {"miles": "run walk bike ride swim jog hike cycle", "kilometers": "run walk bike ride swim jog hike cycle",
             "laps": "run walk swim bike", "pages": "read", "books": "read", "problems": "solve do", "trees": "plant",
             "pushups": "do", "push-ups": "do", "pull-ups": "do", "sit-ups": "do"}  # fmt: skip
    if final.verb not in verbs[final.noun].split() or not clean(story) or (story.whole or 0) < 4:
        return None
    low = 1 + story.draws.below(3)
    high = low + 1 + story.draws.below(2)
    rate = high if when.holds else low
    past = final.tense == "past"
    one = final.noun[:-1]
    who = story.pick(["A sponsor", "A local company", "A bakery"])
    if story.says(who.lower().split()[-1]):
        return None
    gives = "promised to donate" if past else "will donate" if final.tense == "future" else "donates"
    gave = "donated" if past else "will donate" if final.tense == "future" else "donates"
    return (
        f"{who} {gives} ${high} to charity for every {one} if {fact(story, when.quantity)}, and ${low} for every {one}"
        f" otherwise. How much money {story.asked('donate', who[0].lower() + who[1:]).replace('a ', 'the ', 1)}?",
        [
            Step(
                outcome(
                    story, when.check, when.holds, f"the donation {'was' if past else 'is'} ${rate} for every {one}"
                )
            ),
            Step(f"{who.replace('A ', 'The ')} {gave} {calculated(f'{story.whole}*{rate}', True)}."),
        ],
        Fraction((story.whole or 0) * rate),
    )


def payments(story: Story) -> Made | None:
    """The number of monthly payments depends on the amount."""
    when = condition(story, up=True)
    if not spent(story) or when is None or story.value < 100 or story.final.tense == "past":
        return None
    if story.says(r"months?|monthly|rent|payments?|tips?|restaurant|tickets?|per month|fine|groceries|years?|weeks?"):
        return None
    pairs = [
        (many, few)
        for many in (4, 5, 6, 8, 10, 12)
        for few in (2, 3, 4)
        if few < many and (story.value / (many if when.holds else few)).denominator == 1
    ]
    if not pairs:
        return None
    many, few = story.pick(pairs)
    parts = many if when.holds else few
    return (
        f"If the total is {when.quantity}, the seller accepts {many} equal monthly payments. Otherwise,"
        f" the seller accepts only {few} equal monthly payments. The buyer pays in this way. How much is each"
        " payment?",
        [
            Step(outcome(story, when.check, when.holds, f"there are {parts} equal payments")),
            Step(f"Each payment is {calculated(f'{amount(story.value)}/{parts}', True)}."),
        ],
        story.value / parts,
    )


GROUPS: tuple[Rewrite, ...] = (grouped, priced, wage, donation)
"""Conditions on an answer that is no amount of money; ``payments`` is one on a price."""
