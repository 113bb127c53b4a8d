"""The source of a new problem: who acts, what its answer counts, and whether its solution is sound."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeVar

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import constants, question_numerals, spans
from arith_puzzle.dataset_builder.aug_gsm8k.responses import plain_equations
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import Final, conjugated, is_plural
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.tables import MEN, NO_NAME, WOMEN
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem, number_text
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotation, evaluate_expression

MAX_QUESTION_CHARS = 600
MAX_LINES = 8
"""Limits of a source: its question in characters, its solution in lines."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_ALGEBRA = re.compile(
    r"\b[Ll]et\b|\b[a-zA-Z] ?= ?[0-9$(<]|[0-9)][xyznXYZN]\b|\b[b-zB-HJ-Z] ?[-+*/=] ?[0-9(]|[-+*/=] ?[b-wyzB-HJ-WYZ]\b"
)
_AFTER_EQUALS = re.compile(r"= ?\$?([0-9][0-9,]*(?:\.[0-9]+)?)(?![0-9,]*[(/*])")
_FRACTION = re.compile(r"([0-9]+)/([0-9]+)")
_CAPITAL = re.compile(r"\b[A-Z][a-z]+\b")


T = TypeVar("T")


class Step(NamedTuple):
    """A line of a solution. A free step needs no earlier result."""

    text: str
    free: bool = False


@dataclass(frozen=True)
class Person:
    """Words for who acts.

    Attributes:
        name: the first mention, such as ``Ann`` or ``she``.
        pronoun, objective, possessive: later mentions, such as ``she``, ``her``, ``her``.
        plural: whether verbs take the "they" forms.
    """

    name: str
    pronoun: str
    objective: str
    possessive: str
    plural: bool


PRONOUNS = {
    "he": ("he", "him", "his"), "she": ("she", "her", "her"), "they": ("they", "them", "their"),
    "I": ("I", "me", "my"), "we": ("we", "us", "our"), "you": ("you", "you", "your"),
}  # fmt: skip


@dataclass(frozen=True)
class Story:
    """A source with its final question, its answer, and the draws for one new problem.

    Attributes:
        final: the final question.
        value: the answer.
        text: the question in lower case.
        person: who acts; None if that is not a person, or the pronoun is not known.
        draws: random numbers.
    """

    final: Final
    value: Fraction
    text: str
    person: Person | None
    draws: Draws

    @property
    def phrase(self) -> str:
        """What the answer counts, such as "the eggs that she sells". A known person is a pronoun in it."""
        return self.final.phrase(self.person.pronoun if self.person else None)

    @property
    def whole(self) -> int | None:
        """The answer if it is a positive whole number."""
        return int(self.value) if self.value.denominator == 1 and self.value > 0 else None

    @property
    def actor(self) -> Person:
        """The person, for concepts that are offered only where there is one."""
        assert self.person is not None, "the concept needs a person"
        return self.person

    def says(self, words: str) -> bool:
        """Whether the question contains one of the words, given as a regular expression."""
        return bool(re.search(rf"\b(?:{words})\b", self.text))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.draws.below(len(options))]

    def verb(self, base: str) -> str:
        """A verb in the tense of the final question, with the person as its subject: buys, bought, will buy."""
        return conjugated(base, self.final.tense, self.actor.plural)

    def other(self, base: str) -> str:
        """A verb in the tense of the final question, with another single person as its subject."""
        return conjugated(base, self.final.tense, False)

    def asked(self, base: str, subject: str | None = None) -> str:
        """The verb in a question: "does she buy". Without ``subject``, the person is the subject."""
        plural = subject is None and self.actor.plural
        who = subject or self.actor.pronoun
        helper = {"past": "did", "future": "will"}.get(self.final.tense, "do" if plural else "does")
        return f"{helper} {who} {base}"

    def be(self, plural: bool = False) -> str:
        """The verb "to be" in the tense of the final question."""
        present = "are" if plural else "is"
        return {"past": "were" if plural else "was", "future": "will be"}.get(self.final.tense, present)


def person_of(final: Final, query: str) -> Person | None:
    """Who acts in the final question. None if the pronoun of a name is not certain, or it is no person."""
    subject = final.subject
    found = names(query)
    if len(found) == 1 and {"he": found & WOMEN, "she": found & MEN}.get(gender(query)):
        return None
    if subject in PRONOUNS:
        pronoun, objective, possessive = PRONOUNS[subject]
        return Person(subject, pronoun, objective, possessive, is_plural(subject))
    of_one = final.verb == "cost" or re.search(r"\b(?:left|remain\w*)\b", final.phrase())
    if not subject and of_one and len(found) == 1 and gender(query):
        (subject,) = found
        if re.search(rf"\b(?:in|to|from|at|of|the|near|an?) {subject}\b", query):
            return None
    if not re.match(r"[A-Z]", subject):
        return None
    if " and " in subject:
        return Person(subject, "they", "them", "their", True)
    words = subject.split()
    usual = "he" if words[0] in MEN | {"Mr.", "Mr", "Uncle"} else ""
    usual = "she" if words[0] in WOMEN | {"Mrs.", "Ms.", "Mrs", "Ms", "Aunt"} else usual
    pronoun_of_name = gender(query)
    if names(query) - set(words):
        pronoun_of_name = usual
    if not pronoun_of_name or (usual and usual != pronoun_of_name):
        return None
    pronoun, objective, possessive = PRONOUNS[pronoun_of_name]
    return Person(subject, pronoun, objective, possessive, False)


def names(text: str) -> set[str]:
    """Words with a capital that may be names."""
    return {word for word in _CAPITAL.findall(text) if word not in NO_NAME}


def gender(text: str) -> str:
    """``he`` or ``she`` if the text has only pronouns of one kind, else an empty string."""
    male = bool(re.search(r"\b(?:he|his|him|himself)\b", text, re.IGNORECASE))
    female = bool(re.search(r"\b(?:she|her|hers|herself)\b", text, re.IGNORECASE))
    return "" if male == female else "he" if male else "she"


def capital(text: str) -> str:
    """The text with a capital as its first letter."""
    return text[:1].upper() + text[1:]


def amount(value: Fraction | int) -> str:
    """A number of dollars without its sign: 12 or 12.50."""
    value = Fraction(value)
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.2f}"


def writable(value: Fraction, places: int = 2) -> bool:
    """Whether a value needs at most ``places`` decimals."""
    return (value * 10**places).denominator == 1


def calculated(expression: str, money: bool = False) -> str:
    """An expression with its annotation and result: ``2*3=<<2*3=6>>6``, with a dollar sign if it is money.

    Raises ValueError if the result cannot be written with two decimals.
    """
    value = evaluate_expression(expression)
    if value is None or not writable(value):
        raise ValueError(f"{expression} has no value with two decimals")
    result = amount(value) if money else number_text(value)
    return f"{expression}={'$' if money else ''}<<{expression}={result}>>{result}"


Made = tuple[str, list[Step], Fraction]
"""The new last sentences of a question, the new lines of its solution, and the new answer."""
Concept = Callable[[Story], Made | None]


def fault_of_source(problem: Problem) -> str | None:
    """Why a source is not used (a key of rewriting.REFUSED), or None."""
    text = problem.response
    lines = text.rpartition("####")[0].strip().split("\n")
    if len(problem.query) > MAX_QUESTION_CHARS or len(lines) > MAX_LINES:
        return "long"
    annotations = _ANNOTATION.findall(text)
    if not annotations or any(check_annotation(annotation) != "exact" for annotation in annotations):
        return "annotations"
    results = [evaluate_expression(annotation.rpartition("=")[2].replace(" ", "")) for annotation in annotations]
    if results[-1] != problem.answer or problem.answer <= 1:
        return "annotations"
    if _ALGEBRA.search(_ANNOTATION.sub(" ", text).replace(" x ", " * ")) or not annotations[0].count("="):
        return "algebra"
    plain = plain_equations(text)
    if any(evaluate_expression(left) != evaluate_expression(right.removesuffix(".")) for left, right in plain):
        return "unexplained"
    known = constants(f"{problem.query}\n{text}") | {value for value in results if value is not None} | {Fraction(1)}
    for numeral in question_numerals(problem.query):
        known.update(numeral.forms(numeral.value).values())
    known.update(value for left, right in plain if (value := evaluate_expression(right.removesuffix("."))) is not None)
    for top, bottom in _FRACTION.findall(problem.query):
        if int(bottom):
            share = Fraction(int(top), int(bottom))
            known |= {share, 1 - share, Fraction(int(top)), Fraction(int(bottom)), Fraction(int(bottom) - int(top))}
    bare = _ANNOTATION.sub("", text)
    known.update(Fraction(number.replace(",", "")) for number in _AFTER_EQUALS.findall(bare))
    if any(value not in known for _, _, value in spans(text)):
        return "unexplained"
    used = {value for annotation in annotations for _, _, value in spans(annotation.rpartition("=")[0])}
    if any(len(annotation.rpartition("=")[0].strip("0123456789., ")) == 0 for annotation in annotations) or not used:
        return "annotations"
    return None
