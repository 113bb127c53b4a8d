"""A GSM8K problem as a program: which number of the solution is which number of the question or which earlier result.

A number is known by its value. So where one value has two meanings (two numbers of the question, a result and a
constant) the program is ambiguous, and where a value has none it cannot be recomputed: both are refused. Numbers of
the question that cannot be told apart from something else stay as they are, if the others then can.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import (
    Numeral,
    constants,
    question_numerals,
    spans,
    word_spans,
    written,
)
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotation, evaluate_expression

REFUSED_SOURCES = {
    "no_annotation": "the solution has no calculator annotation",
    "wrong_annotation": "an annotation that is not exactly right",
    "other_final": "the last annotation is not the final answer",
    "algebra": "the solution solves for a letter",
    "no_variable": "no number of the question is used in the solution and free to change",
    "unexplained": "a number of the solution that comes from nowhere",
    "ambiguous": "a number of the solution that may come from two places",
}
"""Why a source gives no program."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_ALGEBRA = re.compile(r"(?<![A-Za-z])[0-9.)]*[a-wyzA-HJ-Z]\s*[=+*/]|[0-9)][xyzXYZn]\b|\b[xXyY]\s*[=+]|[=+(]\s*[xXyY]\b")
_FRACTION = re.compile(r"([0-9]+)/([0-9]+)")
MOST_FROZEN = 4
"""How many numbers of the question may stay as they are because they are ambiguous."""


SMALL = 5
"""Up to here a number may be that of some things which the question lists or names, without saying how many."""
UNIT_DIVISORS = {60, 100, 1000, 3600}
"""What solutions divide by to change a unit, named or not; never taken for anything else there."""
_LIST = re.compile(r"[^.?!;]*?[,:][^.?!;]*?\b(?:and|or)\b")


class RefusedError(Exception):
    """The source gives no program; the message is one of REFUSED_SOURCES."""


@dataclass(frozen=True)
class Slot:
    """A number of the solution: its place, how it is written, and what it is.

    ``ref`` is ("variable", index in the question, form), ("step", index) or None for a constant.
    """

    start: int
    end: int
    text: str
    ref: tuple | None


@dataclass(frozen=True)
class Step:
    """An annotation: the places of its expression and its value; ``inputs`` are the variables that it rests on."""

    start: int
    end: int
    value: Fraction
    inputs: frozenset[int]


@dataclass(frozen=True)
class Program:
    """A problem that can be played with other numbers.

    Attributes:
        numerals: all numbers of the question; variables: indices of those that change.
        slots: the numbers of the solution that change, in order; steps: its annotations, in order.
    """

    problem: Problem
    numerals: list[Numeral]
    variables: tuple[int, ...]
    slots: list[Slot]
    steps: list[Step]

    def play(self, values: dict[int, Fraction]) -> tuple[str, str, list[Fraction]] | str:
        """The problem with other numbers: (question, solution, result of each step).

        Args:
            values: {index of a variable: its new value}.

        Returns:
            or why there is none: ``unwritable``, where a number has too many decimals or an expression no value.
        """
        results: list[Fraction] = []
        source = self.problem.response
        for step in self.steps:
            inside = [slot for slot in self.slots if step.start <= slot.start < step.end]
            expression = _filled(source, step.start, step.end, [self._new(slot, values, results) for slot in inside])
            result = None if expression is None else evaluate_expression(expression)
            if result is None:
                return "unwritable"
            results.append(result)
        query = self.problem.query
        places = [(self.numerals[index].start, self.numerals[index].end, index) for index in self.variables]
        asked = [(start, end, written(values[index], query[start:end])) for start, end, index in places]
        question = _filled(query, 0, len(query), asked)
        solution = _filled(source, 0, len(source), [self._new(slot, values, results) for slot in self.slots])
        return "unwritable" if question is None or solution is None else (question, solution, results)

    def _new(self, slot: Slot, values: dict[int, Fraction], results: list[Fraction]) -> tuple[int, int, str | None]:
        kind, index, *form = slot.ref
        value = results[index] if kind == "step" else self.numerals[index].forms(values[index])[form[0]]
        return slot.start, slot.end, written(value, slot.text)


def _filled(text: str, start: int, end: int, changes: list[tuple[int, int, str | None]]) -> str | None:
    """``text[start:end]`` with the changes made, in order; None where one of them is."""
    parts, at = [], start
    for first, last, new in changes:
        if new is None:
            return None
        parts += [text[at:first], new]
        at = last
    return "".join([*parts, text[at:end]])


def compile_problem(problem: Problem) -> Program:
    """The program of a problem. Raises RefusedError with one of REFUSED_SOURCES."""
    annotations = list(_ANNOTATION.finditer(problem.response))
    if not annotations:
        raise RefusedError("no_annotation")
    if any(check_annotation(match[1]) != "exact" for match in annotations):
        raise RefusedError("wrong_annotation")
    if evaluate_expression(annotations[-1][1].rpartition("=")[2].replace(" ", "")) != problem.answer:
        raise RefusedError("other_final")
    if _ALGEBRA.search(_ANNOTATION.sub(" ", problem.response).replace(" x ", " * ")):
        raise RefusedError("algebra")
    numerals = question_numerals(problem.query)
    values = [numeral.value for numeral in numerals]
    operands = Counter(value for match in annotations for _, _, value in spans(match[1].rpartition("=")[0]))
    free = [
        index
        for index, numeral in enumerate(numerals)
        if not numeral.fixed
        and values.count(numeral.value) == 1
        and any(form in operands for form in numeral.forms(numeral.value).values())
        # "Ann and Bob share 2 packs": a small number that comes twice may be a number of people nobody counted
        and not (numeral.value <= SMALL and operands[numeral.value] > 1)
    ]
    bound = _bound(problem.query, numerals, operands)
    free = [index for index in free if index not in bound]
    if not free:
        raise RefusedError("no_variable")
    reason = "ambiguous"
    for size in range(len(free), max(0, len(free) - MOST_FROZEN - 1), -1):
        for variables in combinations(free, size):
            try:
                slots, steps = _resolve(problem, numerals, variables, annotations)
            except RefusedError as refused:
                reason = str(refused)
                continue
            if steps[-1].inputs:
                return Program(problem, numerals, variables, slots, steps)
    raise RefusedError(reason)


def _bound(question: str, numerals: list[Numeral], operands: Counter) -> set[int]:
    """Numbers of the question that something in it depends on without a computation: what must stay as it is.

    40% boys and 60% girls; 7 of the 12, so 5 are not; 3 dogs, one black and two brown; 3 children, aged 4, 6 and 9.
    """
    bound = set()
    for (i, a), (j, b) in combinations(enumerate(numerals), 2):
        if a.kind == b.kind == "percent" and a.value + b.value == 100:
            bound |= {i, j}
        others = (numeral for k, numeral in enumerate(numerals) if k not in (i, j))
        unused = {numeral.value for numeral in others if numeral.kind == "plain" and not operands[numeral.value]}
        if a.kind == b.kind == "plain" and {a.value + b.value, abs(a.value - b.value)} & unused:
            bound |= {i, j}
    in_words = [values[0] for _, _, values in word_spans(question)]
    sums = {a + b for a, b in combinations(in_words, 2)}
    for index, numeral in enumerate(numerals):
        listed = _LIST.match(question, numeral.end)
        commas = listed[0].count(",") if listed else -SMALL
        # "3 dogs: A, B and C" has one comma, "3 dogs, A, B, and C" has three
        if numeral.value in sums or commas <= numeral.value <= min(commas + 2, SMALL):
            bound.add(index)
    return bound


def _known(problem: Problem, fixed: list[Numeral]) -> set[Fraction]:
    """The values that need no computation: of numbers that stay, of fractions, of words."""
    known = constants(problem.query + "\n" + problem.response)
    known = known.union(*(numeral.forms(numeral.value).values() for numeral in fixed))
    for top, bottom in _FRACTION.findall(problem.query):
        if int(bottom):
            share = Fraction(int(top), int(bottom))
            known |= {share, 1 - share, Fraction(int(bottom)), Fraction(int(bottom) - int(top))}
    return known


def _resolve(
    problem: Problem, numerals: list[Numeral], variables: tuple[int, ...], annotations: list[re.Match]
) -> tuple[list[Slot], list[Step]]:
    text = problem.response
    known = _known(problem, [numeral for index, numeral in enumerate(numerals) if index not in variables])
    forms = [
        (value, ("variable", index, form))
        for index in variables
        for form, value in numerals[index].forms(numerals[index].value).items()
    ]
    steps: list[Step] = []
    slots: list[Slot] = []

    def meaning(value: Fraction, upto: int) -> tuple | None:
        refs = [ref for known_value, ref in forms if known_value == value]
        refs += [("step", index) for index, step in enumerate(steps[:upto]) if step.value == value and step.inputs]
        constant = value in known or any(step.value == value and not step.inputs for step in steps[:upto])
        if len(refs) + constant != 1:
            raise RefusedError("ambiguous" if refs else "unexplained")
        return refs[0] if refs else None

    inside: list[tuple[int, int]] = []
    for match in annotations:
        left = match[1].rpartition("=")[0]
        end = match.start(1) + len(left)
        inputs: set[int] = set()
        for start, stop, value in spans(left):
            ref = meaning(value, len(steps))
            if ref and value in UNIT_DIVISORS and left[:start].rstrip().endswith("/"):
                raise RefusedError("ambiguous")
            if ref:
                slots.append(Slot(match.start(1) + start, match.start(1) + stop, left[start:stop], ref))
                inputs |= {ref[1]} if ref[0] == "variable" else steps[ref[1]].inputs
        value = evaluate_expression(match[1].rpartition("=")[2].replace(" ", ""))
        steps.append(Step(match.start(1), end, value, frozenset(inputs)))
        inside.append((match.start(), match.end()))
        result = (match.end(1) - len(match[1].rpartition("=")[2]), match.end(1))
        if inputs:
            slots.append(Slot(*result, text[slice(*result)].strip(), ("step", len(steps) - 1)))
    ends = {match.end(): index for index, match in enumerate(annotations)}
    final = text.rfind("####")
    lines = [match.end() for match in re.finditer("\n", text)] + [len(text)]
    for start, stop, value in spans(text):
        if any(a <= start < b for a, b in inside):
            continue
        after = next((index for end, index in ends.items() if text[end:start].strip(" $") == "" and end <= start), None)
        if after is not None and steps[after].value == value:
            ref = ("step", after) if steps[after].inputs else None
        elif start > final >= 0:
            ref = ("step", len(steps) - 1)
        else:
            line_end = next(end for end in lines if start < end)
            ref = meaning(value, sum(match.start() < line_end for match in annotations))
        if ref:
            slots.append(Slot(start, stop, text[start:stop], ref))
    changing = {value for value, _ in forms} | {step.value for step in steps if step.inputs}
    for start, _, values in word_spans(text):
        if not any(a <= start < b for a, b in inside) and changing & set(values[:1]):
            raise RefusedError("ambiguous")
    return sorted(slots, key=lambda slot: slot.start), steps
