"""Conditions in a sentence before the final question, which stays as it is: discounts of a shop, fees for cards."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import sentences
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import amount, calculated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import is_rest, thresholds
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import Pair
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import Share, shares_of
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text

_NOT_TOTAL = re.compile(
    r"\b(?:each|per|every|more|less|left|than|change|percent\w*|average|saves?|saved|difference|single|single|one|apiece|"
    r"individual\w*|daily|weekly|monthly|yearly|annual\w*|week|month|year|day|hour|back|cheaper|cheapest|need|still|if|"
    r"after|before|remaining|would|should|could|profit|tax|taxes|tip|discount|interest|rent|loan|share|invest\w*|owe|"
    r"a pound|a gallon|originally|initially|including|only|extra|additional)\b|%"
)
_COST = re.compile(r"^(?:how much|what|calculate|find)\b.*\b(?:spend|pay|cost|bill|spent|paid)\b", re.IGNORECASE)
_NO_SHOP = re.compile(
    r"%|\b(?:rent|discounts?|coupons?|fees?|salary|wages?|loans?|interest|off|tips?|delivery|shipping|tax(?:es)?|percent|"
    r"deals?|free|sale|offers?|budget|hours?|months?|monthly|budgeted|mortgage|insurance|tuition|bills?|utilities|"
    r"electricity|fine|ticket|sells?|sold|selling|park|ride|trip|worth|restaurants|stores|shops|weeks?|years?|daily|auction|wedding|hotel|"
    r"a day|per day|every|each (?:day|morning|week))\b",
    re.IGNORECASE,
)
_SHOP = re.compile(r"\b(?:store|shop|supermarket|bookstore|shopping)\b", re.IGNORECASE)
_BUY = re.compile(r"\b(?:buys?|bought|buying|purchase[sd]?|orders?|ordered)\b", re.IGNORECASE)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _pick(draws: Draws, options: list[str]) -> str:
    return options[draws.below(len(options))]


def _split(problem: Problem) -> tuple[str, str] | None:
    """(the story, the final question) of a problem whose last sentence asks for what is paid in a shop."""
    text = " ".join(problem.query.split())
    parts = sentences(text)
    last = parts[-1]
    body = text[: len(text) - len(last)].strip()
    if len(parts) < 2 or body[-1:] not in ".!" or not last.endswith(("?", ".")) or "?" in body:
        return None
    if not _COST.search(last) or _NOT_TOTAL.search(last) or "$" not in text or _NO_SHOP.search(text):
        return None
    part = re.search(r"\b(?:on|for) (?!all|everything|both|them all|these|the)", last)
    if problem.answer < 5 or not _BUY.search(text) or part or is_rest(problem):
        return None
    return body, last


def _built(problem: Problem, parts: tuple[str, str], sentence: str, steps: list[str], answer: Fraction) -> Pair:
    before = problem.response.rpartition("####")[0].strip()
    return Pair(f"{parts[0]} {sentence} {parts[1]}", ("\n".join([before, *steps, f"#### {number_text(answer)}"]),))


def _cut(problem: Problem, draws: Draws) -> tuple[Fraction, Share | None] | None:
    """(dollars off, the share that they are, if it is given as one), or None if no discount fits."""
    shares = shares_of(problem.answer, 0.05, 0.25, money=True, percent=True)
    fits = [n for n in (2, 3, 5, 8, 10, 15, 20, 25, 50) if problem.answer / 12 <= n <= problem.answer / 4]
    if shares and (draws.below(2) or not fits):
        share = shares[draws.below(len(shares))]
        return share.value * problem.answer, share
    if not fits:
        return None
    return Fraction(fits[draws.below(len(fits))]), None


def _reduced(problem: Problem, cut: Fraction, share: Share | None) -> list[str]:
    """The steps for a discount."""
    total = amount(problem.answer)
    first = [f"The discount is {share.of(problem.answer, True)}."] if share else []
    return [*first, f"With the discount, the total is {calculated(f'{total}-{amount(cut)}', True)}."]


def from_total(problem: Problem, draws: Draws) -> Pair | None:
    """A discount for purchases from a total on."""
    parts = _split(problem)
    near = thresholds(problem.answer)
    if parts is None or not near:
        return None
    limit = Fraction(near[draws.below(len(near))])
    found = _cut(problem, draws)
    if found is None:
        return None
    cut, share = found
    words = share.words if share else f"${amount(cut)}"
    more = _pick(draws, ["more than", "at least"])
    holds = problem.answer > limit
    shop = _SHOP.search(parts[0])
    total, threshold = f"${amount(problem.answer)}", f"${amount(limit)}"
    options = [
        f"Customers who spend {more} {threshold} in total get {words} off the whole purchase.",
        f"If the total is {more} {threshold}, {words} is taken off the bill.",
        f"There is a discount of {words} if the whole purchase costs {more} {threshold}.",
    ]
    if shop and shop[0].lower() != "shopping":
        options += [f"The {shop[0].lower()} takes {words} off any bill of {more} {threshold}."]
    sentence = _pick(draws, options)
    if holds:
        first = _pick(draws, [f"Since {total} is {more} {threshold}, the discount applies.",
                              f"{total} is {more} {threshold}, so the condition for the discount holds."])  # fmt: skip
        return _built(problem, parts, sentence, [first, *_reduced(problem, cut, share)], problem.answer - cut)
    opposite = "less than" if more == "at least" else "not more than"
    first = _pick(draws, [
        f"Since {total} is {opposite} {threshold}, there is no discount, and the total stays {total}.",
        f"{total} is {opposite} {threshold}, so the condition for the discount does not hold. The total is {total}.",
    ])  # fmt: skip
    return _built(problem, parts, sentence, [first], problem.answer)


def on_a_day(problem: Problem, draws: Draws) -> Pair | None:
    """A discount on one day of the week."""
    parts = _split(problem)
    if parts is None or any(day in problem.query for day in _DAYS) or not _SHOP.search(parts[0]):
        return None
    if re.search(r"\b(?:today|tomorrow|yesterday|day)\b", problem.query, re.IGNORECASE):
        return None
    holds = draws.below(5) < 3
    special = draws.below(7)
    actual = special if holds else (special + 1 + draws.below(6)) % 7
    found = _cut(problem, draws)
    if found is None:
        return None
    cut, share = found
    words = share.words if share else f"${amount(cut)}"
    past = bool(re.search(r"\b(?:did|was|were|spent|paid)\b", parts[1]))
    is_ = "was" if past else "is"
    sentence = _pick(draws, [
        f"On {_DAYS[special]}s, all customers {'got' if past else 'get'} {words} off the whole bill, and the purchase"
        f" {is_} made on a {_DAYS[actual]}.",
        f"If a purchase {is_} made on a {_DAYS[special]}, {words} {is_} taken off the total. The day of the purchase"
        f" {is_} a {_DAYS[actual]}.",
    ])  # fmt: skip
    if holds:
        first = f"It {is_} a {_DAYS[actual]}, so the discount applies."
        return _built(problem, parts, sentence, [first, *_reduced(problem, cut, share)], problem.answer - cut)
    total = f"${amount(problem.answer)}"
    first = f"It {is_} a {_DAYS[actual]} and not a {_DAYS[special]}, so there {is_} no discount. The total is {total}."
    return _built(problem, parts, sentence, [first], problem.answer)


def fee_below(problem: Problem, draws: Draws) -> Pair | None:
    """A fee for card payments below a total."""
    parts = _split(problem)
    near = thresholds(problem.answer)
    if parts is None or not near or problem.answer > 200 or re.search(r"\bcards?\b", problem.query):
        return None
    limit, fee = near[draws.below(len(near))], 1 + draws.below(3)
    holds = problem.answer < limit
    total = amount(problem.answer)
    sentence = _pick(draws, [
        f"For bills below ${limit}, there is an extra charge of ${fee} for paying by card. This bill is paid by card.",
        f"Paying by card costs ${fee} extra if the bill is below ${limit}, and the whole bill is paid by card.",
    ])  # fmt: skip
    if not holds:
        first = f"Since ${total} is not less than ${limit}, nothing is added, and the total stays ${total}."
        return _built(problem, parts, sentence, [first], problem.answer)
    steps = [f"Since ${total} is less than ${limit}, ${fee} is added.",
             f"With it, the total is {calculated(f'{total}+{fee}', True)}."]  # fmt: skip
    return _built(problem, parts, sentence, steps, problem.answer + fee)


INSERTED: tuple[Callable[[Problem, Draws], Pair | None], ...] = (from_total, on_a_day, fee_below)
"""Conditions that leave the final question as it is."""
