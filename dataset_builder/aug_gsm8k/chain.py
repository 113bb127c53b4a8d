"""Turn a GSM8K problem into a program that recomputes the solution for other numbers.

Each number of the solution is linked to its source: a number of the question, an earlier result, or a constant. The
source is found by value. If a value has no source, the solution cannot be recomputed. If it has two possible sources
(two numbers of the question, or a result and a constant), the problem is ambiguous. Such problems are refused. Before
that, up to MOST_FROZEN numbers of the question are kept fixed, and only the others change.
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
    "wrong_annotation": "an annotation is not exactly right",
    "other_final": "the last annotation is not the final answer",
    "algebra": "the solution solves for an unknown",
    "no_variable": "the solution uses no number of the question that may change",
    "unexplained": "a number of the solution has no known source",
    "ambiguous": "a number of the solution has two possible sources",
}
"""Reason why a problem has no program -> its meaning."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_ALGEBRA = re.compile(r"(?<![A-Za-z])[0-9.)]*[a-wyzA-HJ-Z]\s*[=+*/]|[0-9)][xyzXYZn]\b|\b[xXyY]\s*[=+]|[=+(]\s*[xXyY]\b")
_FRACTION = re.compile(r"([0-9]+)/([0-9]+)")
MOST_FROZEN = 4
"""Maximum number of ambiguous numbers of the question that the program keeps fixed."""
SMALL = 5
"""A number up to this size may count things that the question lists without stating how many there are."""
UNIT_DIVISORS = {60, 100, 1000, 3600}
"""Divisors that convert units. A divisor with one of these values is never linked to another source."""
_LIST = re.compile(r"[^.?!;]*?[,:][^.?!;]*?\b(?:and|or)\b")


class RefusedError(Exception):
    """The problem has no program. The message is a key of REFUSED_SOURCES."""


@dataclass(frozen=True)
class Slot:
    """A number of the solution that changes with the numbers of the question.

    Attributes:
        start, end: its place in the solution.
        text: how the solution writes it.
        ref: its source: ("variable", index in Program.numerals, form) or ("step", index in Program.steps).
    """

    start: int
    end: int
    text: str
    ref: tuple


@dataclass(frozen=True)
class Step:
    """An annotation of the solution.

    Attributes:
        start, end: the place of its expression in the solution.
        value: the result.
        inputs: the variables that the result depends on, as indices in Program.numerals.
    """

    start: int
    end: int
    value: Fraction
    inputs: frozenset[int]


@dataclass(frozen=True)
class Program:
    """A problem that can be recomputed with other numbers.

    Attributes:
        problem: the problem.
        numerals: all numbers of the question.
        variables: indices of the numerals that change.
        slots: the numbers of the solution that change, in order.
        steps: the annotations of the solution, in order.
    """

    problem: Problem
    numerals: list[Numeral]
    variables: tuple[int, ...]
    slots: list[Slot]
    steps: list[Step]

    def play(self, values: dict[int, Fraction]) -> tuple[str, str, list[Fraction]] | str:
        """Recompute the problem with other numbers.

        Args:
            values: {index of a variable: its new value}.

        Returns:
            (question, solution, result of each step), or ``"unwritable"`` if a number has too many decimals or an
            expression has no value.
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
        changes = [(start, end, written(values[index], query[start:end])) for start, end, index in places]
        question = _filled(query, 0, len(query), changes)
        solution = _filled(source, 0, len(source), [self._new(slot, values, results) for slot in self.slots])
        return "unwritable" if question is None or solution is None else (question, solution, results)

    def _new(self, slot: Slot, values: dict[int, Fraction], results: list[Fraction]) -> tuple[int, int, str | None]:
        kind, index, *form = slot.ref
        value = results[index] if kind == "step" else self.numerals[index].forms(values[index])[form[0]]
        return slot.start, slot.end, written(value, slot.text)


def _filled(text: str, start: int, end: int, changes: list[tuple[int, int, str | None]]) -> str | None:
    """Apply the changes (start, end, new text) to ``text[start:end]``. Return None if a new text is None."""
    parts: list[str] = []
    at = start
    for first, last, new in changes:
        if new is None:
            return None
        parts += [text[at:first], new]
        at = last
    return "".join([*parts, text[at:end]])


def compile_problem(problem: Problem) -> Program:
    """Find the program of a problem. Raises RefusedError with a key of REFUSED_SOURCES."""
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
        # "Ann and Bob share 2 packs": one of two equal small numbers may count people whom the text does not count.
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
    """Indices of numbers that must not change, because other words or numbers of the question depend on them.

    Examples: 40% boys and 60% girls; 7 of the 12, so 5 are not; 3 dogs, one black and two brown; 3 children, aged 4, 6
    and 9.
    """
    bound: set[int] = set()
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
        # "3 dogs: A, B and C" has one comma, "3 dogs, A, B, and C" has three.
        if numeral.value in sums or commas <= numeral.value <= min(commas + 2, SMALL):
            bound.add(index)
    return bound


def _known(problem: Problem, fixed: list[Numeral]) -> set[Fraction]:
    """The constants of a problem: values of fixed numbers, of fractions, and of words."""
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
    """Link every number of the solution to its source. Raises RefusedError if that fails for these variables."""
    text = problem.response
    known = _known(problem, [numeral for index, numeral in enumerate(numerals) if index not in variables])
    forms = [
        (value, ("variable", index, form))
        for index in variables
        for form, value in numerals[index].forms(numerals[index].value).items()
    ]
    steps: list[Step] = []
    slots: list[Slot] = []

    def source(value: Fraction, upto: int) -> tuple | None:
        """The only source of a value among the first ``upto`` steps and the question; None for a constant."""
        refs: list[tuple] = [ref for known_value, ref in forms if known_value == value]
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
            ref = source(value, len(steps))
            if ref and value in UNIT_DIVISORS and left[:start].rstrip().endswith("/"):
                raise RefusedError("ambiguous")
            if ref:
                slots.append(Slot(match.start(1) + start, match.start(1) + stop, left[start:stop], ref))
                inputs |= {ref[1]} if ref[0] == "variable" else steps[ref[1]].inputs
        right = match[1].rpartition("=")[2]
        result = evaluate_expression(right.replace(" ", ""))
        assert result is not None, "compile_problem refuses annotations that are not exact"
        steps.append(Step(match.start(1), end, result, frozenset(inputs)))
        inside.append((match.start(), match.end()))
        if inputs:
            slots.append(Slot(match.end(1) - len(right), match.end(1), right.strip(), ("step", len(steps) - 1)))
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
            ref = source(value, sum(match.start() < line_end for match in annotations))
        if ref:
            slots.append(Slot(start, stop, text[start:stop], ref))
    changing = {value for value, _ in forms} | {step.value for step in steps if step.inputs}
    for start, _, values in word_spans(text):
        if not any(a <= start < b for a, b in inside) and changing & set(values[:1]):
            raise RefusedError("ambiguous")
    return sorted(slots, key=lambda slot: slot.start), steps
