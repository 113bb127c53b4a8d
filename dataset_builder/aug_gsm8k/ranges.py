"""What a number of a question may become, so that the new question describes a sensible world.

The words around the number decide: facts of the world keep their numbers, and ages, heights, speeds, tips and hours of
a day stay usual ones.
"""

from __future__ import annotations

import re
from fractions import Fraction

_FACT = re.compile(
    r"""^(?:
        52[-\s](?:\w+\s)?(?:cards?|deck|weeks) | 7\sdays?\s(?:a|in\sa|per|of\sthe|each|every)\sweek
      | 24\shours\s(?:a|in|per|each) | 60\s(?:minutes|seconds)\s(?:in|per|a|an|equal|is)\b | 12\smonths\b | 365\sdays
      | 36[0-5]\sdegrees | 12\sinches | 16\sounces\s(?:in|per|equal|to|is) | 4\sweeks\s(?:in|per|a)\b
      | (?:28|29|30|31)\sdays\s(?:in|per|a)\b | 5,?280\b | 1,?000\s(?:meters|grams|m|g|ml)\b | 26\sletters | 50\sstates
      | 100\s?(?:%|percent|points|cents|pennies|meter|centimeters|cm)
      | [0-9]+[-\s](?:\w+\s)?(?:legs?|legged|eyes?|eyed|ears?|wheels?|wheelers?|wheeled|wings?|fingers?|toes?|tires?|
          tyres?|paws?|arms?|tentacles?|horns?|sides?|corners?|strings?|hooves|humps?|hands?|feet\slong\slegs|teeth|
          innings?|quarters?|halves|holes?|periods?|players?\s(?:on|per|in)|parents?|grandparents?|husbands?|wives|
          moms?|dads?|mothers?|fathers?|moons?|planets?|continents?|seasons|vertices|angles?|bits?|
          yards?\s(?:in|is)|feet\s(?:in|is|equal)|quarts?\s(?:in|per)|cups?\s(?:in|per)\sa|
          gallons?\s(?:in|is)|centimeters?\s(?:in|is|equal)|meters?\s(?:in|is|equal)|
          minutes?\s(?:in\san|per\san|long\sis)|hours?\sin\sa|days?\sin|weeks?\sin|months?\sin|years?\sin|ounces?\sin)\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""A number and what follows it: facts of the world, and bodies and games whose parts have fixed numbers."""
_FACT_BEFORE = re.compile(
    r"(?:\bthere (?:are|is)|\bhas|\bequals|\bis equal to|\bcontains|\b1 \w+ (?:is|=|equals)|\beach \w+ is) $",
    re.IGNORECASE,
)
_UNIT_FACT = re.compile(
    r"^[0-9,.]+ (?:minutes|seconds|hours|days|weeks|months|years|inches|feet|ounces|pounds|grams|centimeters|meters|"
    r"cups|pints|quarts|milliliters|mL|kilograms|cents|pennies|nickels|dimes) (?:in|per|to|make|equal|are in|is) "
    r"(?:a|an|one|the|each|every|1)\b"
)
_NAMED = re.compile(
    r"(?:\b(?:standard|classic|regular|area code|model|flight|bus|number|apartment|unit) )$", re.IGNORECASE
)

_SHARES = [
    (re.compile(r"\b(?:tips?|tipp\w+|gratuity|service)\b"), 10, 25),
    (re.compile(r"\b(?:tax|taxes|vat)\b"), 4, 25),
    (re.compile(r"\b(?:interest|inflation|annually|return)\b"), 2, 20),
    (re.compile(r"\b(?:commission|fees?|royalt\w+)\b"), 3, 30),
    (re.compile(r"\b(?:discount\w*|off|sale|coupon|cheaper|rebate|markdown|reduced)\b"), 5, 60),
    (re.compile(r"\b(?:rais\w+|increas\w+|rose|rise|grow\w*|grew|bonus)\b"), 4, 60),
    (
        re.compile(r"\b(?:iron|vitamin|battery|alcohol|fat|pass|grade|score\w*|exam|test|accura\w+|humid\w+|water)\b"),
        10,
        95,
    ),
]
"""Words of a sentence, and the usual range of a percentage in it. A range applies if the old value is in it."""

_FACTORS = [
    (r"[- ]?(?:feet|foot|inch|inches|cm|centimeters?|m|meters?|ft)\b[^.?!]{0,14}\b"
     r"(?:tall|high|height|taller|shorter|deep)",
     "0.8", "1.2", 10_000),
    (r"[- ]?(?:years?[- ]old|years of age|year-old|years older|years younger)\b", "0.75", "1.3", 95),
    (r" ?(?:mph|kph|km/h|km/hr|kmph|mi/h|(?:miles?|kilometers?|km|feet|meters?) "
     r"(?:per|an|a|each|every) (?:hour|minute|second))\b",
     "0.75", "1.3", 10_000),
    (r"[- ]?(?:pounds?|lbs?|kgs?|kilograms?|kilos?|tons?|stone|grams?|ounces?|oz)\b", "0.7", "1.4", 10**9),
    (r"[- ]?(?:\w+ )?(?:square|sq|cubic)\b", "0.7", "1.4", 10**9),
    (r"[- ]?(?:inch(?:es)?|cm|mm|centimeters?|millimeters?|feet|foot|ft|yards?|meters?|m|miles?|km|kilometers?)\b",
     "0.7", "1.4", 10**9),
    (r" (?:more |extra |full |whole |school |business )?(?:days|times) (?:a|per|each|every) week\b", "0.5", "1.6", 7),
    (r" (?:\w+ )?times (?:a|per|each|every) (?:day|night)\b", "0.5", "1.6", 6),
    (r" (?:\w+ )?(?:meals?|cups?|glasses|snacks?|bottles?|cans?|pills?|tablets?|cigarettes?|showers?|walks?|feedings?)"
     r"(?: of \w+)? (?:a|per|each|every) (?:day|night)\b", "0.6", "1.5", 8),
    (r"[- ]?(?:\w+ )?hours?(?: of \w+| \w+ing)? (?:a|per|each|every) (?:day|night|weekday|school day|work ?day)\b",
     "0.6", "1.4", 11),
    (r"[- ]?(?:\w+ )?hours?(?: \w+)? (?:on|in|every|each|per|a) (?:mon|tues|wednes|thurs|fri|satur|sun|week)",
     "0.6", "1.4", 40),
    (r"[- ]?hours? (?:of sleep|long|shifts?)", "0.7", "1.3", 12),
    (r"[- ]?hours?\b", "0.6", "1.5", 24),
    (r"[- ]?(?:minutes?|mins?|seconds?)\b", "0.6", "1.5", 59),
    (r"[- ]?days?\b", "0.6", "1.6", 30),
    (r"[- ]?weeks?\b", "0.6", "1.6", 51),
    (r"[- ]?months?\b", "0.6", "1.5", 12),
    (r"[- ]?years?\b", "0.7", "1.4", 90),
    (r"[- ]?inch(?:es)?\b", "0.7", "1.4", 11),
    (r" (?:\w+ )?(?:children|kids|brothers|sisters|siblings|sons|daughters|grandchildren|cousins|nephews|nieces|aunts|"
     r"uncles|dogs|cats|puppies|kittens|pets|babies|wives|best friends|bedrooms|bathrooms|cars|houses|computers|jobs|"
     r"horses|cows|goats)\b", "0.5", "1.7", 10**9),
    (r" (?:classes|courses|subjects|semesters|rooms|floors|stories|levels|meals|teachers|doctors|drivers|adults)\b",
     "0.6", "1.6", 10**9),
    (r"[- ](?:piece|pack|ounce|gallon|liter|page|pound|person|seat|passenger|mile|acre|story|floor|"
     r"week|month|year|minute)\b",
     "0.6", "1.6", 10**9),
]  # fmt: skip
_RULES = [(re.compile("^" + after), Fraction(low), Fraction(high), most) for after, low, high, most in _FACTORS]
"""What follows a number -> lowest and highest factor, and the largest new value.

The first rule whose pattern fits applies, if the old value is not larger than its largest one.
"""
_AGE = re.compile(
    r"(?:\bage[ds]? (?:of )?|\bturn(?:ed|s|ing)? |\b(?:is|was|are|be) (?:now |currently )?)$", re.IGNORECASE
)
_AGE_AFTER = re.compile(r"^(?:[.,;?!]| and\b| now\b| when\b| while\b| years\b|$)")
_SENTENCE = re.compile(r"[.?!]\s")
LOW, HIGH = Fraction(11, 20), Fraction(9, 5)
"""Lowest and highest factor of a number that no rule names."""


def is_fact(text: str, start: int, end: int) -> bool:
    """Whether the number ``text[start:end]`` is a fact of the world or a name, which must not change."""
    before, here = text[:start], text[start:]
    return bool(
        _FACT.match(here) or _UNIT_FACT.match(here) or _NAMED.search(before)
        or (_FACT_BEFORE.search(before) and re.match(r"[0-9,.]+ \w+ (?:in|per|to) (?:a|an|one|each|every)\b", here)
            and re.match(r"[0-9,.]+ (?:minutes|seconds|hours|days|weeks|months|inches|feet|ounces|grams|cups)", here))
    )  # fmt: skip


def percent_range(text: str, start: int, end: int, value: Fraction) -> tuple[Fraction, Fraction]:
    """(lowest, highest) new value of a percentage below 100."""
    around = sentence(text, start, end).lower()
    low = max(Fraction(2), value / 2)
    high = min(Fraction(95), value * 2) if value <= 45 else (100 + value) / 2
    for pattern, least, most in _SHARES:
        if least <= value <= most and pattern.search(around):
            return max(low, Fraction(least)), min(high, Fraction(most))
    return low, high


def plain_range(text: str, start: int, end: int, value: Fraction, quantum: Fraction) -> tuple[Fraction, Fraction]:
    """(lowest, highest) new value of another number."""
    before, after = text[:start], text[end:]
    money = before.endswith("$")
    low, high = value * LOW, value * HIGH
    if not money and value <= 100 and _AGE.search(before) and _AGE_AFTER.match(after) and re.search(
        r"\b(?:ages?|aged|years? old|older|younger|birthday|year-old|how old)\b", text
    ):  # fmt: skip
        return max(quantum, value * Fraction(3, 4)), min(value * Fraction(13, 10), Fraction(95))
    for pattern, least, most, limit in _RULES:
        if not money and value <= limit and pattern.match(after):
            return max(quantum, value * least), min(value * most, Fraction(limit))
    if value < 10 and value.denominator == 1:
        low, high = max(Fraction(2), value / 2), min(value * 2, Fraction(12))
    if money and re.search(
        r"\b(?:tip|tips|tipped|gratuity|tax|taxes|fee|delivery|shipping)\b", sentence(text, start, end)
    ):
        low, high = value * Fraction(4, 5), value * Fraction(5, 4)
    return max(low, quantum), high


def sentence(text: str, start: int, end: int) -> str:
    """The sentence of ``text[start:end]``."""
    first = max((found.end() for found in _SENTENCE.finditer(text, 0, start)), default=0)
    last = _SENTENCE.search(text, end)
    return text[first : last.start() if last else len(text)]
