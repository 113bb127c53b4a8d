"""Concepts that fit most answers: ratios and averages with other people."""

from __future__ import annotations

import re
from fractions import Fraction
from math import gcd

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import VERBS, conjugated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Concept,
    Made,
    Person,
    Step,
    Story,
    amount,
    calculated,
    capital,
)

_RELATIVES = ["sister", "brother", "cousin", "friend", "neighbor"]


def _comparable(story: Story) -> str:
    """A relative with whom the person is compared, or an empty string."""
    final = story.final
    able = final.rest.startswith("can ") or final.needed or final.verb not in VERBS
    fellow = story.fellow
    if not fellow or able or story.value <= 2 or final.verb in ("take", "want", "cost", "need", "owe", "end"):
        return ""
    if fellow.name == "they" and not re.search(r"[A-Z]\w+ and [A-Z]|\bthey are\b|friends|siblings", final.body):
        return ""
    if re.match(r"(?:to|for the|of|out|up|down|off|away|back|over|\w+(?:ed|en))\b", final.tail) or story.says(
        "average|ratio"
    ):
        return ""
    if final.noun.startswith("hours") and story.value > 20:  # a week has 168 hours
        return ""
    if re.match(r"(?:months|years|days|weeks|nights)\b", final.noun) or final.kind == "unit price":
        return ""
    relatives = ["friend", "neighbor"] if fellow.plural else _RELATIVES
    fits = [who for who in relatives if not story.says(f"{who}s?|siblings?|family")]
    return story.pick(fits) if fits else ""


def _fellow(story: Story) -> Person:
    assert story.fellow is not None, "_comparable returns a relative only if there is a person"
    return story.fellow


def _for_every(story: Story) -> Made | None:
    relative = _comparable(story)
    money = story.final.kind == "money"
    pairs = [
        (a, b)
        for a in (2, 3, 4, 5, 10)
        for b in range(1, 8)
        if gcd(a, b) == 1 and story.value % a == 0 and story.value / a >= 2 and Fraction(1, 3) < Fraction(b, a) < 3
    ]
    if not relative or not pairs or story.final.kind == "age":
        return None
    a, b = story.pick(pairs)
    value, noun = amount(story.value), "money" if money else story.final.noun
    if not money and (story.whole is None):
        return None
    other = f"{_fellow(story).possessive} {relative}"
    verb = story.other(story.final.verb)
    groups = story.value / a
    given = f"${a}" if money else f"{a}"
    got = f"${b}" if money else f"{b}"
    ask = f"How {'much' if money else 'many'} {noun} {story.asked(story.final.verb, other)}?"
    group_words = f"${a} each" if money else f"{a} {noun}"
    opening = story.pick([
        f"For every {given} of {story.phrase}, {other} {verb} {got}",
        f"{capital(other)} {verb} {got} for every {given} of {story.phrase}",
    ])  # fmt: skip
    return (
        f"{opening}. {ask}",
        [
            Step(f"There are {calculated(f'{value}/{a}')} groups of {group_words}."),
            Step(f"So {other} {verb} {calculated(f'{amount(groups)}*{b}', money=money)}{'' if money else ' ' + noun}."),
        ],
        groups * b,
    )


def _average(story: Story) -> Made | None:
    relative = _comparable(story)
    final = story.final
    money = final.kind == "money"
    if not relative or final.kind == "age" or story.whole is None or story.whole < 6:
        return None
    whole = story.whole
    spread = max(3, whole // 3)
    step = 5 if whole % 5 == 0 and whole >= 50 else 1
    mean = whole + step * ((story.draws.below(spread) - spread // 2) // step)
    other_value = 2 * mean - whole
    if _fellow(story).plural or mean == whole or other_value < 2 or str(mean) in re.findall(r"[0-9]+", story.text):
        return None
    other = f"{_fellow(story).possessive} {relative}"
    verb = story.other(final.verb)
    phrase = story.phrase.removeprefix("the ")
    what = "amount of" if money else "number of"
    average = f"{'$' if money else ''}{mean}"
    units = "" if money else f" {final.noun}"
    is_ = "was" if final.tense == "past" else "is"
    ask = f"How {'much money' if money else f'many {final.noun}'} {story.asked(final.verb, other)}?"
    head = "money" if money else final.noun
    total = calculated(f"{mean}*2", money=money)
    rest = calculated(f"{2 * mean}-{whole}", money=money)
    if final.tail or story.draws.below(2):
        fact = f"The average of the {what} {phrase} and the {what} {head} that {other} {verb} {is_} {average}"
    else:
        verbs = final.verb if final.tense == "present" else story.other(final.verb)
        fact = f"On average, {_fellow(story).pronoun} and {other} {verbs} {average}{units} each"
    return (
        f"{fact}. {ask}",
        [
            Step(f"The two of them together {conjugated(final.verb, final.tense, True)}"
                 f" {total}{units}.", free=True),
            Step(f"So {other} {verb} {rest}{units}."),
        ],
        Fraction(other_value),
    )  # fmt: skip


def _of_three(story: Story) -> Made | None:
    """Two others have the same, and the average of the three is given."""
    relative = _comparable(story)
    final = story.final
    if not relative or final.kind == "age" or not story.whole or story.whole < 6 or _fellow(story).plural or final.tail:
        return None
    whole, money = story.whole, final.kind == "money"
    spread = max(3, whole // 3)
    mean = whole + story.draws.below(2 * spread) - spread
    both = 3 * mean - whole
    if mean == whole or both < 4 or both % 2 or both // 2 == whole or str(mean) in re.findall(r"[0-9]+", story.text):
        return None
    plural = final.verb if final.tense == "present" else story.other(final.verb)
    person = _fellow(story)
    noun = "money" if money else final.noun
    sign, units = ("$", "") if money else ("", f" {noun}")
    helper = {"past": "did", "future": "will"}.get(final.tense, "does")
    return (
        f"{capital(person.possessive)} two {relative}s {plural} the same {'amount' if money else 'number'} of"
        f" {noun} as each"
        f" other. On average, the three of them {plural} {sign}{mean}{units} each. How"
        f" {'much' if money else 'many'} {noun}"
        f" {helper} each of the two {relative}s {final.verb}?",
        [
            Step(f"The three of them together {plural} {calculated(f'{mean}*3', money=money)}{units}.", free=True),
            Step(f"The two {relative}s together {plural} {calculated(f'{3 * mean}-{whole}', money=money)}{units}."),
            Step(f"Each of them {story.other(final.verb)} {calculated(f'{both}/2', money=money)}{units}."),
        ],
        Fraction(both, 2),
    )


def _ratio_total(story: Story) -> Made | None:
    """The ratio to another person's quantity is given, and the sum is asked for."""
    relative = _comparable(story)
    final = story.final
    ratios = [(a, b) for a in (2, 3, 4, 5, 6) for b in range(1, 8)
              if gcd(a, b) == 1 and a != b and story.value % a == 0 and story.value / a >= 2 and b < 2 * a]  # fmt: skip
    if not relative or not ratios or final.kind == "age" or story.whole is None or _fellow(story).plural:
        return None
    a, b = story.pick(ratios)
    whole, money = story.whole, final.kind == "money"
    noun = "money" if money else final.noun
    units = "" if money else f" {noun}"
    part = Fraction(whole, a)
    other = b * part
    plural = final.verb if final.tense == "present" else story.other(final.verb)
    who = f"{_fellow(story).possessive} {relative}"
    helper = {"past": "did", "future": "will"}.get(final.tense, "do")
    is_ = "was" if final.tense == "past" else "is"
    what = "amount of" if money else "number of"
    phrase = story.phrase.removeprefix("the ")
    return (
        f"The ratio of the {what} {phrase} to the {what} {noun} that {who} {story.other(final.verb)} {is_} {a}:{b}. How"
        f" {'much' if money else 'many'} {noun} {helper} the two of them {final.verb} together?",
        [
            Step(f"One part of the ratio is {calculated(f'{whole}/{a}', money=money)}{units}."),
            Step(f"So {who} {story.other(final.verb)} {calculated(f'{b}*{amount(part)}', money=money)}{units}."),
            Step(f"Together, they {plural} {calculated(f'{whole}+{amount(other)}', money=money)}{units}."),
        ],
        whole + other,
    )


def _mean_of_three(story: Story) -> Made | None:
    """The quantities of two other people are given, and the average of the three is asked for."""
    relative = _comparable(story)
    final, whole = story.final, story.whole
    if not relative or final.kind == "age" or not whole or whole < 4 or _fellow(story).plural:
        return None
    second = next(
        (who for who in ("sister", "brother", "cousin") if who != relative and not story.says(f"{who}s?")), ""
    )
    spread = max(3, whole // 2)
    one, two = (max(2, whole - spread // 2 + story.draws.below(spread)) for _ in range(2))
    two += -(whole + one + two) % 3
    if not second or story.says("siblings|family") or len({one, two, whole}) < 3:
        return None
    money = final.kind == "money"
    noun, sign, units = ("money", "$", "") if money else (final.noun, "", f" {final.noun}")
    verb, plural = story.other(final.verb), conjugated(final.verb, final.tense, True)
    possessive = _fellow(story).possessive
    helper = {"past": "did", "future": "will"}.get(final.tense, "do")
    each = f"{possessive} {relative} {verb} {sign}{one}{units}, and {possessive} {second} {verb} {sign}{two}{units}"
    how = f"How {'much' if money else 'many'} {noun}"
    ask = story.pick([
        f"{how} {helper} the three of them {final.verb} on average, counting {story.phrase}?",
        f"Counting {story.phrase}, what is the average {'amount' if money else 'number'} of {noun} that the"
        f" three of them"
        f" {plural}?",
    ])  # fmt: skip
    total = whole + one + two
    return (
        f"{capital(each)}. {ask}",
        [
            Step(f"The three of them together {plural} {calculated(f'{whole}+{one}+{two}', money=money)}{units}."),
            Step(f"The average is {calculated(f'{total}/3', money=money)}{units}."),
        ],
        Fraction(total, 3),
    )


def _three_parts(story: Story) -> Made | None:
    """The ratio of three people's quantities is given."""
    relative = _comparable(story)
    final, whole = story.final, story.whole
    if not relative or final.kind == "age" or not whole or _fellow(story).plural:
        return None
    second = next(
        (who for who in ("brother", "sister", "cousin") if who != relative and not story.says(f"{who}s?")), ""
    )
    ratios = [parts for parts in ((2, 3, 4), (3, 4, 5), (1, 2, 3), (2, 3, 5), (4, 3, 2), (5, 3, 2), (3, 2, 4))
              if whole % parts[0] == 0 and whole // parts[0] >= 2]  # fmt: skip
    if not second or not ratios or story.says("siblings|family"):
        return None
    a, b, c = story.pick(ratios)
    money = final.kind == "money"
    noun, units = ("money", "") if money else (final.noun, f" {final.noun}")
    possessive = _fellow(story).possessive
    part = Fraction(whole, a)
    is_ = "was" if final.tense == "past" else "is"
    what = "amount" if money else "number"
    asked = story.draws.below(2)
    who, times = ((relative, b), (second, c))[asked]
    return (
        f"The ratio of the {what} of {story.phrase.removeprefix('the ')} to the {what}s that {possessive}"
        f" {relative} and"
        f" {possessive} {second} {conjugated(final.verb, final.tense, True)} {is_} {a}:{b}:{c}. How"
        f" {'much' if money else 'many'} {noun} {story.asked(final.verb, f'{possessive} {who}')}?",
        [
            Step(f"One part of the ratio is {calculated(f'{whole}/{a}', money=money)}{units}."),
            Step(f"So {possessive} {who} {story.other(final.verb)}"
                 f" {calculated(f'{times}*{amount(part)}', money=money)}{units}."),
        ],
        times * part,
    )  # fmt: skip


COMPARISONS: tuple[Concept, ...] = (_for_every, _average, _of_three, _ratio_total, _mean_of_three, _three_parts)
"""Concepts for most answers: ratios and averages with other people."""
