"""A new question with its solutions, and the check that every pair passes, whatever strategy makes it."""

from __future__ import annotations

import re
from typing import NamedTuple

from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotation, evaluate_expression
from arith_puzzle.metrics.gsm8k_answer.score import answer

RULES_VERSION = 4
"""Raise it with every change of the rules that changes a pair. All draws depend on it."""

MAX_QUESTION_CHARS = 1500

FAULTS = {
    "annotation": "an annotation is not exactly right, or there is none",
    "answer": "the answer is not the last result, or is not positive",
    "equation": "an equation outside the annotations does not hold",
    "question": "the question does not end like one, or is longer than 1,500 characters",
    "article": "'a' stands before a number such as 8, or 'an' before a number such as 7",
    "plural": "the number 1 stands before a plural, or another number before a singular",
    "amount": "an amount of money has more than two decimals in the question",
}
"""Reason why a finished pair is dropped -> its meaning, in the order of the checks."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_EQUATION = re.compile(
    r"((?:[0-9(]|\.[0-9])[0-9.()+\-*/ ]*[0-9)]) *= *(-?[0-9]+(?:\.[0-9]+)?)"
    r"(?![0-9.]| *[/+*x-] *[0-9(])"
)
_A_VOWEL = re.compile(r"\b[Aa] (?:8|11|18|8[0-9]|8[0-9]{2}|8,[0-9]{3}|1[18],[0-9]{3})(?![0-9.,/])")
_AN_CONSONANT = re.compile(r"\b[Aa]n \$?(?:[0-79]|1[0-79]|[2-79][0-9]+|1[0-9]{2,3})(?![0-9.,/])")
_SINGULARS = (
    "apple|book|boy|box|bag|bottle|cat|child|cookie|day|dog|dollar|egg|friend|girl|hour|kid|man|marble|mile|minute|"
    "month|orange|page|pen|pencil|person|piece|second|star|student|ticket|toy|tree|week|woman|year"
)
_ONE_PLURAL = re.compile(
    r"(?<![0-9.,/$:-])(?<!\bto )1 (?:(?:more|other|new|red|blue|green|extra) )?"
    r"(?!is|was|has|of|as|less|this|plus|times)[a-z]+(?<!s)s(?=[ .,?!])"
)
_MANY_SINGULAR = re.compile(
    rf"(?<![0-9.,/$:#-])(?<![A-Za-z] 1 )(?!1 |0\.|1/)[0-9]+ (?:{_SINGULARS})(?=[.,?!]| (?:and|in|on|at|from|is|to)\b)"
)
_MONEY = re.compile(r"\$[0-9,]*\.[0-9]{3,}")


class Pair(NamedTuple):
    """A question, and its solutions: the main one first, then the same steps in other orders."""

    question: str
    solutions: tuple[str, ...]


def fault(question: str, solution: str) -> str | None:
    """Check a finished pair. Returns None, or a key of FAULTS."""
    annotations = _ANNOTATION.findall(solution)
    if not annotations or any(check_annotation(each) != "exact" for each in annotations):
        return "annotation"
    last = evaluate_expression(annotations[-1].rpartition("=")[2])
    if last is None or last <= 0 or answer(solution) != last:
        return "answer"
    if not _equations_hold(solution):
        return "equation"
    if question.rstrip()[-1:] not in ("?", ".") or len(question) > MAX_QUESTION_CHARS:
        return "question"
    for name, pattern in (("article", _A_VOWEL), ("article", _AN_CONSONANT), ("plural", _ONE_PLURAL)):
        if pattern.search(question):
            return name
    if _MANY_SINGULAR.search(question):
        return "plural"
    return "amount" if _MONEY.search(question) else None


def _equations_hold(solution: str) -> bool:
    """Whether the equations outside the annotations hold. Equations with words or units on the left are ignored."""
    plain = re.sub(r"[$,%]", "", _ANNOTATION.sub("", solution).replace("\u00d7", "*").replace("\u00f7", "/"))
    plain = re.sub(r"\.(?=\s|$)", ";", plain)  # the end of a sentence, not a decimal point
    plain = re.sub(r"(?<=[0-9) ])x(?=[ 0-9(])", "*", plain.replace("\u2013", "-"))
    for found in _EQUATION.finditer(plain):
        part = plain[: found.start()].rstrip().endswith(("-", "+", "*", "/"))
        if re.search(r"[-+*/]", found[1]) and not part and not _holds(found[1], found[2]):
            return False
    return True


def _holds(left: str, right: str) -> bool:
    """Whether an equation holds exactly, or up to the factor 100 that a percent sign stands for."""
    one, two = evaluate_expression(left), evaluate_expression(right)
    return one is not None and two is not None and one in (two, two / 100, two * 100)
