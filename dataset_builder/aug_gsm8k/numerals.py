"""Find the numbers in a GSM8K problem: which may change, in which range, and how to write a new value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.ranges import is_fact, percent_range, plain_range

_DIGITS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+\.[0-9]+|(?<![0-9])\.[0-9]+|[0-9]+")

_WORDS: dict[str, tuple[str, ...]] = {
    "zero|none|nothing": ("0",),
    "one|once|single|himself|herself|themselves|themself|myself|itself": ("1",),
    "two|twice|double[sd]?|doubling|both|pairs?|couples?|half|halves|halved|halfway|twins?|second": ("2", "1/2"),
    "three|thrice|triples?|tripled|thirds?|triplets": ("3", "1/3", "2/3"),
    "four|fourths?|quarters?|quadruples?|quadrupled": ("4", "1/4", "3/4"),
    "five|fifths?": ("5", "1/5"),
    "six|sixths?": ("6", "1/6"),
    "seven|sevenths?": ("7", "1/7"),
    "eight|eighths?": ("8", "1/8"),
    "nine|ninths?": ("9", "1/9"),
    "ten|tenths?": ("10", "1/10"),
    "eleven": ("11",),
    "twelve|dozens?": ("12",),
    "thirteen": ("13",),
    "fourteen": ("14",),
    "fifteen": ("15",),
    "sixteen": ("16",),
    "seventeen": ("17",),
    "eighteen": ("18",),
    "nineteen": ("19",),
    "twenty": ("20",),
    "thirty": ("30",),
    "forty": ("40",),
    "fifty": ("50",),
    "sixty": ("60",),
    "seventy": ("70",),
    "eighty": ("80",),
    "ninety": ("90",),
    "hundreds?|century|centuries": ("100",),
    "thousands?": ("1000",),
    "millions?": ("1000000",),
}
"""Number words, as a regular expression, and the values that a solution may write for them."""

_UNITS: list[tuple[str, str, tuple[str, ...]]] = [
    ("week|weeks|weekly", "", ("7",)),
    ("weekdays?|workdays?|school days?|working days?", "", ("5",)),
    ("weekends?", "", ("2",)),
    ("days?|daily|nights?", "hours?|hourly", ("24",)),
    ("years?|yearly|annual|annually", "weeks?|weekly", ("52",)),
    ("years?|yearly|annual|annually|months?|monthly", "months?|monthly|years?|yearly|annual|annually", ("12",)),
    ("years?|yearly|annual|annually", "days?|daily|nights?|morning", ("365",)),
    ("months?|monthly", "days?|daily|nights?|morning|everyday", ("30",)),
    ("january|march|may|july|august|october|december", "days?|daily|nights?|morning|everyday", ("31",)),
    ("april|june|september|november", "days?|daily|nights?|morning|everyday", ("30",)),
    ("february", "days?|daily|nights?|morning|everyday", ("28", "29")),
    ("hours?|hourly", "minutes?", ("60",)),
    ("minutes?", "seconds?", ("60",)),
    ("hours?|hourly", "seconds?", ("3600",)),
    ("feet|foot", "inch|inches", ("12",)),
    ("yards?", "feet|foot", ("3",)),
    ("yards?", "inch|inches", ("36",)),
    ("miles?", "feet|foot", ("5280",)),
    ("pounds?", "ounces?", ("16",)),
    ("tons?", "pounds?", ("2000",)),
    ("tons?", "kilograms?|kgs?|kilos?", ("1000",)),
    ("gallons?", "quarts?", ("4",)),
    ("gallons?", "pints?", ("8",)),
    ("gallons?", "cups?", ("16",)),
    ("gallons?", "ounces?", ("128",)),
    ("quarts?", "pints?", ("2",)),
    ("pints?", "cups?", ("2",)),
    ("kilometers?|km", "meters?|m", ("1000",)),
    ("kilograms?|kgs?|kilos?", "grams?|g", ("1000",)),
    ("grams?|g", "milligrams?|mg", ("1000",)),
    ("liters?|litres?", "milliliters?|ml", ("1000",)),
    ("meters?|m", "centimeters?|cm", ("100",)),
    ("dollars?|cents?", "", ("100",)),
    ("percent|percentage", "", ("100", "0.01")),
    ("quarters?", "cents?|dimes?|nickels?|coins?|penny|pennies|dollars?", ("25",)),
    ("dimes?", "", ("10",)),
    ("nickels?", "", ("5",)),
    ("penny|pennies", "", ("1",)),
    ("decades?", "", ("10",)),
    ("squares?|rectangles?|rectangular|perimeter", "sides?|perimeter|around", ("4", "2")),
    ("triangles?|triangular", "sides?|perimeter|area", ("3", "2")),
    ("round trip|there and back|back and forth|each way", "", ("2",)),
    ("average", "two|both", ("2",)),
]
"""Unit pairs: if a text contains both words, its solution may use the constants without naming them."""


def _pattern(words: str) -> re.Pattern:
    return re.compile(rf"\b(?:{words})\b")


_WORD_PATTERNS = [(_pattern(words), tuple(map(Fraction, values))) for words, values in _WORDS.items()]
_UNIT_PATTERNS = [(_pattern(one), _pattern(two), set(map(Fraction, values))) for one, two, values in _UNITS]
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)

_NAMED = (
    r"books?|box(?:es)?|channel|chapters?|class|day|grades?|group|highway|interstate|lane|level|month|no\.|numbers?|"
    r"pages?|phase|quarter|room|route|season|size|stage|steps?|table|team|type|week|year|at|"
    r"january|february|march|april|may|june|july|august|september|october|november|december"
)
_FIXED_BEFORE = re.compile(
    rf"""(?:
        [0-9](?:\s?[-\u2013/:]\s?|[ ]to[ ])\$?             # a range, a fraction, a ratio, a time
      | \b[0-9]+[ ]                                       # a mixed number
      | \# | [A-Za-z]-
      | \b(?:{_NAMED})[ ]                                 # Book 1, grade 4, at 7
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
_FIXED_AFTER = re.compile(
    r"""^(?:
        \s?[-\u2013/:]\s?[0-9] | \s?/ | \s[0-9]           # a range, a fraction, a ratio, a time, a mixed number
      | \s?(?:am|pm|a\.m|p\.m|o'clock|noon|midnight)\b
      | -?(?:\s?dollar)?\s?bills?\b | -?\s?sided           # banknotes, dice
      | -?\s?(?:hour|day)\b | -?\s?(?:karat|carat)        # a 24-hour clock, a 5-day week
      | [a-z] | \s?[+*=] | \sx\s                          # 4th, 3x; algebra
      | \s(?:out\sof|in\severy|of\severy) | \sto\s\$?[0-9]
      | \s?(?:degrees|\u00b0) | \s(?:bc|ad|lanes?)\b
      | \s(?:millions?|billions?|thousands?|hundreds?|dozens?|and\sa\shalf)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_PERCENT = re.compile(r"^\s?(?:%|percent\b|per cent\b)")
_CENTS = re.compile(r"^(?:-|\s)?cents?\b|^\s?\u00a2")


@dataclass(frozen=True)
class Numeral:
    """A number that is written in digits.

    Attributes:
        start, end: its place in the text.
        value: its exact value.
        kind: ``plain``, ``percent`` or ``cents``.
        fixed: whether it must not change, because it is a date, a time of day, a fraction, an ordinal or a name.
        quantum: new values are multiples of it.
        low, high: the range of new values.
    """

    start: int
    end: int
    value: Fraction
    kind: str = "plain"
    fixed: bool = True
    quantum: Fraction = Fraction(1)
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    def forms(self, value: Fraction) -> dict[str, Fraction]:
        """{form: number} for all ways in which a solution may write the quantity, such as a share or a rest."""
        if self.kind == "plain":
            return {"as it is": value}
        forms = {"as it is": value, "share": value / 100}
        if self.kind == "percent":
            forms |= {"rest": 100 - value, "rest share": 1 - value / 100, "raised": 100 + value}
            forms |= {"raised share": 1 + value / 100}
        return forms


def spans(text: str) -> list[tuple[int, int, Fraction]]:
    """(start, end, value) for every number in digits."""
    return [(m.start(), m.end(), Fraction(m[0].replace(",", ""))) for m in _DIGITS.finditer(text)]


def word_spans(text: str) -> list[tuple[int, int, tuple[Fraction, ...]]]:
    """(start, end, values) for every number word."""
    found = []
    for match in _WORD.finditer(text):
        word = match[0].lower()
        found.append((match.start(), match.end(), next(v for p, v in _WORD_PATTERNS if p.fullmatch(word))))
    return found


def constants(text: str) -> set[Fraction]:
    """The constants that a text explains by number words and units."""
    text = text.lower()
    found = {value for pattern, values in _WORD_PATTERNS if pattern.search(text) for value in values}
    found = found.union(*(values for one, two, values in _UNIT_PATTERNS if one.search(text) and two.search(text)))
    if "%" in text:
        found |= {Fraction(100), Fraction(1, 100)}
    return found


def question_numerals(question: str) -> list[Numeral]:
    """All numbers in digits of a question, in order, with the ranges of their new values."""
    return [_numeral(question, *span) for span in spans(question)]


def _numeral(text: str, start: int, end: int, value: Fraction) -> Numeral:
    """Decide from the words around a number whether it may change, and in which range."""
    before, after = text[:start], text[end:]
    bare = before.rstrip("$")
    clean = bare == before or before.endswith("$")
    year = value.denominator == 1 and 1800 <= value <= 2100 and "," not in text[start:end] and bare == before
    if (
        not clean or year or value <= 1 or re.search(r"[\w.,-]$", bare) or is_fact(text, start, end)
        or _FIXED_BEFORE.search(before) or _FIXED_AFTER.match(after)
    ):  # fmt: skip
        return Numeral(start, end, value)
    if _PERCENT.match(after):
        if value.denominator != 1 or value >= 100:
            return Numeral(start, end, value, "percent")
        step = Fraction(5 if value % 5 == 0 else 1)
        return Numeral(start, end, value, "percent", False, step, *percent_range(text, start, end, value))
    kind = "cents" if _CENTS.match(after) else "plain"
    quantum = _quantum(value)
    low, high = plain_range(text, start, end, value, quantum)
    if value.denominator == 1:
        low = max(low, Fraction(2))
    if kind == "cents":
        high = min(high, Fraction(95))
    return Numeral(start, end, value, kind, False, quantum, low, high)


def _quantum(value: Fraction) -> Fraction:
    """The coarsest grid that contains the value, so that prices stay prices and round numbers stay round."""
    if value.denominator != 1:
        grids = (Fraction(1, 2), Fraction(1, 4), Fraction(1, 10), Fraction(1, 20), Fraction(1, 100), Fraction(1, 1000))
        return next((grid for grid in grids if (value / grid).denominator == 1), Fraction(1, value.denominator))
    for grid, least in ((1000, 10_000), (100, 1000), (50, 300), (10, 100), (5, 20)):
        if value >= least and value % grid == 0:
            return Fraction(grid)
    return Fraction(1)


def written(value: Fraction, like: str) -> str | None:
    """Write a value in the style of an old number: with its commas, its decimals, and its leading point.

    Returns:
        The text. None if the value is negative, or needs more than two decimals and more than the old number has.
    """
    decimals = len(like.partition(".")[2])
    places = next((p for p in range(max(2, decimals) + 1) if (value * 10**p).denominator == 1), None)
    if places is None or value < 0:
        return None
    # 2.50 keeps two decimals, 0.5 may become 0.25, and 12 does not become 12.50.
    places = max(places, decimals) if decimals >= 2 or places > 1 else places
    whole, part = divmod(int(value * 10**places), 10**places)
    head = f"{whole:,}" if "," in like else str(whole)
    if not places:
        return head
    return f"{'' if like.startswith('.') and not whole else head}.{part:0{places}d}"
