"""Extensions by further persons, whose quantity stands in a stated relation to the first person's."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.asked import Asked, auxiliary
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import Made, computed, pick, tidy
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws

NAMES = ("Mia", "Noah", "Lena", "Omar", "Priya", "Mateo", "Ines", "Felix", "Hana", "Theo", "Nadia", "Ravi", "Clara",
         "Jonas", "Aisha", "Marco", "Yuki", "Elias", "Sofia", "Kofi", "Greta", "Diego", "Tara", "Hugo")  # fmt: skip
ROLES = ("friend", "friend", "cousin", "neighbor")
_STATES = {"have", "own", "keep", "need"}
_ALONE = {"away", "back", "off", "for everything", "for all of them", "in the end"}
_OWN = re.compile(r"\b(?:his|her|he|she|their|they|them|him|it|its)\b")
_ODD = re.compile(r"\b(?:combinations?|chances?|ways|choices|options|siblings|parents|grandchildren)\b")
"""Things that a friend does not have in the same way."""
_LEFT = {"left", "left now", "now left", "remaining"}
_TOTAL = ("total", "altogether", "in all", "combined", "all together")


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
    fixed = a.rest in _ALONE or a.rest.startswith(("on the ", "for the ", "left ", "remaining ")) or _OWN.search(a.rest)
    return a.he != "they" and not (fixed or a.implied or _ODD.search(a.noun)) and a.name in a.story


def _possible(a: Asked, value: Fraction) -> bool:
    """Whether a person can do so much: hours have limits."""
    if not a.noun.startswith("hours"):
        return True
    if a.period is None and not re.search(r"\b(?:weeks?|days|months?|years?)\b", a.story + a.text):
        return value <= 12
    return value <= {"day": 12, "week": 60}.get(a.period or "", 300)


def relation(a: Asked, amount: Fraction, draws: Draws, *, short: bool = False) -> Relation | None:
    """Draw a relation to an amount. If ``short`` is true, it takes one step."""
    money = a.noun == "money"
    if amount < 4 or amount > 50_000 or not (money or amount.denominator == 1):
        return None
    difference = tidy(amount * (1 + draws.below(4)) / 10) if amount >= 20 else 2 + draws.below(3)
    by = f"${difference:,}" if money else f"{difference:,}"
    many, noun = ("much", "") if money else ("many", f" {a.noun}")
    kinds = (
        ["more", "less", "twice", "three", "half"]
        if short
        else ["more", "less", "twice", "three", "half", "twice_more"]
    )
    kind = pick(draws, kinds)
    if kind == "more":
        text, value = computed("{} + {}", amount, difference, money=money)
        return Relation(f"{by} more{noun} than", [("", text)], value)
    if kind == "less":
        text, value = computed("{} - {}", amount, difference, money=money)
        return Relation(f"{by} {'less' if money else 'fewer'}{noun} than", [("", text)], value)
    if kind == "half":
        text, value = computed("{} / {}", amount, 2, money=money)
        if value.denominator != 1:
            return None
        return Relation(f"half as {many}{noun} as", [("", text)], value)
    times = 3 if kind == "three" else 2
    text, value = computed("{} * {}", amount, times, money=money)
    word = "three times" if times == 3 else "twice"
    if kind == "twice_more":
        more, total = computed("{} + {}", value, difference, money=money)
        return Relation(f"{by} more than twice as {many}{noun} as", [(f"Twice as {many} is", text), ("", more)], total)
    return Relation(f"{word} as {many}{noun} as", [("", text)], value)


def _place(a: Asked) -> str:
    """The words of time after the thing, with a space before them: " a week", " on Monday"."""
    return f" {a.rest}" if a.rest and a.rest not in _LEFT | {"now"} else ""


def _reference(a: Asked) -> str:
    """The first person's quantity: "Tom has left", "Tom did in total"."""
    if a.verb in _STATES:
        if _place(a):
            return f"{a.name} {auxiliary(a.aux, plural=False)}"
        if a.rest in _LEFT:
            return f"{a.name} {a.does(a.verb)} left"
        if any(word in a.text for word in _TOTAL):
            return f"{a.name} {a.does(a.verb)} in total"
        if a.verb == "need":
            return f"{a.name} {a.does(a.verb)}"
        now = "in the end" if auxiliary(a.aux, plural=False) == "did" or a.aux == "will" else "now"
        return f"{a.name} {a.does(a.verb)} {now}"
    does = auxiliary(a.aux, plural=False)
    return f"{a.name} {does}" if a.rest else f"{a.name} {does} in total"


def _friend(a: Asked, draws: Draws, *taken: str) -> str:
    free = [name for name in NAMES if name not in a.story and name not in a.text and name not in taken]
    return pick(draws, free)


def _lines(name: str, a: Asked, found: Relation, verb: Callable[[str], str]) -> list[str]:
    unit = "" if a.noun == "money" else f" {a.noun}"
    return [
        f"{label} {text}{unit}." if label else f"{name} {verb(a.verb)} {text}{unit}{_place(a)}."
        for label, text in found.steps
    ]


def further_person(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """One more person; the question asks for both together."""
    found = relation(a, amount, draws)
    if found is None or not _possible(a, found.value):
        return None
    friend = _friend(a, draws)
    role = pick(draws, ROLES)
    money = a.noun == "money"

    def verb(base: str) -> str:
        return a.does(base, "friend")

    who = f"{a.name}'s {role} {friend}"
    text = f"{who} {verb(a.verb)} {found.words} {_reference(a)}{_place(a)}."
    both = pick(draws, (f"{a.name} and {friend}", "the two of them"))
    do = auxiliary(a.aux, plural=True)
    what = "much money" if money else f"many {a.noun}"
    end = pick(draws, ("altogether", "in total", "together"))
    sum_, result = computed("{} + {}", amount, found.value, money=money)
    unit = "" if money else f" {a.noun}"
    return Made(
        f"{text} How {what} {do} {both} {a.verb}{_place(a)} {end}?",
        [
            *_lines(friend, a, found, verb),
            f"Together, {a.name} and {friend} {_plural(a)} {sum_}{unit}{_place(a)}.",
        ],
        result,
    )


def compared(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """One more person; the question asks for the difference."""
    found = relation(a, amount, draws)
    if found is None or not _possible(a, found.value) or " as " not in found.words or found.value <= amount:
        return None
    friend = _friend(a, draws)
    money = a.noun == "money"

    def verb(base: str) -> str:
        return a.does(base, "friend")

    what = "much more money" if money else f"many more {a.noun}"
    unit = "more" if money else f"more {a.noun}"
    text, result = computed("{} - {}", found.value, amount, money=money)
    return Made(
        f"{a.name}'s {pick(draws, ROLES)} {friend} {verb(a.verb)} {found.words} {_reference(a)}{_place(a)}. How {what}"
        f" {auxiliary(a.aux, plural=False)} {friend} {a.verb}{_place(a)} than {a.name}?",
        [*_lines(friend, a, found, verb), f"{friend} {verb(a.verb)} {text} {unit}{_place(a)} than {a.name}."],
        result,
    )


def _plural(a: Asked) -> str:
    """The verb in the tense of the question after a plural subject."""
    return a.verb if a.aux in ("does", "do") else a.does(a.verb, "friends")


def further_persons(a: Asked, amount: Fraction, draws: Draws) -> Made | None:
    """Two more persons in a chain of relations; the question asks for all three, or for the last one."""
    first = relation(a, amount, draws, short=True)
    second = relation(a, first.value, draws, short=True) if first else None
    if first is None or second is None or not _possible(a, max(first.value, second.value)):
        return None
    if first.words.split()[:1] == second.words.split()[:1]:
        return None
    one = _friend(a, draws)
    two = _friend(a, draws, one)
    money = a.noun == "money"

    def verb(base: str) -> str:
        return a.does(base, "friend")

    text = (
        f"{a.name}'s {pick(draws, ROLES)} {one} {verb(a.verb)} {first.words} {_reference(a)}{_place(a)}, and {two}"
        f" {verb(a.verb)} {second.words} {one}."
    )
    what = "much money" if money else f"many {a.noun}"
    unit = "" if money else f" {a.noun}"
    lines = [*_lines(one, a, first, verb), *_lines(two, a, second, verb)]
    if draws.below(3) == 0:
        return Made(
            f"{text} How {what} {auxiliary(a.aux, plural=False)} {two} {a.verb}{_place(a)}?", lines, second.value
        )
    pair, both = computed("{} + {}", amount, first.value, money=money)
    expression = pair.partition("=")[0]
    all_, result = computed(f"{expression} + {{1}}", both, second.value, money=money)
    return Made(
        f"{text} How {what} {auxiliary(a.aux, plural=True)} the three of them {a.verb}{_place(a)} altogether?",
        [*lines, f"Together, the three of them {_plural(a)} {all_}{unit}{_place(a)}."],
        result,
    )
