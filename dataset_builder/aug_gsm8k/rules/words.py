"""What fits a story: whether a person holds the things, and the shares, relatives and clauses of new sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import (
    PEOPLE,
    third,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Story,
    amount,
    calculated,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import number_text

COST_VERBS = {"pay", "spend"}
GAIN_VERBS = {"earn", "make", "get", "receive", "save", "win", "raise", "collect", "have"}
HELD_VERBS = {
    "have", "get", "receive", "buy", "make", "bake", "keep", "collect", "own", "pick", "catch", "find", "win", "gather",
    "harvest", "purchase", "grow", "knit", "sew", "prepare",
}  # fmt: skip
"""Verbs after which the person has the things."""
WORK_VERBS = {
    "read", "run", "walk", "sell", "collect", "practice", "plant", "wash", "clean", "deliver", "bake", "ride", "bike",
    "swim", "write", "type", "make", "pick", "jog", "hike", "cycle", "travel", "solve", "score", "paint", "draw",
    "knit", "sew", "wrap", "answer", "learn", "gather", "harvest", "catch", "cook", "pack", "fold", "study", "exercise",
    "climb", "produce", "iron", "shovel", "mow", "visit", "build", "find", "earn", "save", "raise", "print", "play",
    "donate",
}  # fmt: skip
"""Verbs for what a person achieves."""

UNITS = (
    r"seconds|minutes|hours|days|weeks|months|years|decades|miles|kilometers|meters|centimeters|feet|inches|yards|laps|"
    r"calories|points|degrees|acres|grams|kilograms|ounces|pounds|tons|liters|milliliters|gallons|quarts|pints|cups|"
    r"teaspoons|tablespoons|cents|dollars|square \w+"
)
MEASURE = re.compile(rf"^(?:\w+ )?(?:{UNITS})(?: of .*)?$|\b(?:{UNITS})$")
_NOT_HANDED = re.compile(
    r"\b(?:legs|eyes|teeth|wheels|arms|fingers|rooms|floors|windows|doors|houses|homes|apartments|trees|plants|goals|"
    r"problems|questions|classes|chapters|episodes|votes|likes|followers|subscribers|jobs|trips|steps|songs|emails|"
    r"messages|texts|calls|brothers|sisters|siblings|cousins|fans|pets|options|choices|ways|units|times|rides|lessons|"
    r"orders|weeks|sides|spots|seats|slots|shares|servings|pages|words|lines|letters|tests|exams|assignments|meals|"
    r"credits|songs|games|matches|wins|cavities|freckles|buildings|rows|columns|holes|gardens|fields|ponds|parts|"
    r"elephants|whales|sharks|lions|babies|patients|clients|owners|sheets|pets|tanks|groups|teams|items|faces|members|"
    r"scoops|slices|balls of|loads|gifts|presents|invitations|costumes|chores|stairs|beds|tables|acres|pieces|cars|"
    r"friendship|piercings|haircuts|views|blocks|passes|points|pushups|push-ups|lunches|pairs|total|number|sets)\b"
)
_BAD_TAIL = re.compile(
    r"\b(?:before|first|originally|initially|start|started|beginning|begin|ago|instead|would|original|previous|last|"
    r"second|third|final|another|other|rest|remaining|extra|more|one|once|twice|each|every|will|can|could|if|to|by|"
    r"take|takes|total|that|who|they|he|she|it)\b"
)
_PLACED = re.compile(
    r"(?:left|remaining|still|now|in|on|at|inside|for|to|from|this|last|that|today|yesterday|during|over|with|by|after)\b|"
    r"\w+ing\b"
)
_BAD_WORDS = re.compile(r"\b(?:legs|eyes|heads|wheels) (?:of|in)|\bnumber of\b", re.IGNORECASE)


def held(story: Story) -> bool:
    """Whether a person has the things that the answer counts, and may hand some of them to others."""
    final = story.final
    idle = final.needed or re.match(r"(?:can|could|should|would|still) ", final.rest)
    return bool(
        counted(story) and story.person and final.verb in HELD_VERBS and not idle and handed(final.noun)
    )  # fmt: skip


def counted(story: Story) -> bool:
    """Whether the answer is a number of at least 6 things with a plain clause around it."""
    final = story.final
    return final.kind == "count" and (story.whole or 0) >= 6 and not _BAD_TAIL.search(final.tail) and clean(story)


def clean(story: Story) -> bool:
    """Whether the phrase for the answer is plain enough for a new sentence."""
    final, phrase = story.final, story.phrase
    if re.search(r"\b(?:to|for|in|at|on|with|from|of|by)$|[0-9] \w+$|[0-9]$", f"{phrase} {final.tail}".strip()):
        return False
    if _BAD_WORDS.search(phrase) or len(phrase.split()) > 16 or re.match(r"(?:each|every)\b", final.subject):
        return False
    placed = not final.tail or _PLACED.match(final.tail)
    loose = final.kind == "count" and (not final.verb or (MEASURE.search(final.noun) and final.verb != "take"))
    return bool(placed or not loose)


def handed(noun: str) -> bool:
    """Whether things of this name can be handed to another person one by one."""
    return not (MEASURE.search(noun) or _NOT_HANDED.search(noun) or PEOPLE.search(noun) or " and " in noun)


def there(story: Story) -> bool:
    """Whether the answer counts what is somewhere or left, without an actor."""
    final = story.final
    plain = not final.subject and final.verb == "be" and not final.needed
    place = re.match(r"(?:left|remaining|still|now|in|on|at|inside)\b|$", final.tail)
    return bool(counted(story) and plain and place and " that remain" not in final.head)


CROWD = re.compile(
    r"^(?:[a-z]+ )?(?:people|students|children|kids|guests|passengers|adults|girls|boys|men|women|visitors|customers|"
    r"players|fans|employees|workers)$"
)


def crowd(story: Story) -> bool:
    """Whether the answer counts people in a place that some of them can leave."""
    final = story.final
    place = re.match(r"(?:now )?(?:in|on|at|inside) .*", final.tail)
    return bool(
        CROWD.match(final.noun) and place
        and not re.search(r"\b(?:lists?|family|teams?|pictures?|survey|town|city|world|country|age)\b", final.tail)
    )  # fmt: skip


def on_what(story: Story) -> str:
    """The words of the final question that say what is paid, such as " on the books"; else an empty string."""
    return f" {story.final.tail}" if re.match(r"(?:on|for) ", story.final.tail) and story.final.subject else ""


def adult(story: Story) -> bool:
    """Whether the story names nothing that makes its person a child."""
    return not story.says(
        r"school|kids?|child|children|boys?|girls?|allowance|mom|mother|dad|father|parents?|grandmother|grandfather|"
        r"teacher|students?|grandma|grandpa|lemonade|class|tooth|toys?|babysit\w*|chores?|birthday|piggy"
    )


def money_value(story: Story, value: Fraction | int) -> str:
    """A value as the question writes it: with a dollar sign if the answer is money."""
    return f"${amount(value)}" if story.final.kind == "money" else number_text(Fraction(value))


_PASSIVE = re.compile(
    r"the (?P<noun>.*?) (?:that|who) (?P<be>are|were) (?P<verb>sold|used|needed|made|eaten|given|planted|bought|taken|"
    r"baked|not)\b(?P<tail>.*)"
)


def fact(story: Story, quantity: str) -> str:
    """The final question as a clause of a condition: "she has more than 20 eggs left".

    Args:
        story: the story.
        quantity: the words for the number, such as ``more than 20``.
    """
    final = story.final
    take = re.fullmatch(r"(?P<who>(?:him|her|them|me|us|[A-Z][a-z]+) )(?P<what>to .*)", final.tail)
    if final.verb == "take" and final.subject == "it" and take:
        takes = final.rest[: len(final.rest) - len(final.tail)].strip().replace("will take", "takes")
        return f"it {takes} {take['who']}{quantity} {final.noun} {take['what']}"
    passive = _PASSIVE.match(final.head)
    if not final.subject and passive:
        return f"{quantity} {passive['noun']} {passive['be']} {passive['verb']}{passive['tail']}"
    if not final.subject:
        if final.kind == "money":
            return f"{final.head} {'was' if final.tense == 'past' else 'is'} {quantity}"
        are = "were" if final.tense == "past" else "are"
        return f"there {are} {quantity} {final.noun} {final.tail}".rstrip()
    person = story.person
    subject = person.pronoun if person else final.subject
    words = final.rest[: len(final.rest) - len(final.tail)].strip()
    if words.startswith("will "):
        base = words.removeprefix("will ")
        adverb, _, verb = base.rpartition(" ")
        plural = person.plural if person else False
        words = f"{adverb} {verb if plural else third(verb)}".strip()
    noun = "" if final.kind == "money" else f" {final.noun}"
    special = re.match(r"the (change|profit|cash)\b", final.head)
    if final.kind == "money" and special:
        noun = f" in {special[1]}"
    return f"{subject} {words} {quantity}{noun} {final.tail}".rstrip()


@dataclass(frozen=True)
class Share:
    """A share of a quantity.

    Attributes:
        value: the share, between 0 and 1.
        words: how the question writes it, such as ``25%`` or ``a quarter``.
        top, bottom: the fraction as the solution writes it.
    """

    value: Fraction
    words: str
    top: int
    bottom: int

    @property
    def percent(self) -> bool:
        """Whether it is written as a percentage."""
        return self.bottom == 100

    def of(self, value: Fraction | int, money: bool = False) -> str:
        """The calculation of this share of a value, with its annotation."""
        text = amount(value) if money else number_text(Fraction(value))
        return calculated(f"{text}/{self.bottom}" if self.top == 1 else f"{text}*{self.top}/{self.bottom}", money)


_FRACTIONS = [
    (1, 2, ["half"]), (1, 3, ["a third", "one third", "1/3"]), (2, 3, ["two thirds", "2/3"]),
    (1, 4, ["a quarter", "one quarter", "1/4"]), (3, 4, ["three quarters", "3/4"]), (1, 5, ["a fifth", "1/5"]),
    (2, 5, ["two fifths", "2/5"]), (3, 5, ["three fifths", "3/5"]), (4, 5, ["four fifths", "4/5"]),
    (1, 6, ["a sixth", "1/6"]), (5, 6, ["5/6"]), (1, 8, ["an eighth", "1/8"]), (3, 8, ["3/8"]),
    (1, 10, ["a tenth", "1/10"]), (3, 10, ["3/10"]),
]  # fmt: skip
SHARES = [
    *(Share(Fraction(p, 100), f"{p}%", p, 100) for p in (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 75, 80, 90)),
    *(Share(Fraction(top, bottom), words, top, bottom) for top, bottom, ways in _FRACTIONS for words in ways),
]
"""All shares, as percentages and as fractions."""


def shares_of(
    value: Fraction, low: Fraction | float, high: Fraction | float, money: bool = False, percent: bool = False
) -> list[Share]:
    """Shares between ``low`` and ``high`` of a value that are whole (of money also with two decimals).

    Args:
        value: the quantity.
        low, high: limits of the share, inclusive.
        money: whether the value is an amount of money.
        percent: whether only percentages are wanted.
    """
    limit = 100 if (value.denominator == 1 and value < 100) or value.denominator != 1 else 1
    return [
        share
        for share in SHARES
        if low <= share.value <= high
        and (share.value * value * (limit if money else 1)).denominator == 1
        and (share.percent or not percent)
    ]


_PRONOUN_OF = {"him": "he", "her": "she"}
_MALE, _FEMALE = {"brother", "uncle", "grandfather"}, {"sister", "aunt", "grandmother"}


def relative(story: Story, *, kin: str = "brother sister cousin friend neighbor", other: bool = False) -> str | None:
    """Another person in relation to the actor, such as "her cousin", whom the story does not mention.

    Args:
        story: the story.
        kin: the relations to draw from.
        other: whether the person must take another pronoun than the actor, so that later pronouns are clear.
    """
    found = [word for word in kin.split() if not story.says(f"{word}s?")]
    if story.person and story.person.plural:
        # "Their brother" fits two persons with names, but no class and no team.
        found = [word for word in found if word in ("friend", "neighbor", "cousin") and " and " in story.person.name]
    if other and story.person:
        clear = {"he": _FEMALE, "she": _MALE}.get(_PRONOUN_OF.get(story.person.objective, ""), _MALE | _FEMALE)
        found = [word for word in found if word in clear]
    if not found or story.person is None:
        return None
    return f"{story.actor.possessive} {story.pick(found)}"
