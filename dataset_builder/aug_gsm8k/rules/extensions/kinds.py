"""All kinds of extension, and which last questions they fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.asked import Asked
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.counted import (
    given_and_shared,
    half_then_more,
    packed_then_more,
    packed_with_more,
    sold,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.friends import (
    compared,
    further_person,
    further_persons,
    suits_a_friend,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.money import (
    coupon_and_shared,
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
    all_sold,
    come_and_go,
    more_places,
    teams_with_more,
    teams_without_some,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import Made
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.things import CONTAINERS, MOVING, PEOPLE, PRICES, head
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws

HOLD = {"have", "keep", "own"}
GAIN = {"get", "receive", "collect", "buy", "pick", "find", "catch", "bake", "make", "gather", "harvest", "win"}
MADE = {"bake", "make", "pick", "harvest", "collect", "catch", "gather"}
EARN = {"have", "keep", "save", "earn", "make", "get", "receive", "collect", "raise", "win"}
SPEND = {"spend", "pay"}
_ONCE = re.compile(r"(?:left|now|left now|now left|remaining|(?:left|remaining) .+)?$")

_REGULAR = re.compile(
    r"\b(?:rent\w*|tax\w*|month\w*|weekly|years?|insurance|loan|debt|interest|employees|workers|salar\w+|wages?|bills?|"
    r"coupon|discount\w*|change|fine|tuition|hired|owes)\b"
)
"""Words of a story in which a person does not pay once at a shop."""
_SHOPPING = re.compile(r"^(?:(?:for|on|at) (?:(?:the|his|her|their) )?[a-z]+(?: [a-z]+)?)?$")
"""What may follow "pay" or "spend" and says nothing that the story does not say."""
_PURPOSE = re.compile(
    r"\b(?:rais\w+|charit\w+|fund\w*|teams?|schools?|donat\w+|sav(?:e|es|ed|ing)|wants?|wanted|needs?|needed|company|business|"
    r"owns|restaurant|store|shop|goal|afford|debt|rent|bills)\b"
)
"""Words of a story in which the money has a purpose, or is not the person's own."""


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
    return head(a.noun) in CONTAINERS and a.verb in HOLD | GAIN and bool(_ONCE.match(a.rest))


def _money(a: Asked) -> bool:
    return a.noun == "money" and a.verb in EARN and not a.period and a.verb != "raise"


def _rate(a: Asked) -> bool:
    if re.search(r"\b(?:finish\w*|1 |one|first|last)\b", a.story):
        return False  # a story that ends, or about a certain period
    return a.period is not None and a.verb not in HOLD and not a.rest.startswith(("this", "that"))


def _paid(a: Asked) -> bool:
    return a.noun == "money" and a.verb in SPEND and bool(_SHOPPING.match(a.rest)) and not _REGULAR.search(a.story)


KINDS = [
    Kind("further_person", suits_a_friend, further_person, 4),
    Kind("packed_with_more", _things, packed_with_more),
    Kind("half_saved", _money, half_saved),
    Kind("paid_with_bills", lambda a: _paid(a) and a.verb == "pay", paid_with_bills),
    Kind("further_persons", suits_a_friend, further_persons, 3),
    Kind("given_and_shared", lambda a: _things(a) and a.he != "they", given_and_shared),
    Kind("compared", suits_a_friend, compared, 3),
    Kind("divided_with_more", _money, divided_with_more),
    Kind("from_savings", _paid, from_savings),
    Kind("packed_then_more", _things, packed_then_more),
    Kind("towards_a_goal", lambda a: _money(a) and not _PURPOSE.search(a.story), towards_a_goal),
    Kind("half_then_more", lambda a: _things(a) and a.verb in HOLD and a.he != "they", half_then_more, 1),
    Kind("sold", lambda a: _things(a) and head(a.noun) in PRICES and a.verb in HOLD | MADE, sold),
    Kind("coupon_and_shared", lambda a: _paid(a) and a.he != "they", coupon_and_shared, 1),
    Kind("kept_up", lambda a: _rate(a) and (a.noun != "money" or a.verb in SPEND), kept_up, 3),
    Kind("set_aside", lambda a: _rate(a) and a.noun == "money" and a.verb in EARN, set_aside, 3),
]
"""All kinds, in the order in which a source tries them. The first one is drawn."""
PLACE_KINDS = [
    Kind("all_packed", lambda c: head(c.noun) in CONTAINERS, all_packed, 4),
    Kind("teams_with_more", lambda c: head(c.noun) in PEOPLE, teams_with_more, 4),
    Kind("all_sold", lambda c: head(c.noun) in PRICES, all_sold, 4),
    Kind("teams_without_some", lambda c: head(c.noun) in PEOPLE, teams_without_some, 4),
    Kind("come_and_go", lambda c: head(c.noun) in MOVING, come_and_go, 4),
    Kind("more_places", lambda c: bool(c.place), more_places, 3),
]
"""The kinds that follow a question about things without a person (asked.Counted), in the same order."""
