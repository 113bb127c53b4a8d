"""Concepts that join a measured answer: distances, calories, pages, words, lengths of cloth, working hours, an age."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    Concept,
    Made,
    Step,
    Story,
    calculated,
    capital,
    writable,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import number_text

_TIME_WORDS = r"hours?|minutes?|seconds?|speed|fast\w*|hourly"


def _unit(story: Story, words: str) -> str:
    """The unit of the answer if it is one of the words, else an empty string."""
    match = re.match(rf"(?:{words})\b", story.final.noun)
    able = re.match(r"(?:can|should|would) ", story.final.rest)
    return match[0] if match and story.final.kind == "count" and story.value > 0 and not able else ""


def _times(story: Story) -> str:
    return {"past": "did", "future": "will"}.get(story.final.tense, "does")


def _speed(story: Story) -> Made | None:
    unit = _unit(story, "miles|kilometers")
    if not unit or not story.person or story.final.noun != unit or story.says(rf"{_TIME_WORDS}|mph"):
        return None
    if re.search(r"\b(?:for|to|on|bikes?)$", story.final.tail):
        return None
    verb = story.final.verb
    speeds = {"run": (5, 6, 8), "jog": (4, 5, 6), "walk": (2, 3, 4), "hike": (2, 3), "drive": (30, 40, 50, 60),
              "travel": (20, 25, 40, 50), "bike": (8, 10, 12), "ride": (8, 10, 12), "cycle": (8, 10, 12),
              "swim": (1, 2)}.get(verb, ())  # fmt: skip
    fits = [n for n in speeds if writable(story.value / n, 1) and Fraction(1, 2) < story.value / n <= 80]
    if not fits:
        return None
    speed = story.pick(fits)
    person, value = story.actor, number_text(story.value)
    opening = story.pick([
        f"{capital(person.name)} {story.verb(verb)} at an average speed of {speed} {unit} per hour",
        f"{capital(person.possessive)} average speed {'was' if story.final.tense == 'past' else 'is'} {speed}"
        f" {unit} per hour",
    ])  # fmt: skip
    line = calculated(f"{value}/{speed}")
    hours = story.value / speed
    if hours.denominator != 1 or (hours <= 5 and story.draws.below(2)):
        return (
            f"{opening}. How many minutes {_times(story)} it take {person.objective} to cover {story.phrase}?",
            [
                Step(f"This takes {line} hours."),
                Step(f"In minutes, this is {calculated(f'{number_text(hours)}*60')} minutes."),
            ],
            hours * 60,
        )
    return (
        f"{opening}. How many hours {_times(story)} it take {person.objective} to cover {story.phrase}?",
        [Step(f"{capital(person.pronoun)} {story.verb('need')} {line} hours.")],
        hours,
    )


def _trip_fuel(story: Story) -> Made | None:
    value = story.whole
    fits = [n for n in (20, 25, 30, 40, 50) if value and value % n == 0 and value // n >= 2]
    if _unit(story, "miles") != story.final.noun or story.final.verb not in ("drive", "travel") or not fits:
        return None
    if not story.person or story.says("gas|gallons?|fuel|bus|train|plane|bik\\w+|walk\\w*") or "$" in story.text:
        return None
    each, price = story.pick(fits), story.pick([3, 4, 5])
    gallons = Fraction(value or 0, each)
    possessive = capital(story.actor.possessive)
    return (
        f"{possessive} car goes {each} miles on a gallon of gas, and gas costs ${price} a gallon. How much does the gas"
        f" for {story.phrase} cost?",
        [
            Step(f"The car uses {calculated(f'{value}/{each}')} gallons of gas."),
            Step(f"They cost {calculated(f'{gallons}*{price}', money=True)}."),
        ],
        gallons * price,
    )


def _burned(story: Story) -> Made | None:
    value = story.whole
    unit = _unit(story, "miles|calories")
    if unit == "miles" and unit == story.final.noun and story.final.verb in ("run", "jog", "walk", "hike"):
        if not value or value > 100 or story.says("calories") or not story.person or story.actor.plural:
            return None
        each = story.pick([80, 90, 100, 110])
        verb = "burned" if story.final.tense == "past" else story.verb("burn")
        return (
            f"{capital(story.actor.name)} {verb} {each} calories on each mile. How many calories"
            f" {story.asked('burn')} on {story.phrase}?",
            [Step(f"{capital(story.actor.pronoun)} {verb} {calculated(f'{value}*{each}')} calories.")],
            Fraction(value * each),
        )
    if unit != "calories" or story.final.verb not in ("eat", "consume", "get", "have", "drink") or not story.person:
        return None
    rates = [n for n in (4, 5, 6, 8, 9, 10, 12, 15) if value and value % n == 0 and 3 <= value // n <= 150]
    if not rates or story.says("minutes?|hours?|burn\\w*|runs?|exercise") or story.final.needed:
        return None
    rate, sport = story.pick(rates), story.pick(["running", "cycling", "swimming", "dancing"])
    return (
        f"{capital(sport)} burns {rate} calories per minute. How many minutes of {sport} are needed to burn"
        f" {story.phrase}?",
        [Step(f"This takes {calculated(f'{value}/{rate}')} minutes of {sport}.")],
        Fraction(value or 0, rate),
    )


def _reading(story: Story) -> Made | None:
    value = story.whole
    unit = _unit(story, "pages|words")
    if not unit or not value or not story.person or story.says(_TIME_WORDS) or story.final.noun != unit:
        return None
    reads = story.final.verb in ("read", "have")
    verb = "read" if unit == "pages" and reads else "write" if story.final.verb in ("write", "type") else ""
    if not verb:
        return None
    rates = (20, 24, 25, 30, 40) if verb == "read" else (2, 3, 4, 5) if unit == "pages" else (20, 25, 30, 40)
    fits = [n for n in rates if value % n == 0 and 2 <= value // n <= 80]
    person = story.actor
    if unit == "pages" and verb == "read" and story.draws.below(2):
        minutes = [n for n in (2, 3, 4) if value * n % 60 == 0 and 1 <= value * n // 60 <= 60]
        if minutes:
            each = story.pick(minutes)
            form = "takes" if story.final.tense != "past" else "took"
            return (
                f"It {form} {person.objective} {each} minutes to read one page. How many hours {_times(story)} it take"
                f" {person.objective} to read {story.phrase}?",
                [
                    Step(f"The {value} pages take {calculated(f'{value}*{each}')} minutes."),
                    Step(f"This is {calculated(f'{value * each}/60')} hours."),
                ],
                Fraction(value * each, 60),
            )
    if not fits:
        return None
    rate = story.pick(fits)
    time = "hour" if unit == "pages" else "minute"
    done = "reading" if verb == "read" else "writing"
    return (
        f"{capital(person.possessive)} {done} speed {'was' if story.final.tense == 'past' else 'is'} {rate} {unit} per"
        f" {time}. How many {time}s {_times(story)} it take {person.objective} to {verb} {story.phrase}?",
        [Step(f"{capital(person.pronoun)} {story.verb('need')} {calculated(f'{value}/{rate}')} {time}s.")],
        Fraction(value, rate),
    )


def _by_length(story: Story) -> Made | None:
    value = story.whole
    unit = _unit(story, "feet|meters|yards|inches")
    match = re.fullmatch(r"(?:feet|meters|yards|inches) of (fabric|ribbon|rope|wire|fence|fencing|string|lace|cloth|"
                         r"yarn|trim|wood|cable|material|felt|carpet|tape)", story.final.noun)  # fmt: skip
    if not unit or not match or not value:
        return None
    what, singular = match[1], {"feet": "foot", "inches": "inch"}.get(unit, unit[:-1])
    phrase = story.phrase.replace(story.final.noun, what)
    if "$" not in story.text and story.draws.below(2) and unit != "inches":
        price = story.pick([2, 3, 4, 5, 6])
        return (
            f"The {what} costs ${price} per {singular}. How much does {phrase} cost?",
            [Step(f"It costs {calculated(f'{value}*{price}', money=True)}.")],
            Fraction(value * price),
        )
    if what not in ("fabric", "ribbon", "lace", "cloth", "carpet", "felt", "material") or story.says(
        "square|wide|area"
    ):
        return None
    width = story.pick([2, 3, 4, 5]) if what != "ribbon" and what != "lace" else story.pick([2, 3])
    if unit in ("feet", "yards", "meters") and what in ("ribbon", "lace"):
        return None
    return (
        f"The {what} is {width} {unit} wide. What is the area of {phrase}, in square {unit}?",
        [Step(f"The area is {calculated(f'{value}*{width}')} square {unit}.")],
        Fraction(value * width),
    )


def _paid_hours(story: Story) -> Made | None:
    unit = _unit(story, "hours")
    whole = story.whole
    if unit != story.final.noun or not whole or story.final.verb != "work" or not story.person:
        return None
    if story.final.needed or "$" in story.text:
        return None
    rate = story.pick([9, 10, 12, 14, 15, 16, 18, 20])
    earn = story.verb("earn")
    return (
        f"{capital(story.actor.name)} {earn} ${rate} an hour. How much money {story.asked('earn')} in {story.phrase}?",
        [Step(f"{capital(story.actor.pronoun)} {earn} {calculated(f'{whole}*{rate}', money=True)}.")],
        Fraction(whole * rate),
    )


def _age(story: Story) -> Made | None:
    whole = story.whole
    if story.final.kind != "age" or not whole or not 6 <= whole <= 70:
        return None
    relative = story.pick(["cousin", "neighbor", "best friend"])
    if story.says(f"{relative}|average|cousins?|friends?|neighbors?"):
        return None
    name = story.final.head.removesuffix("'s age")
    spread = max(2, whole // 5)
    mean = whole + story.draws.below(spread) - spread // 2
    other = 2 * mean - whole
    if mean == whole or other < 2 or str(mean) in re.findall(r"[0-9]+", story.text):
        return None
    many = story.draws.below(3) == 0
    if many:
        other = 3 * mean - whole
        each = Fraction(other, 2)
        if each.denominator != 1 or each == whole:
            return None
        return (
            f"{name} has two {relative}s of the same age, and the average age of the three is {mean} years. How old is"
            f" each {relative}?",
            [
                Step(f"The three ages add up to {calculated(f'{mean}*3')} years.", free=True),
                Step(f"The two {relative}s are {calculated(f'{3 * mean}-{whole}')} years old together."),
                Step(f"Each {relative} is {calculated(f'{other}/2')} years old."),
            ],
            each,
        )
    return (
        f"The average age of {name} and {name}'s {relative} is {mean} years. How old is {name}'s {relative}?",
        [
            Step(f"The two ages add up to {calculated(f'{mean}*2')} years.", free=True),
            Step(f"So {name}'s {relative} is {calculated(f'{2 * mean}-{whole}')} years old."),
        ],
        Fraction(other),
    )


MEASURES: tuple[Concept, ...] = (_speed, _trip_fuel, _burned, _reading, _by_length, _paid_hours, _age)
"""Concepts for a measured answer."""
