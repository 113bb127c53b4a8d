"""Extensions by further persons, whose quantity stands in a stated relation to the first person's."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.asked import Aged, Asked
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import Made, computed, pick, tidy
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.verbs import auxiliary
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws

NAMES = ("Mia", "Noah", "Lena", "Omar", "Priya", "Mateo", "Ines", "Felix", "Hana", "Theo", "Nadia", "Ravi", "Clara",
         "Jonas", "Aisha", "Marco", "Yuki", "Elias", "Sofia", "Kofi", "Greta", "Diego", "Tara", "Hugo")  # fmt: skip
ROLES = ("friend", "cousin", "neighbor", "classmate")
_STATES = {"have", "own", "keep", "need"}
_NO_VERBS = re.compile(r"(?:.* )?(?:pay|keep|get|receive|take|win|lose|see|give|return|add|cover|share|owe)\b")
"""Verbs whose quantity another person's story does not have, or that ask "for what?"."""
_PERIODS = (
    r"(?:hours?|minutes|days?|weeks?|weekends?|months?|years?|summer|winter|season|morning|evening|night|time|"
    r"start|end)"
)
_DEFINITE = re.compile(
    rf"\b(?:his|her|he|she|their|they|them|him|it|its|himself|herself|the (?!(?:\w+ )?{_PERIODS}\b)|"
    rf"(?:this|that|these|those|both|all|entire)\b(?! (?:\w+ )?{_PERIODS}\b))"
)
"""Words after the verb that name a certain thing: another person does not spend money on the same purchase."""
_ALONE = {"away", "back", "off", "for everything", "for all of them", "in the end", "so far"}
_ODD = re.compile(
    r"\b(?:combinations?|chances?|ways|choices|options|siblings|parents|grandchildren|children|kids|sons|daughters|"
    r"brothers|sisters|cousins|friends|guests|worth|tears|tattoos|fingers|toes|teeth|feet|inches|customers|employees|answers|"
    r"states|countries)\b"
)
"""Things that another person does not have in the same way."""
_SHARED = re.compile(
    r"\b(?:shar\w+|remainder|equal|divid\w+|split\w*|ratio|distribut\w+|inherit\w*|each other|between|won|games? of|"
    r"rounds?|election|competition|contest|race|relay|twins?|married|husband|wife|debts?|owe[sd]?)\b",
    re.IGNORECASE,
)
"""Words of a story in which the quantity is a part of a fixed whole, or belongs to several people."""
_WAGE = re.compile(r"/hour|\b(?:per|an|each) hour\b")
"""What a person earns may be a rate, if no time is given."""
_SERVICE = re.compile(
    r"\b(?:rent\w*|tax\w*|insur\w+|loan|debt|interest|tuition|fine|fees?|bills?|hire[sd]?|owes?|doctor\w*|dentist|"
    r"vaccin\w*|lawyer|mechanic|repair\w*|fix\w*|divorce|wedding|hospital|medic\w+)\b",
    re.IGNORECASE,
)
"""Words of a story in which what is paid depends on the person."""
_LEFT = {"left", "left now", "now left", "remaining"}
_CHANGES = re.compile(
    r"\b(?:then|later|after|ago|now|g[ai]ves?|given|b[ou]y\w*|bought|gets?|got|los[et]s?|finds?|found|sells?|sold|eats?|"
    r"ate|us(?:es|ed)|takes?|took|add\w*|donat\w+|br[eo]a?ke?\w*|receiv\w+|trad\w+|more from|collected|left)\b",
    re.IGNORECASE,
)
"""Words of a story in which a person has different numbers of things at different times."""
_TOTAL = re.compile(r"\b(?:total|altogether|in all|combined|all together)\b")
_INTAKE = re.compile(
    r"\b(?:eat|drink|consume|swim|run|walk|sleep|hours|minutes|calories|liters|ounces|gallons|miles|pounds)\b"
)
"""Quantities of which three times as much is too much."""


class Relation(NamedTuple):
    """How one quantity depends on another.

    Attributes:
        words: what stands between the verb and the reference, such as "5 more pages than".
        steps: (label, computation) for each step; the last is the quantity.
        value: the quantity.
    """

    words: str
    steps: list[tuple[str, str]]
    value: Fraction


def suits_a_friend(a: Asked) -> bool:
    """Whether another person may do the same as the person of the last question."""
    if a.rest in _ALONE or len(a.rest.split()) > 5 or _DEFINITE.search(f"{a.verb} {a.rest} "):
        return False
    if (a.paid and a.rest) or (a.verb.endswith("spend") and _SERVICE.search(a.story)):
        return False
    if a.verb == "have" and a.noun.startswith(("hours", "minutes")):
        return False
    if _WAGE.search(a.story) and not re.search(r"hours|days|weeks", a.story):
        return False
    if _NO_VERBS.match(a.verb) or _ODD.search(a.noun) or _SHARED.search(a.story):
        return False
    return re.search(rf"(?<!Mr\. )(?<!Mrs\. )(?<!Ms\. )(?<!Dr\. )\b{a.name}\b", a.story) is not None


def suits_an_average(a: Asked) -> bool:
    """Whether one may ask what two persons do on average."""
    return suits_a_friend(a) and not a.rest and a.verb in _STATES | {"collect", "buy", "make", "read", "save", "spend"}


def suits_a_common_goal(a: Asked) -> bool:
    """Whether two persons may want to have a certain number together."""
    return suits_a_friend(a) and a.verb == "have" and a.rest in ("", "now", "left") and a.aux == "does"


def _possible(a: Asked, value: Fraction) -> bool:
    """Whether a person can do so much: hours have limits."""
    if not a.noun.startswith(("hours", "minutes")):
        return True
    hours = value if a.noun.startswith("hours") else value / 60
    if a.period is None and not re.search(r"\b(?:weeks?|days|months?|years?)\b", a.story + a.text):
        return hours <= 12
    return hours <= {"day": 12, "week": 60}.get(a.period or "", 300)


def relation(a: Asked, amount: Fraction, draws: Draws, *, short: bool = False) -> Relation | None:
    """Draw a relation to an amount. If ``short`` is true, it takes one step."""
    money = a.noun == "money"
    if amount < 4 or amount > 20_000 or not (money or amount.denominator == 1):
        return None
    difference = tidy(amount * (1 + draws.below(4)) / 10) if amount >= 20 else 2 + draws.below(3)
    by = f"${difference:,}" if money else f"{difference:,}"
    many, noun = ("much money", "") if money else ("many", f" {a.noun}")
    kind = pick(draws, ("more", "less", "twice", "three", "half", "third", *(() if short else ("twice_more",) * 2)))
    if kind == "more":
        text, value = computed("{} + {}", amount, difference, money=money)
        return Relation(f"{by} more{noun} than", [("", text)], value)
    if kind == "less":
        text, value = computed("{} - {}", amount, difference, money=money)
        if value < 2:
            return None
        return Relation(f"{by} {'less' if money else 'fewer'}{noun} than", [("", text)], value)
    if kind in ("half", "third"):
        text, value = computed("{} / {}", amount, 2 if kind == "half" else 3, money=money)
        if value.denominator != 1 or value < 2:
            return None
        return Relation(f"{'half' if kind == 'half' else 'a third'} as {many}{noun} as", [("", text)], value)
    if (kind != "three" and "drink" in a.verb) or (
        kind == "three" and (amount > 60 or _INTAKE.search(f"{a.verb} {a.noun}"))
    ):
        return None
    times = 3 if kind == "three" else 2
    text, value = computed("{} * {}", amount, times, money=money)
    word = "three times" if times == 3 else "twice"
    if kind == "twice_more":
        more, total = computed("{} + {}", value, difference, money=money)
        return Relation(
            f"{by} more than twice as {many}{noun} as",
            [(f"Twice as {many.partition(' ')[0]} is", text), ("", more)],
            total,
        )
    return Relation(f"{word} as {many}{noun} as", [("", text)], value)


def _place(a: Asked) -> str:
    """The words of time after the thing, with a space before them: " a week", " on Monday"."""
    return f" {a.rest}" if a.rest and a.rest not in _LEFT | {"now"} else ""


def _reference(a: Asked) -> str:
    """The first person's quantity: "Tom has left", "Tom did in total"."""
    in_total = " in total" if _TOTAL.search(a.text) and " " not in a.noun else ""
    if a.verb not in _STATES or _place(a):
        return f"{a.name} {auxiliary(a.aux)}{'' if a.rest else in_total}"
    if a.rest in _LEFT:
        return f"{a.name} {a.does(a.verb)} left"
    if in_total or a.verb == "need":
        return f"{a.name} {a.does(a.verb)}{in_total}"
    when = " now" if a.aux == "does" else " in the end"
    return f"{a.name} {a.does(a.verb)}{when if _CHANGES.search(a.story) or a.rest else ''}"


def _friend(a: Asked | Aged, draws: Draws, *taken: str) -> str:
    used = (*re.findall(r"\b[A-Z]", f"{a.story} {a.text}"), *(name[0] for name in taken))
    free = [name for name in NAMES if name[0] not in used] or [
        name for name in NAMES if name not in a.story and name not in taken and name[0] != a.name[0]
    ]
    return pick(draws, free)


def _who(a: Asked | Aged, friend: str, draws: Draws) -> str:
    """How the text introduces the further person: "Tom's cousin Mia"."""
    free = [role for role in ROLES if role not in a.story.lower() and (role != "classmate" or "class" in a.story)]
    return f"{a.name}'s {pick(draws, free or ('colleague',))} {friend}"


def _lines(name: str, a: Asked, found: Relation) -> list[str]:
    unit = "" if a.noun == "money" else f" {a.noun}"
    return [
        f"{label} {text}{unit}." if label else f"{name} {a.does(a.verb)} {text}{unit}{_place(a)}."
        for label, text in found.steps
    ]


def _plural(a: Asked) -> str:
    """The verb in the tense of the question after a plural subject."""
    return a.verb if a.aux == "does" else a.does(a.verb)


def _what(a: Asked, more: str = "") -> str:
    return f"How much {more}money" if a.noun == "money" else f"How many {more}{a.noun}"


def _further(a: Asked, amount: Fraction, draws: Draws) -> tuple[str, str, Relation] | None:
    """(the further person's name, the sentence about them, their quantity)."""
    found = relation(a, amount, draws)
    if found is None or not _possible(a, found.value):
        return None
    friend = _friend(a, draws)
    text = f"{_who(a, friend, draws)} {a.does(a.verb)} {found.words} {_reference(a)}{_place(a)}."
    return friend, text, found


def further_person(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """One more person; the question asks for both together."""
    further = _further(a, amount, draws)
    if further is None:
        return None
    friend, text, found = further
    both, money = f"{a.name} and {friend}", a.noun == "money"
    end = pick(draws, ("altogether", "in total", "together"))
    sum_, result = computed("{} + {}", amount, found.value, money=money)
    return Made(
        f"{text} {_what(a)} {auxiliary(a.aux, plural=True)} {both} {a.verb}{_place(a)} {end}?",
        [*_lines(friend, a, found), f"Together, {both} {_plural(a)} {sum_}{'' if money else f' {a.noun}'}{_place(a)}."],
        result,
    )


def average_of_both(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """One more person; the question asks for the average of both."""
    further = _further(a, amount, draws)
    if further is None:
        return None
    friend, text, found = further
    both, money = f"{a.name} and {friend}", a.noun == "money"
    sum_, total = computed("{} + {}", amount, found.value, money=money)
    mean, result = computed("{} / {}", total, 2, money=money)
    if result.denominator != 1:
        return None
    unit, what = ("", "amount of money") if money else (f" {a.noun}", f"number of {a.noun}")
    return Made(
        f"{text} What {a.be()} the average {what} that {both} {_plural(a)}?",
        [
            *_lines(friend, a, found),
            f"Together, {both} {_plural(a)} {sum_}{unit}.",
            f"The average {a.be()} {mean}{unit}.",
        ],
        result,
    )


def common_goal(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """One more person; both want to have a certain number together."""
    further = _further(a, amount, draws)
    if further is None:
        return None
    friend, text, found = further
    both, money = f"{a.name} and {friend}", a.noun == "money"
    sum_, total = computed("{} + {}", amount, found.value, money=money)
    goal = tidy(total * (12 + draws.below(8)) / 10)
    if goal <= total + 1:
        return None
    more, result = computed("{} - {}", Fraction(goal), total, money=money)
    unit, wanted = ("", f"${goal:,}") if money else (f" {a.noun}", f"{goal:,} {a.noun}")
    return Made(
        f"{text} They want to have {wanted} together. {_what(a, 'more ')} do they need?",
        [*_lines(friend, a, found), f"Together, {both} have {sum_}{unit}.", f"They need {more} more{unit}."],
        result,
    )


def compared(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """One more person; the question asks for the difference."""
    further = _further(a, amount, draws)
    if further is None:
        return None
    friend, text, found = further
    if " as " not in found.words:
        return None
    money, first, last = a.noun == "money", friend, a.name
    if found.value < amount:
        first, last = a.name, friend
    sizes = sorted((amount, found.value), reverse=True)
    difference, result = computed("{} - {}", *sizes, money=money)
    unit = "more" if money else f"more {a.noun}"
    return Made(
        f"{text} {_what(a, 'more ')} {auxiliary(a.aux)} {first} {a.verb}{_place(a)} than {last}?",
        [*_lines(friend, a, found), f"{first} {a.does(a.verb)} {difference} {unit}{_place(a)} than {last}."],
        result,
    )


def further_persons(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """Two more persons in a chain of relations; the question asks for all three, or for the last one."""
    first = relation(a, amount, draws, short=True)
    second = relation(a, first.value, draws, short=True) if first else None
    if first is None or second is None or second.value in (first.value, amount) or second.value > 2 * amount:
        return None
    if first.words.split()[:1] == second.words.split()[:1] or not _possible(a, max(first.value, second.value)):
        return None
    one = _friend(a, draws)
    two = _friend(a, draws, one)
    money = a.noun == "money"
    text = (
        f"{_who(a, one, draws)} {a.does(a.verb)} {first.words} {_reference(a)}{_place(a)}, and {two}"
        f" {a.does(a.verb)} {second.words} {one}{f' {auxiliary(a.aux)}' if _place(a) else ''}{_place(a)}."
    )
    lines = [*_lines(one, a, first), *_lines(two, a, second)]
    if draws.below(3) == 0:
        return Made(f"{text} {_what(a)} {auxiliary(a.aux)} {two} {a.verb}{_place(a)}?", lines, second.value)
    pair, both = computed("{} + {}", amount, first.value, money=money)
    all_, result = computed(f"{pair.partition('=')[0]} + {{1}}", both, second.value, money=money)
    everyone = f"{a.name}, {one} and {two}"
    return Made(
        f"{text} {_what(a)} {auxiliary(a.aux, plural=True)} {everyone} {a.verb}{_place(a)} altogether?",
        [*lines, f"Together, {everyone} {_plural(a)} {all_}{'' if money else f' {a.noun}'}{_place(a)}."],
        result,
    )


def ages_later(a: Aged, age: Fraction, draws: Draws) -> Made | None:
    """One more person of a related age; the question asks for an age, or for both, in some years."""
    difference, years = 2 + draws.below(5), 3 + draws.below(9)
    older = draws.below(2) == 0
    if age.denominator != 1 or age < difference + 4 or age > 90:
        return None
    friend = _friend(a, draws)
    now, value = computed("{} + {}" if older else "{} - {}", age, difference)
    later, result = computed("{} + {}", value, years)
    text = f"{_who(a, friend, draws)} is {difference} years {'older' if older else 'younger'} than {a.name}."
    lines = [f"{friend} is {now} years old.", f"In {years} years, {friend} will be {later} years old."]
    if draws.below(2):
        return Made(f"{text} How old will {friend} be in {years} years?", lines, result)
    own, grown = computed("{} + {}", age, years)
    sum_, total = computed("{} + {}", grown, result)
    return Made(
        f"{text} How old will {a.name} and {friend} be together in {years} years?",
        [*lines, f"In {years} years, {a.name} will be {own} years old.", f"Together, they will be {sum_} years old."],
        total,
    )
