"""Concepts that compare the answer with what relatives of the person have or do: ratios and averages."""

from __future__ import annotations

import re
from fractions import Fraction
from math import gcd

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import PEOPLE, conjugated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Concept,
    Made,
    Step,
    Story,
    calculated,
    capital,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import UNSPENT

_VERBS = {
    "have", "own", "buy", "sell", "read", "collect", "pick", "catch", "bake", "make", "plant", "score", "earn", "write",
    "knit", "sew", "draw", "paint", "find", "gather", "harvest", "run", "walk", "jog", "hike", "bike", "spend",
}  # fmt: skip
"""Verbs of what other people have or do in the same way."""

_TIME = (
    r"(?:in|over|during|for|this|last|that|after|on|by) (?:(?:the|these|those|that|this|a|an|one|two|three|four|five|"
    r"six|seven|first|last|next|past|whole|entire|\d+) )*(?:days?|weeks?|weekend|months?|years?|hours?|minutes?|"
    r"[a-z]+day|morning|afternoon|evening|summer|season|purchases?|shopping)"
)
_TAIL = re.compile(rf"|left|now|(?:(?:left|now) )?{_TIME}", re.IGNORECASE)
_ON = re.compile(r"on (?!(?:it|them|all)\b)(?:[a-z]+ )?[a-z]{4,}")

_NOT_THEIRS = re.compile(
    r"\b(?:minutes|hours|days|weeks|months|years|nights|legs|wheels|feet|square|votes|houses|rooms|classes|siblings|"
    r"brothers|sisters|cousins|calories|cells|bacteria|mice|baby|babies|tissues|ounces|liters|gallons|grams|kilograms|kilos|pounds|cups|"
    r"tons|tanks|visits|orders|shifts|classes)\b"
)
"""Nouns of what is not compared between relatives."""

_UNLIKE = (
    r"average|ratio|share[sd]?|split\w*|divide[sd]?|equally|family|families|profit|fundrais\w*|charity|tips?|recipe|"
    r"insurance|bets?|team|shelter|zoo|factory|company|museum"
)
"""Words of stories in which nobody else has or does the same."""


def _relatives(story: Story, count: int, *, on: bool = False) -> list[str]:
    """As many relatives of the person as asked for, such as "her sister"; an empty list if a comparison does not fit.

    The person must be one he or she, and the story must not mention the relatives. ``on`` allows money that is spent on
    something.
    """
    person, final = story.person, story.final
    if not person or person.pronoun not in ("he", "she") or final.kind not in ("money", "count") or final.needed:
        return []
    if final.verb not in _VERBS or not story.whole or story.whole < 4 or story.says(_UNLIKE):
        return []
    if final.head != f"the {final.noun} that" or re.match(r"(?:can|should|still) ", final.rest):
        return []
    spent = on and final.verb == "spend" and _ON.fullmatch(final.tail)
    if not (_TAIL.fullmatch(final.tail) or spent) or re.search(UNSPENT, final.phrase()):
        return []
    if final.verb == "have" and (final.tense == "future" or (final.tense == "past" and not final.tail)):  # when?
        return []
    if final.kind == "money" and (
        final.verb not in ("have", "earn", "spend")
        or (final.verb == "earn" and story.says("costs?|buys?|bought|pays?|paid|spen\\w+|expenses?"))
        or story.value > (1000 if final.verb == "spend" else 20_000)
    ):
        return []
    if PEOPLE.search(final.noun) or _NOT_THEIRS.search(final.noun) or (final.kind == "count" and final.verb == "spend"):
        return []
    found = [who for who in ("sister", "brother", "cousin") if not story.says(f"{who}s?")]
    if count == 1:
        found += [who for who in ("friend", "neighbor") if not story.says(f"{who}s?")]
    return [f"{person.possessive} {found.pop(story.draws.below(len(found)))}" for _ in range(count) if found][:count]


def _words(story: Story) -> tuple[str, str, str, str]:
    """("much" or "many", the noun, what follows a number in a solution, the sign before a number)."""
    money = story.final.kind == "money"
    noun = "money" if money else story.final.noun
    return "much" if money else "many", noun, "" if money else f" {noun}", "$" if money else ""


def _they(story: Story) -> str:
    """The verb of the final question with several people as its subject."""
    return conjugated(story.final.verb, story.final.tense, True)


def _do(story: Story) -> str:
    """The helping verb of a question about several people."""
    return {"past": "did", "future": "will"}.get(story.final.tense, "do")


def _number_of(story: Story) -> str:
    """What a comparison compares: "number of eggs that she sells"."""
    phrase = story.phrase.removeprefix("the ")
    return f"{'amount' if story.final.kind == 'money' else 'number'} of {phrase}"


def _calculated(story: Story, expression: str) -> str:
    return calculated(expression, money=story.final.kind == "money")


def _for_every(story: Story) -> Made | None:
    relatives, value = _relatives(story, 1, on=True), story.whole or 0
    pairs = [
        (a, b)
        for a in (2, 3, 4, 5, 10)
        for b in range(1, 11)
        if gcd(a, b) == 1 and value % a == 0 and value >= 2 * a and a <= 2 * b <= 4 * a
    ]
    if not relatives or not pairs:
        return None
    (a, b), other = story.pick(pairs), relatives[0]
    many, noun, units, sign = _words(story)
    verb, groups = story.other(story.final.verb), value // a
    given = story.phrase.removeprefix("the money " if sign else "the ")
    given = f"{sign}{a} {given}"
    return (
        story.pick([
            f"For every {given}, {other} {verb} {sign}{b}.",
            f"{capital(other)} {verb} {sign}{b} for every {given}.",
        ]) + f" How {many} {noun} {story.asked(story.final.verb, other)}?",
        [
            Step(f"There are {calculated(f'{value}/{a}')} groups of {sign}{a}{units}."),
            Step(f"So {other} {verb} {_calculated(story, f'{groups}*{b}')}{units}."),
        ],
        Fraction(groups * b),
    )  # fmt: skip


def _average(story: Story) -> Made | None:
    """The average with one other person is given, and the other's quantity is asked for."""
    relatives, whole = _relatives(story, 1), story.whole or 0
    spread = max(3, whole // 3)
    step = 5 if whole % 5 == 0 and whole >= 50 else 1
    mean = whole + step * ((story.draws.below(spread) - spread // 2) // step)
    theirs = 2 * mean - whole
    if not relatives or mean == whole or theirs < 2 or str(mean) in re.findall(r"[0-9]+", story.text):
        return None
    (other,), verb, is_ = relatives, story.other(story.final.verb), "was" if story.final.tense == "past" else "is"
    many, noun, units, sign = _words(story)
    head = "amount of money" if sign else f"number of {noun}"
    fact = f"The average of the {_number_of(story)} and the {head} that {other} {verb} {is_} {sign}{mean}"
    if not story.final.tail and story.draws.below(2):
        fact = f"On average, {story.actor.pronoun} and {other} {_they(story)} {sign}{mean}{units} each"
    return (
        f"{fact}. How {many} {noun} {story.asked(story.final.verb, other)}?",
        [
            Step(f"The two of them together {_they(story)} {_calculated(story, f'{mean}*2')}{units}.", free=True),
            Step(f"So {other} {verb} {_calculated(story, f'{2 * mean}-{whole}')}{units}."),
        ],
        Fraction(theirs),
    )


def _of_three(story: Story) -> Made | None:
    """Two others have the same, and the average of the three is given."""
    relatives, whole = _relatives(story, 1), story.whole or 0
    spread = max(3, whole // 3)
    mean = whole + story.draws.below(2 * spread) - spread
    both = 3 * mean - whole
    if not relatives or story.final.tail or mean == whole or both < 4 or both % 2:
        return None
    if both // 2 == whole or str(mean) in re.findall(r"[0-9]+", story.text):
        return None
    who = relatives[0].split()[-1]
    many, noun, units, sign = _words(story)
    helper = {"past": "did", "future": "will"}.get(story.final.tense, "does")
    return (
        f"{capital(story.actor.possessive)} two {who}s {_they(story)} the same {'amount' if sign else 'number'} of"
        f" {noun} as each other. On average, the three of them {_they(story)} {sign}{mean}{units} each. How {many}"
        f" {noun} {helper} each of the two {who}s {story.final.verb}?",
        [
            Step(f"The three of them together {_they(story)} {_calculated(story, f'{mean}*3')}{units}.", free=True),
            Step(f"The two {who}s together {_they(story)} {_calculated(story, f'{3 * mean}-{whole}')}{units}."),
            Step(f"Each of them {story.other(story.final.verb)} {_calculated(story, f'{both}/2')}{units}."),
        ],
        Fraction(both, 2),
    )


def _ratio_total(story: Story) -> Made | None:
    """The ratio to another person's quantity is given, and the sum is asked for."""
    relatives, whole = _relatives(story, 1), story.whole or 0
    ratios = [(a, b) for a in (2, 3, 4, 5, 6) for b in range(1, 8)
              if gcd(a, b) == 1 and a != b and whole % a == 0 and whole // a >= 2 and a <= 2 * b <= 4 * a]  # fmt: skip
    if not relatives or not ratios or story.final.tail not in ("", "left", "now"):  # who has more than that?
        return None
    (a, b), other = story.pick(ratios), relatives[0]
    many, noun, units, sign = _words(story)
    part, verb, is_ = whole // a, story.other(story.final.verb), "was" if story.final.tense == "past" else "is"
    head = "amount of money" if sign else f"number of {noun}"
    return (
        f"The ratio of the {_number_of(story)} to the {head} that {other} {verb} {is_} {a}:{b}. How {many} {noun}"
        f" {_do(story)} the two of them {story.final.verb} together?",
        [
            Step(f"One part of the ratio is {_calculated(story, f'{whole}/{a}')}{units}."),
            Step(f"So {other} {verb} {_calculated(story, f'{b}*{part}')}{units}."),
            Step(f"Together, they {_they(story)} {_calculated(story, f'{whole}+{b * part}')}{units}."),
        ],
        Fraction(whole + b * part),
    )


def _mean_of_three(story: Story) -> Made | None:
    """The quantities of two other people are given, and the average of the three is asked for."""
    relatives, whole = _relatives(story, 2), story.whole or 0
    spread = max(3, whole // 2)
    one, two = (max(2, whole - spread // 2 + story.draws.below(spread)) for _ in range(2))
    two += -(whole + one + two) % 3
    if len(relatives) < 2 or len({one, two, whole}) < 3:
        return None
    many, noun, units, sign = _words(story)
    verb, total = story.other(story.final.verb), whole + one + two
    counting = f", counting {story.phrase}" if story.final.tail else ""
    return (
        f"{capital(relatives[0])} {verb} {sign}{one}{units}, and {relatives[1]} {verb} {sign}{two}. How {many} {noun}"
        f" {_do(story)} the three of them {story.final.verb} on average{counting}?",
        [
            Step(f"The three of them together {_they(story)} {_calculated(story, f'{whole}+{one}+{two}')}{units}."),
            Step(f"The average is {_calculated(story, f'{total}/3')}{units}."),
        ],
        Fraction(total, 3),
    )


def _three_parts(story: Story) -> Made | None:
    """The ratio of three people's quantities is given."""
    relatives, whole = _relatives(story, 2), story.whole or 0
    ratios = [parts for parts in ((2, 3, 4), (3, 4, 5), (2, 1, 3), (2, 3, 1), (4, 3, 2), (5, 3, 6), (3, 2, 4))
              if whole % parts[0] == 0 and whole // parts[0] >= 2]  # fmt: skip
    if len(relatives) < 2 or not ratios:
        return None
    parts, asked = story.pick(ratios), story.draws.below(2)
    who, times = relatives[asked], parts[asked + 1]
    many, noun, units, sign = _words(story)
    part, is_ = whole // parts[0], "was" if story.final.tense == "past" else "is"
    return (
        f"The ratio of the {_number_of(story)} to the {'amount' if sign else 'number'}s that {relatives[0]} and"
        f" {relatives[1]} {_they(story)} {is_} {':'.join(map(str, parts))}. How {many} {noun}"
        f" {story.asked(story.final.verb, who)}?",
        [
            Step(f"One part of the ratio is {_calculated(story, f'{whole}/{parts[0]}')}{units}."),
            Step(f"So {who} {story.other(story.final.verb)} {_calculated(story, f'{times}*{part}')}{units}."),
        ],
        Fraction(times * part),
    )


COMPARISONS: tuple[Concept, ...] = (_for_every, _average, _of_three, _ratio_total, _mean_of_three, _three_parts)
"""Concepts that compare the answer with relatives."""
