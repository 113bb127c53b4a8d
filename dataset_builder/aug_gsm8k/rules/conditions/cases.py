"""Two prices or two wages for two cases. A sentence before the final question says which case it is."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import sentences
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import amount
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Given, Restate, expressions, first_line, once
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

_PER = (
    r"(?: each| apiece| per [a-z]+|"
    r" (?:a|an) (?:pound|gallon|bag|box|bottle|dozen|piece|pack|pair|ticket|kilogram|liter|cup|slice))?"
)
_PRICE = re.compile(
    r"\b(?:sells|costs?|priced)\b[^.$%]{0,25}?(?: for| at|(?<=costs)|(?<=cost))"
    rf"(?P<price> \$(?P<number>\d+(?:\.\d\d)?)(?P<per>{_PER}))(?=[.,])(?!,\d|\.\d)"
)
_WAGE = re.compile(
    r"\b(?:earns?|earned|makes?|made|(?:is|was|gets|got) paid|charges?|charged)"
    r"(?P<price> \$(?P<number>\d+(?:\.\d\d)?)(?P<per> (?:an|per|each|every) hour))(?=[.,])(?!,\d|\.\d)"
)
_OTHER_RULE = re.compile(
    r"%|percent|discount|coupon|\boff\b|\bif\b[^.]*\$|deal|\bsale\b|usual|\bfree\b|member|\bcash\b|\bcards?\b|overtime|"
    r"bonus|\brent|raise|half price",
    re.IGNORECASE,
)
_OUTING = (
    r"tickets?\b|admission|entrance|entry|museum|\bzoo\b|theater|cinema|bowling|skating|\bpool\b|amusement|aquarium"
)
"""What may have another price on weekends, as a regular expression."""
_TIME = (
    r"after|later|then\b|acres?|day|week|month|year|night|morning|evening|noon|tomorrow|hours|a\.m|p\.m|\bam\b|\bpm\b"
)


class Case(NamedTuple):
    """Two cases of a rule.

    Attributes:
        one, two: words behind the price of each case.
        is_one, is_two: sentences that say which case it is; ``{is}`` stands for "is" or "was".
        because_one, because_two: the reasons in the solution.
        unless: words of a question that the rule does not fit, as a regular expression.
        cheaper: whether the price of the first case is the lower one.
        part: the prices differ by about this part of the price, or by less.
    """

    one: str
    two: str
    is_one: str
    is_two: str
    because_one: str
    because_two: str
    unless: str
    cheaper: bool = False
    part: int = 3


_CASH = Case(
    "if the customer pays in cash", "otherwise", "Everything {is} paid in cash.", "Everything {is} paid by card.",
    "everything {is} paid in cash", "everything {is} paid by card and not in cash",
    r"bills?\b|coins?\b|change\b|worth|earn|sav(?:e|ing)|rais(?:e|ing)|\bsells?\b|\bsold\b|selling|profit|charges?\b",
    True, 12,
)  # fmt: skip
_CLUB = Case(
    "for members of the customer club", "for everybody else", "The customer {is} a member of the club.",
    "The customer {is} not a member of the club.", "the customer {is} a member", "the customer {is} not a member",
    r"customers?|club|brother|sister|friends\b|each of|everyone|people|worth|sells?\b|sold", True,
)  # fmt: skip
_WEEKEND = Case(
    "on weekends", "on other days", "All of this {happens} on a {weekend}.", "All of this {happens} on a {weekday}.",
    "a {weekend} {is} a day of the weekend", "a {weekday} {is} not a day of the weekend", _TIME,
)  # fmt: skip
_SHIFT = Case(
    "for work during the day", "for work at night", "All of this work {is} done during the day.",
    "All of this work {is} done at night.", "the work {is} done during the day", "the work {is} done at night",
    r"night|morning|afternoon|evening|noon|a\.m|p\.m|\bam\b|\bpm\b|babysit|lesson|tutor|classes|24",
)  # fmt: skip
_WEEKDAYS = Case(
    "from Monday to Friday", "on weekends", "All of this work {is} done from Monday to Friday.",
    "All of this work {is} done on weekends.", "the work {is} done from Monday to Friday",
    "the work {is} done on weekends", r"day|week|month|year|night",
)  # fmt: skip


def _stated(problem: Problem, draws: Draws, pattern: re.Pattern, case: Case, what: str) -> Given | None:
    """Give a price or a wage for two cases, and say which case it is."""
    query = problem.query
    last = sentences(query)[-1]
    begin = len(query) - len(last)
    if "  " in query or "\n" in query or not last.endswith("?") or "?" in query[:begin]:
        return None
    if _OTHER_RULE.search(query) or re.search(case.unless, query, re.IGNORECASE):
        return None
    found = [match for match in pattern.finditer(query) if match.end() < begin and _usable(problem, match["number"])]
    if len(found) != 1:
        return None
    match, holds = found[0], draws.below(2) == 0
    price = Fraction(match["number"])
    other = _other(price, draws, holds if case.cheaper else bool(draws.below(2)), case.part)
    one, two = (price, other) if holds else (other, price)
    per = match["per"]
    past = bool(re.search(r"\b(?:did|was|were|had)\b", last))
    words = {
        "is": "was" if past else "is",
        "happens": "happened" if past else "happens",
        "weekend": ("Saturday", "Sunday")[draws.below(2)],
        "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday")[draws.below(4)],
    }
    text = f" ${amount(one)}{per} {case.one} and ${amount(two)}{per} {case.two}"
    fact = (case.is_one if holds else case.is_two).format(**words)
    because = (case.because_one if holds else case.because_two).format(**words)
    ends = f"so the {what} {words['is']} ${amount(price)}{per}."
    step = f"{because[0].upper()}{because[1:]}, {ends}"
    if draws.below(2):
        step = f"Since {because}, {ends.removeprefix('so ')}"
    middle = query[match.end("price") : begin].rstrip()
    return Given(match.start("price"), begin, f"{text}{middle} {fact} ", step, first_line(problem, price))


def _usable(problem: Problem, number: str) -> bool:
    """Whether a price of at least two dollars stands once in the question and is used by the solution."""
    value = Fraction(number)
    used = any(value == other for _, text in expressions(problem) for _, _, other in spans(text))
    return value >= 2 and used and once(problem.query, number)


def _other(price: Fraction, draws: Draws, higher: bool, part: int) -> Fraction:
    """Another price, higher or lower by about this part of the price, or by less."""
    small = price < 2 * part or price.denominator > 1
    grid = Fraction(1, 2) if small else Fraction(1) if price < 16 * part else Fraction(5)
    change = max(grid, grid * round(price / (part + draws.below(6)) / grid))
    return price + change if higher else max(price - change, Fraction(1, 2))


_BUYS = r"\b(?:buys?|bought|spends?|spent|pays?|paid|purchase[sd]?)\b"


def cash(problem: Problem, draws: Draws) -> Given | None:
    """Costs $3 -> costs $3 if the customer pays in cash and $4 otherwise."""
    last = sentences(problem.query)[-1]
    if not re.search(r"\b(?:spend|pay|cost|bill|left|spent|paid)\b", last) or not re.search(_BUYS, problem.query):
        return None
    return _stated(problem, draws, _PRICE, _CASH, "price")


def club(problem: Problem, draws: Draws) -> Given | None:
    """Costs $3 -> costs $3 for members of the customer club and $4 for everybody else."""
    if not re.search(r"\b(?:buys|bought|spends?|spent|purchase[sd])\b", problem.query):
        return None
    return _stated(problem, draws, _PRICE, _CLUB, "price")


def weekend(problem: Problem, draws: Draws) -> Given | None:
    """Costs $3 -> costs $3 on weekends and $4 on other days."""
    if not re.search(_OUTING, problem.query, re.IGNORECASE):
        return None
    return _stated(problem, draws, _PRICE, _WEEKEND, "price")


def shift(problem: Problem, draws: Draws) -> Given | None:
    """Earns $9 an hour -> earns $9 an hour for work during the day and $11 an hour for work at night."""
    return _stated(problem, draws, _WAGE, _SHIFT, "rate")


def weekdays(problem: Problem, draws: Draws) -> Given | None:
    """Earns $9 an hour -> earns $9 an hour from Monday to Friday and $11 an hour on weekends."""
    return _stated(problem, draws, _WAGE, _WEEKDAYS, "rate")


CASES: tuple[Restate, ...] = (cash, club, weekend, shift, weekdays)
"""Rules for two cases."""
