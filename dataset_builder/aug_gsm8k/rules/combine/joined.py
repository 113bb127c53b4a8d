"""Join two problems whose answers are both needed: one person's earnings and costs, or two people who are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import Final, conjugated, parse_final
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    PRONOUNS,
    amount,
    calculated,
    fault_of_source,
    gender,
    names,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import UNSPENT
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem

PARTNERS = 40
"""Maximum number of partners that are tried."""
MAX_CHARS = 750
"""Longest joined question, in characters."""

_LINKS = ("friends", "neighbors", "cousins", "good friends")
_REPEATED = re.compile(
    r"\b(?:every|each|per|a) (?:day|week|month|year|morning|evening|night|weekend|[A-Z][a-z]+day)\b|\b(?:daily|weekly|"
    r"monthly|yearly)\b"
)
_PERIOD = re.compile(r"\b(?:days?|weeks?|months?|years?|january|april|summer|vacation|entire|today)\b", re.IGNORECASE)


class Single(NamedTuple):
    """A problem about one person.

    Attributes:
        row: its index.
        final: its final question.
        value: its answer.
        name, pronoun: the person; the pronoun is empty if it is not known.
        lines: its solution without the final answer.
    """

    row: int
    final: Final
    value: Fraction
    name: str
    pronoun: str
    lines: str


class Join(NamedTuple):
    """A joined problem: the question, the solutions without the final answer, the answer, and the partner's index."""

    question: str
    solutions: tuple[str, ...]
    answer: Fraction
    partner: int


@cache
def single(problem: Problem) -> Single | None:
    """Read a problem about one person with a name and a pronoun; None for another problem."""
    final = parse_final(problem.query)
    pronoun = gender(problem.query)
    if final is None or final.needed or final.rest.startswith("can ") or len(problem.query) > 420:
        return None
    found = names(problem.query)
    if len(found) != 1 or fault_of_source(problem):
        return None
    name = next(iter(found))
    subject = final.subject
    if subject not in (name, pronoun) or re.search(rf"\b(?:in|to|from|at|of|the|near|an?) {name}\b", problem.query):
        return None
    first = re.search(rf"\b(?:{name}|he|she|his|her)\b", problem.query, re.IGNORECASE)
    if not first or first[0] != name or re.search(r"\b(?:I|my|we|our|you|your)\b", problem.query):
        return None
    return Single(problem.index, final, problem.answer, name, pronoun, problem.response.rpartition("####")[0].strip())


_LAST: list[tuple[Sequence[Problem], dict[tuple, list[Problem]]]] = []


def _partners(problems: Sequence[Problem]) -> dict[tuple, list[Problem]]:
    """The problems about one person by what they ask for. The result for the last ``problems`` is kept."""
    if not _LAST or _LAST[0][0] is not problems:
        groups: dict[tuple, list[Problem]] = {}
        for problem in problems:
            one = single(problem)
            if one:
                groups.setdefault(_same(one.final), []).append(problem)
                if _is_payment(one.final):
                    groups.setdefault(("paid", one.pronoun, one.final.tense), []).append(problem)
        _LAST[:] = [(problems, groups)]
    return _LAST[0][1]


def _same(final: Final) -> tuple:
    return final.head, final.tense


def _is_payment(final: Final) -> bool:
    return final.kind == "money" and final.verb in ("pay", "spend") and not final.tail


def join(problem: Problem, problems: Sequence[Problem], draws: Draws, paid: bool) -> Join | None:
    """Join a problem with a random partner; None if there is none.

    Args:
        problem: the source.
        problems: all sources.
        draws: random numbers.
        paid: whether the partner's answer is money that the same person spends; else two people are compared.
    """
    one = single(problem)
    if one is None or one.value <= 1:
        return None
    partners = _partners(problems).get(("paid", one.pronoun, one.final.tense) if paid else _same(one.final), [])
    for _ in range(min(PARTNERS, 3 * len(partners))):
        partner = partners[draws.below(len(partners))]
        two = single(partner)
        if two is None or partner.index == problem.index or two.value <= 1:
            continue
        if len(one.final.body) + len(two.final.body) > MAX_CHARS:
            continue
        made = (_paid if paid else _compared)(one, two, draws)
        if made:
            return made
    return None


def _paid(one: Single, two: Single, draws: Draws) -> Join | None:
    """The first answer is money that the person has, the second is money that the same person spends."""
    gain, cost = one.final, two.final
    fits = gain.kind == "money" and gain.verb in ("have", "earn", "get", "receive", "win") and _is_payment(cost)
    if not fits or not one.pronoun or one.pronoun != two.pronoun or gain.tense != cost.tense:
        return None
    if not 1 < one.value / two.value <= 8 or re.search(r"\b(?:earn|paid \$|salary|wage)", cost.body):
        return None
    if _lasting(one) or _lasting(two):
        return None
    text = f"{gain.body} {cost.body}".lower()
    if re.search(r"\b(?:dad|mom|mother|father|parents|savings?|birthday|christmas)\b", text):
        return None
    if re.search(UNSPENT, gain.phrase()):
        return None
    pronoun = PRONOUNS[one.pronoun][0]
    body, lines = (re.sub(rf"\b{two.name}\b", one.name, text) for text in (cost.body, two.lines))
    phrase = gain.phrase(pronoun)
    what = "purchase" if re.search(r"\b(?:buy|buys|bought|purchase|order)", cost.body) else "expense"
    link = f"With {phrase}, {one.name} {conjugated('pay', gain.tense, False)} for the following {what}."
    be = {"past": "was", "future": "will be"}.get(gain.tense, "is")
    ask = f"How much of this money {be} left after the {what}?"
    rest = calculated(f"{amount(one.value)}-{amount(two.value)}", money=True)
    last = f"After the {what}, {rest} {'was' if gain.tense == 'past' else 'is'} left."
    return Join(
        f"{gain.body} {link} {body} {ask}",
        (f"{one.lines}\n{lines}\n{last}", f"{lines}\n{one.lines}\n{last}"),
        one.value - two.value,
        two.row,
    )


def _lasting(each: Single) -> bool:
    """Whether the story tells what happens again and again, and the question does not say for how long."""
    return bool(_REPEATED.search(each.final.body)) and not _PERIOD.search(each.final.tail)


def _compared(one: Single, two: Single, draws: Draws) -> Join | None:
    """Quantities of the same kind of two people: the difference, the sum or the average."""
    a, b = one.final, two.final
    if re.search(r"\b(?:his|her|him)\b", f"{a.tail} {b.tail}") or one.name == two.name:
        return None
    verbs, difference = {a.verb, b.verb}, abs(one.value - two.value)
    if not Fraction(1, 8) < one.value / two.value < 8 or difference <= 1 or a.kind not in ("money", "count"):
        return None
    if verbs & {"take", "end", "be", "use", "need", "owe", "lose"} or _lasting(one) or _lasting(two):
        return None
    alike = (a.verb, a.tail) == (b.verb, b.tail)
    if a.verb == "have" and a.tense == "past" and not a.tail:
        return None
    if alike and (a.kind == "count" or a.verb in ("have", "earn", "spend", "pay")):
        kind = draws.below(3)
        if kind == 1 and a.verb not in ("spend", "pay"):
            return _sum(one, two, draws)
        return (
            _mean(one, two, draws) if kind == 2 and (one.value + two.value) % 2 == 0 else _difference(one, two, draws)
        )
    longest = max(len(a.tail.split()), len(b.tail.split()))
    if a.kind != "money" or longest > 5 or not (verbs <= {"pay", "spend"} or verbs <= {"earn", "get", "receive"}):
        return None
    return _difference(one, two, draws)


def _difference(one: Single, two: Single, draws: Draws) -> Join:
    big, small = (one, two) if one.value > two.value else (two, one)
    noun, unit, money = _counted(one.final)
    how = f"How {'much' if money else 'many'} more {noun}"
    helper = {"past": "did", "future": "will"}.get(one.final.tense, "does")
    ask = f"{how} {helper} {big.name} {_done(big, big.final.verb)} than {small.name}"
    if (big.final.verb, big.final.tail) != (small.final.verb, small.final.tail):
        ask += f" {_done(small, conjugated(small.final.verb, small.final.tense, False))}"
    difference = calculated(f"{amount(big.value)}-{amount(small.value)}", money=money)
    last = f"The difference is {difference}{unit}."
    return _told(one, two, draws, f"{ask}?", last, big.value - small.value)


def _sum(one: Single, two: Single, draws: Draws) -> Join:
    noun, unit, money = _counted(one.final)
    helper = {"past": "did", "future": "will"}.get(one.final.tense, "do")
    how = f"How {'much' if money else 'many'} {noun}"
    ask = f"{how} {helper} {one.name} and {two.name} {_done(one, one.final.verb)} altogether?"
    total = calculated(f"{amount(one.value)}+{amount(two.value)}", money=money)
    last = f"Together, they {conjugated(one.final.verb, one.final.tense, True)} {total}{unit}."
    return _told(one, two, draws, ask, last, one.value + two.value)


def _mean(one: Single, two: Single, draws: Draws) -> Join:
    noun, unit, money = _counted(one.final)
    helper = {"past": "did", "future": "will"}.get(one.final.tense, "do")
    how = f"how {'much' if money else 'many'} {noun}"
    ask = f"On average, {how} {helper} {one.name} and {two.name} {_done(one, one.final.verb)}?"
    total = one.value + two.value
    last = (
        f"The sum is {calculated(f'{amount(one.value)}+{amount(two.value)}', money=money)}{unit}.\n"
        f"The average is {calculated(f'{amount(total)}/2', money=money)}{unit}."
    )
    return _told(one, two, draws, ask, last, total / 2)


def _done(each: Single, verb: str) -> str:
    """A form of a verb with the words after it."""
    return f"{verb} {each.final.tail}".strip()


def _counted(final: Final) -> tuple[str, str, bool]:
    """(the noun, what follows a number of it, whether it is money)."""
    noun = final.head.removeprefix("the ").removesuffix(" that")
    return noun, "" if final.kind == "money" else f" {noun}", final.kind == "money"


def _told(one: Single, two: Single, draws: Draws, ask: str, last: str, answer: Fraction) -> Join:
    """The two stories with a sentence between them that says who the people are to each other."""
    link = f"{one.name} and {two.name} are {_LINKS[draws.below(len(_LINKS))]}."
    return Join(
        f"{one.final.body} {link} {two.final.body} {ask}",
        (f"{one.lines}\n{two.lines}\n{last}", f"{two.lines}\n{one.lines}\n{last}"),
        answer,
        two.row,
    )
