"""Other orders of a solution's steps, where the steps do not depend on each other and do not refer to each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.numerals import spans

MOST_PATHS = 3
"""Maximum number of solutions of a question, with the main one."""
MOST_STEPS = 9
"""A solution with more lines has no other orders: the search would be long."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_REFERS = re.compile(
    r"\b(?:then|so|thus|hence|therefore|this|that|these|those|it|its|he|she|they|him|her|his|hers|them|their|theirs|"
    r"the other|another|other|others|remaining|remain|remains|remainder|left|leftover|rest|total|totals|altogether|"
    r"in all|together|combined|sum|now|also|too|next|after|afterwards|before|finally|first|second|third|last|still|"
    r"again|more|less|fewer|same|such|both|each|which|where|since|because|but|however|and so|similarly|likewise|"
    r"meanwhile|once|new|extra|additional|difference|result|above|previous|earlier|later|already|only)\b",
    re.IGNORECASE,
)


def orders(solution: str) -> tuple[str, ...]:
    """Other orders of a solution's lines, at most MOST_PATHS - 1; the solution itself is not one of them.

    A line moves only if it has an annotation and no word that refers to another line. A line that has such a word
    keeps its place, and so does the line before it. The last step and the final answer keep their places. A line that
    has a number equal to a result of an earlier line, or to its percentage, stays behind that line.
    """
    lines = solution.split("\n")
    if len(lines) < 4 or len(lines) > MOST_STEPS or not lines[-1].startswith("####") or "" in lines:
        return ()
    steps = lines[:-1]
    if not all(_ANNOTATION.search(step) for step in steps):
        return ()
    refers = [bool(_REFERS.search(_ANNOTATION.sub("", step))) for step in steps]
    movable = [
        not refers[at] and at < len(steps) - 1 and not (refers[at + 1] and at + 1 < len(steps) - 1)
        for at in range(len(steps))
    ]
    if refers[-1] and re.match(r"(?:this|that|it|he|she|they|his|her|their|which|of)\b", steps[-1], re.IGNORECASE):
        movable[-2] = False
    if sum(movable) < 2:
        return ()
    found: list[str] = []
    for order in _topological(movable, _needs(steps)):
        if order != list(range(len(steps))):
            found.append("\n".join([*(steps[at] for at in order), lines[-1]]))
        if len(found) == MOST_PATHS - 1:
            break
    return tuple(found)


def _needs(steps: list[str]) -> list[set[int]]:
    """For each step, the earlier steps whose result it has."""
    numbers = [{value for _, _, value in spans(step)} for step in steps]
    results = [
        {value for found in _ANNOTATION.findall(step) for _, _, value in spans(found.rpartition("=")[2])}
        for step in steps
    ]
    return [
        {
            earlier
            for earlier in range(at)
            if numbers[at] & {form for value in results[earlier] for form in _forms(value)}
        }
        for at in range(len(steps))
    ]


def _forms(value: Fraction) -> tuple[Fraction, ...]:
    """The ways in which a step may write a result: as it is, as a share, or as what is left of the whole."""
    return value, value / 100, value * 100, 1 - value, 1 - value / 100, 100 - value


def _topological(movable: list[bool], needs: list[set[int]]) -> Iterator[list[int]]:
    """Orders that keep each immovable step in its place. Those that differ most from the first order come first."""

    def extend(order: list[int]) -> Iterator[list[int]]:
        at = len(order)
        if at == len(movable):
            yield order
            return
        choices = [step for step in reversed(range(len(movable))) if movable[step]] if movable[at] else [at]
        for step in choices:
            if step not in order and needs[step] <= set(order):
                yield from extend([*order, step])

    yield from extend([])
