"""Conditions on a given number: the price or the wage depends on how many there are. The answer stays the same."""

from __future__ import annotations

import re
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import PRONOUNS, amount, gender, names
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import Given, Restate, expressions, first_line, once
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text


def _times(problem: Problem, price: Fraction) -> Fraction | None:
    """The whole number by which the solution multiplies a price, if this is the only thing it does with it."""
    found = []
    for _, text in expressions(problem):
        numbers = [number for _, _, number in spans(text)]
        if price in numbers:
            if len(numbers) != 2 or text.count("*") != 1 or numbers[0] == numbers[1]:
                return None
            found.append(numbers[0] if numbers[1] == price else numbers[1])
    count = found[0] if len(found) == 1 else Fraction(0)
    return count if count.denominator == 1 and count >= 2 else None


def _limit(count: Fraction, draws: Draws) -> tuple[int, bool] | None:
    """(threshold, whether the count reaches it)."""
    holds = draws.below(5) < 3
    low, high = (max(2, int(count * Fraction(1, 2))), int(count)) if holds else (int(count) + 1, int(count * 2))
    step = 1 if count < 15 else 5 if count < 60 else 10 if count < 300 else 100
    fits = [n for n in range(low, high + 1) if n % step == 0]
    return (fits[draws.below(len(fits))], holds) if fits else None


def _other_price(price: Fraction, higher: bool, draws: Draws) -> Fraction | None:
    """Another price near a price, which is at least half a dollar."""
    step = Fraction(1, 4) if price < 3 else Fraction(1, 2) if price < 8 else Fraction(1) if price < 40 else Fraction(5)
    if price.denominator == 1 and price >= 2:
        step = max(step, Fraction(1, 2)) if price < 5 else max(step, Fraction(1))
    other = price + step * (1 + draws.below(2)) * (1 if higher else -1)
    return other if other >= Fraction(1, 2) else None


def _bulk(problem: Problem, draws: Draws) -> Given | None:
    """Cost $3 each -> cost $3 each for a customer who buys at least 5 of them, and $4 each otherwise."""
    query = problem.query
    match = re.search(
        r"\b(?P<what>[a-z]+s) (?P<verb>cost|costs|are|were|sell for|sold for) (?P<price>\$(?P<number>\d+(?:\.\d\d)?))"
        r" (?P<each>each|apiece)(?=[.,]|$| and\b)",
        query,
    )
    if (
        not match
        or re.search(r"[%]|discount|coupon|\boff\b|\bif\b|at least", query)
        or not once(query, match["number"])
    ):
        return None
    price = Fraction(match["number"])
    count = _times(problem, price)
    limit = _limit(count, draws) if count else None
    if not count or limit is None or re.search(r"(?:dozens?|packs?|boxes|pairs?) of", match["what"]):
        return None
    if not re.search(r"\b(?:buy|buys|bought|purchase[sd]?|order(?:s|ed)?|get|gets|got|needs?|wants?)\b", query):
        return None
    least, holds = limit
    other = _other_price(price, holds, draws)
    if other is None:
        return None
    large, small = (price, other) if holds else (other, price)
    what = match["what"]
    if match.end() < len(query) and query[match.end()] != ".":
        return None
    text = _pick(draws, [
        f"${amount(large)} each for a customer who buys at least {least} of them, and ${amount(small)} each otherwise",
        f"${amount(large)} each if at least {least} of them are bought, and ${amount(small)} each if not",
    ])  # fmt: skip
    check = f"{number_text(count)} is {'at least' if holds else 'less than'} {least}"
    step = _pick(draws, [
        f"{check}, so the {what} cost ${amount(price)} each.",
        f"The number of {what} is {number_text(count)}, and {check}, so the price is ${amount(price)} each.",
        f"Since {check}, each of the {what} costs ${amount(price)}.",
    ])  # fmt: skip
    return Given(match.start("price"), match.end("each"), text, step, first_line(problem, price))


def _pick(draws: Draws, options: list[str]) -> str:
    return options[draws.below(len(options))]


def _purchase(problem: Problem, draws: Draws) -> Given | None:
    """8 pens for $2 each. -> 8 pens, which cost $2 each if at least 5 of them are bought, and $3 each otherwise."""
    query = problem.query
    match = re.search(
        r"\b(?:buys|bought|purchases|purchased|orders|ordered) (?P<count>\d+) (?P<what>(?:[a-z]+ )?[a-z]+s)"
        r"(?P<tail> (?:for|at|that cost|which cost|costing) \$(?P<number>\d+(?:\.\d\d)?) (?:each|apiece))(?=\.)",
        query,
    )
    if not match or re.search(r"%|discount|coupon|\boff\b|at least", query) or not once(query, match["number"]):
        return None
    price, count = Fraction(match["number"]), Fraction(match["count"])
    limit = _limit(count, draws)
    if _times(problem, price) != count or limit is None or count < 3:
        return None
    least, holds = limit
    other = _other_price(price, holds, draws)
    if other is None:
        return None
    large, small = (price, other) if holds else (other, price)
    text = _pick(draws, [
        f", which cost ${amount(large)} each if at least {least} of them are bought, and ${amount(small)} each if not",
        f", at a price of ${amount(large)} each from {least} {match['what']} on, and ${amount(small)} each for fewer",
    ])  # fmt: skip
    check = f"{count} is {'at least' if holds else 'less than'} {least}"
    step = _pick(draws, [
        f"Since {check}, the {match['what']} cost ${amount(price)} each.",
        f"{check}, so the price is ${amount(price)} each.",
    ])  # fmt: skip
    return Given(match.start("tail"), match.end("tail"), text, step, first_line(problem, price))


def _wage(problem: Problem, draws: Draws) -> Given | None:
    """Earns $9 an hour -> earns $9 an hour if she works at least 6 hours, and $8 an hour otherwise."""
    query = problem.query
    match = re.search(
        r"\b(?:earns|makes|is paid|gets paid|earned|made|was paid|charges|charged)"
        r"(?P<pay> \$(?P<number>\d+(?:\.\d\d)?)) (?P<per>an|per|each|every) hour(?=\.)",
        query,
    )
    pronoun, hours = gender(query), re.findall(r"(?<![\d.,-])(\d+) hours\b", query)
    if not match or not pronoun or len(hours) != 1 or len(names(query)) != 1 or not once(query, match["number"]):
        return None
    wage, count = Fraction(match["number"]), Fraction(hours[0])
    if _times(problem, wage) != count or re.search(r"%|overtime|bonus|\bif\b|per day|a day|each day|a week", query):
        return None
    limit = _limit(count, draws)
    if limit is None or not once(query, hours[0]):
        return None
    least, holds = limit
    other = _other_price(wage, not holds, draws)
    if other is None:
        return None
    large, small = (wage, other) if holds else (other, wage)
    past = match[0].split()[0] in ("earned", "made", "was", "charged")
    who = PRONOUNS[pronoun][0]
    if match[0].startswith("charge"):
        large, small = min(large, small), max(large, small)
        if (large == wage) != holds:
            return None
    text = f" ${amount(large)} an hour if {who} {'worked' if past else 'works'} at least {least} hours, and"
    text += f" ${amount(small)} an hour otherwise"
    check = f"{count} hours is {'at least' if holds else 'less than'} {least} hours"
    step = f"Since {check}, the pay is ${amount(wage)} an hour."
    return Given(match.start("pay"), match.end(), text, step, first_line(problem, wage))


GIVEN: tuple[Restate, ...] = (_bulk, _purchase, _wage)
"""Conditions on a given number."""
