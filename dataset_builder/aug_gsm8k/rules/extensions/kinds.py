"""All kinds of extension, and which last questions they fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.asked import AT_FIRST, Aged, Asked, Counted, at_a_shop
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.counted import (
    given_and_shared,
    half_then_more,
    packed_then_more,
    packed_with_more,
    sold,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.friends import (
    ages_later,
    average_of_both,
    common_goal,
    compared,
    further_person,
    further_persons,
    suits_a_common_goal,
    suits_a_friend,
    suits_an_average,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.money import (
    divided_with_more,
    from_savings,
    half_saved,
    kept_up,
    paid_with_bills,
    set_aside,
    towards_a_goal,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.places import (
    all_packed,
    more_places,
    teams_with_more,
    teams_without_some,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import Made
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.things import CONTAINERS, PEOPLE, PRICES, head
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws

HOLD = {"have", "keep", "own"}
GAIN = {"get", "receive", "collect", "buy", "pick", "find", "catch", "bake", "make", "gather", "harvest", "win"}
MADE = {"bake", "make", "pick", "harvest", "collect", "catch", "gather"}
EARN = {"have", "keep", "save", "earn", "make", "get", "receive", "collect", "raise", "win"}
_ONCE = re.compile(r"(?:left|now|left now|now left|remaining|(?:left|remaining) .+)?$")
_GONE = re.compile(
    r"\b(?:eats?|ate|eaten|sells?|sold|gives?|gave|given|giving|los[et]s?|tak(?:e|es|en)|took|us(?:e|es|ed)|stole\w*|"
    r"br[eo]ke\w*|thr[eo]w\w*|donat\w+|shar\w+|left|leaves?|remain\w*|rotten|remov\w+|drop\w*|return\w*|burn\w*)\b",
    re.IGNORECASE,
)
"""Words of a story in which what a person got is not all there any more."""
_NOT_OWN = re.compile(
    r"\b(?:rais\w+|charit\w+|fund\w*|donat\w+|homeless|company|business|restaurant|bakery|club|church|council|scout|"
    r"troop|teams?|invest\w*|collects? money)\b",
    re.IGNORECASE,
)
"""Words of a story in which the money is not the person's own."""
_PRICED = re.compile(r"\b(?:discount\w*|coupon\w*|cheaper|sale|off|instead|costs?|price\w*|charge\w*)\b", re.IGNORECASE)
"""Words of a story in which what is saved may be a lower price."""
_PURPOSE = re.compile(
    r"\b(?:sav(?:e|es|ed|ing)|wants?|wanted|needs?|needed|goal|afford|debt|rent|bills)\b", re.IGNORECASE
)
"""Words of a story in which the money has a purpose."""
_NEW_USE = re.compile(
    r"\b(?:(?:to|could) buy (?:an?|h(?:er|is)|their)|for (?:an?|her|his|their) new|cents?|penn(?:y|ies)|nickels?|"
    r"dimes?|quarters?)\b",
    re.IGNORECASE,
)
"""Words of a story whose money is for something already, or is counted in cents."""
_CLASS = re.compile(r"\b(?:class\w*|school|camp\w*|club|teams?|choir|gym|band|grade|players)\b", re.IGNORECASE)
"""Words of a story in which people may form teams."""
_PERIODIC = re.compile(
    r"\b(?:finish\w*|1|one|first|last|total of|for (?:\w+ )?\w+ (?:days|weeks|months|years))\b", re.IGNORECASE
)
"""Words of a story that ends, or that tells of a certain period."""


@dataclass(frozen=True)
class Kind:
    """A kind of extension.

    Attributes:
        name: its name.
        fits: whether it fits the last question.
        extend: the function that extends. It has the arguments (the last question, its answer, draws), and returns
            None if it does not fit the answer.
        most: maximum number of questions from each source.
    """

    name: str
    fits: Callable[[Any], bool]
    extend: Callable[[Any, Fraction, Draws], Made | None]
    most: int = 2


def _things(a: Asked) -> bool:
    if not a.he or head(a.noun) not in CONTAINERS or " of " in a.noun or not _ONCE.match(a.rest):
        return False
    grow = "vases" in CONTAINERS[head(a.noun)] and re.search("garden|plant", a.story)
    return not grow and (a.verb in HOLD or (a.verb in GAIN and not _GONE.search(a.story)))


def _money(a: Asked) -> bool:
    if (
        not a.he
        or a.noun != "money"
        or a.verb not in EARN
        or a.period
        or a.rest == AT_FIRST
        or _NOT_OWN.search(a.story)
        or _NEW_USE.search(a.story)
    ):
        return False
    return a.verb != "save" or not _PRICED.search(a.story)


def _rate(a: Asked) -> bool:
    if _PERIODIC.search(a.story) or a.period is None or a.rest.startswith(("this", "that")):
        return False
    return bool(a.he) and a.verb not in HOLD and " " not in a.verb


def _paid(a: Asked) -> bool:
    if not a.he or a.noun != "money" or a.verb != "spend":
        return False
    return at_a_shop(a)


def _in_class(c: Counted) -> bool:
    """Whether people are counted who may form teams."""
    return head(c.noun) in PEOPLE and bool(_CLASS.search(c.story))


def _intact(c: Counted) -> bool:
    """Whether the things counted are all there."""
    if " of " in c.noun or re.search(r"\b(?:necklace|bracelet|crown|costume|built|pyramid|tower)\b", c.story):
        return False
    return "that" in c.all or not _GONE.search(c.story)


KINDS = [
    Kind("further_person", suits_a_friend, further_person, 5),
    Kind("packed_with_more", _things, packed_with_more, 3),
    Kind("half_saved", _money, half_saved, 3),
    Kind("paid_with_bills", _paid, paid_with_bills, 4),
    Kind("further_persons", suits_a_friend, further_persons, 5),
    Kind("given_and_shared", _things, given_and_shared),
    Kind("average_of_both", suits_an_average, average_of_both, 3),
    Kind("compared", suits_a_friend, compared, 5),
    Kind("divided_with_more", _money, divided_with_more, 3),
    Kind("from_savings", _paid, from_savings, 4),
    Kind("packed_then_more", _things, packed_then_more, 3),
    Kind("towards_a_goal", lambda a: _money(a) and not _PURPOSE.search(a.story), towards_a_goal, 3),
    Kind("half_then_more", lambda a: _things(a) and a.verb in HOLD, half_then_more),
    Kind("common_goal", suits_a_common_goal, common_goal, 3),
    Kind("sold", lambda a: _things(a) and head(a.noun) in PRICES and a.verb in HOLD | MADE, sold),
    Kind("kept_up", lambda a: _rate(a) and a.noun != "money", kept_up, 3),
    Kind("set_aside", lambda a: _rate(a) and a.noun == "money" and a.verb in EARN, set_aside, 3),
]
"""All kinds that follow asked.Asked, in the order in which a source tries them. The first one is drawn."""
PLACE_KINDS = [
    Kind("all_packed", lambda c: head(c.noun) in CONTAINERS and _intact(c), all_packed, 5),
    Kind("teams_with_more", _in_class, teams_with_more, 4),
    Kind("teams_without_some", _in_class, teams_without_some, 4),
    Kind("more_places", lambda c: bool(c.place) and not _GONE.search(c.story), more_places, 5),
]
"""The kinds that follow asked.Counted, in the same order."""
AGE_KINDS = [Kind("ages_later", lambda a: True, ages_later, 12)]
"""The kind that follows asked.Aged."""


def kinds_of(read: Asked | Counted | Aged) -> list[Kind]:
    """The kinds that fit a last question."""
    kinds = KINDS if isinstance(read, Asked) else PLACE_KINDS if isinstance(read, Counted) else AGE_KINDS
    return [kind for kind in kinds if kind.fits(read)]
