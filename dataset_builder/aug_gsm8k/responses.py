"""Response augmentation: choose which of a question's K sampled paths to keep, and measure their agreement."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from arith_puzzle.common.reply_store import Reply
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotations, evaluate_expression
from arith_puzzle.metrics.gsm8k_answer.score import answer

DROPPED_PATHS = {
    "cut_off": "the reply reaches the token limit, or is empty",
    "no_answer": "the metric `gsm8k_answer` finds no final number",
    "wrong_annotation": "a calculator annotation `<<a=b>>` does not hold or is malformed",
    "wrong_answer": "GSM8K's questions only: the answer is not the gold answer",
    "tie": "new questions only: no answer has more votes than every other",
    "minority": "new questions only: another answer has more votes",
    "duplicate": "an earlier path of the question has the same equations in the same order",
}
"""Reason why a path is dropped -> its meaning, in the order of the checks."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_EQUATION = re.compile(r"[0-9.()+\-*/ ]*[0-9)][0-9.()+\-*/ ]*=[ $]*-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Path:
    """A reasoning path that is kept.

    Attributes:
        index: its 0-based place among the K samples.
        text: the solution.
        answer: its final number.
        agreement: share of the K paths with this answer.
        margin: agreement minus the share of the most frequent other answer.
    """

    index: int
    text: str
    answer: Fraction
    agreement: float
    margin: float


def keep_paths(replies: list[Reply], gold: Fraction | None) -> tuple[list[Path], Counter[str]]:
    """Filter the paths of one question.

    Args:
        replies: the K samples.
        gold: the answer of a GSM8K question. None for a new question, whose answer is the majority vote of the paths.
            Paths that fail an earlier check do not vote.

    Returns:
        (the kept paths in order, number of dropped paths by key of DROPPED_PATHS).
    """
    dropped: Counter[str] = Counter()
    sound: list[tuple[int, str, Fraction]] = []
    for index, reply in enumerate(replies):
        text = reply.text.strip()
        number = answer(text)
        if reply.finish_reason == "length" or not text:
            dropped["cut_off"] += 1
        elif number is None:
            dropped["no_answer"] += 1
        elif (outcomes := check_annotations([text]))["wrong"] or outcomes["unreadable"]:
            dropped["wrong_annotation"] += 1
        else:
            sound.append((index, text, number))
    votes = Counter(number for _, _, number in sound)
    first, second = ([count for _, count in votes.most_common(2)] + [0, 0])[:2]
    kept: list[Path] = []
    seen: set[tuple[str, ...]] = set()
    for index, text, number in sound:
        others = max((count for other, count in votes.items() if other != number), default=0)
        if gold is not None and number != gold:
            dropped["wrong_answer"] += 1
        elif gold is None and first == second:
            dropped["tie"] += 1
        elif gold is None and votes[number] != first:
            dropped["minority"] += 1
        elif (key := equations(text)) in seen:
            dropped["duplicate"] += 1
        else:
            seen.add(key)
            share = votes[number] / len(replies)
            kept.append(Path(index, text, number, share, share - others / len(replies)))
    return kept, dropped


def equations(text: str) -> tuple[str, ...]:
    """The key that distinguishes reasoning paths, as in rejection-sampling fine-tuning (arXiv 2308.01825, section 3.3).

    Returns:
        The equations of the annotations. If there are none, the equations of the text. If there are none either, the
        words of the text.
    """
    found = _ANNOTATION.findall(text) or ["=".join(sides) for sides in plain_equations(text)]
    return tuple("".join(equation.split()) for equation in found) or tuple(text.lower().split())


def plain_equations(text: str) -> list[tuple[str, str]]:
    """(left side, right side) of the equations outside annotations, such as ``2 x $4 = $8``.

    Equations with words or units on their left side are ignored.
    """
    plain = _ANNOTATION.sub("", text).replace("\u00d7", "*").replace("\u00f7", "/").replace("\u2013", "-")
    plain = re.sub(r"[$,]", "", re.sub(r"(?<=[0-9)\s])x(?=[\s0-9($])", "*", plain))
    sides = [match[0].rsplit("=", 1) for match in _EQUATION.finditer(plain)]
    return [(left.strip(), right.strip()) for left, right in sides if evaluate_expression(left) is not None]
