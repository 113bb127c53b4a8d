"""Response augmentation: which of the K sampled paths of a question are kept, and how far they agree."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from arith_puzzle.dataset_builder.aug_gsm8k.store import Reply
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotations, evaluate_expression
from arith_puzzle.metrics.gsm8k_answer.score import answer

DROPPED_PATHS = {
    "cut_off": "the reply ran into the limit of tokens, or is empty",
    "no_answer": "no final number that the metric gsm8k_answer reads",
    "wrong_annotation": "a calculator annotation `<<a=b>>` that does not hold, or cannot be read",
    "wrong_answer": "of GSM8K's own questions: not the gold answer",
    "tie": "of new questions: no answer has more votes than every other",
    "minority": "of new questions: not the answer of most paths",
    "duplicate": "the same equations, in the same order, as an earlier path of the question",
}
"""Why a path is dropped, in the order of the checks."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_EQUATION = re.compile(r"[0-9.()+\-*/ ]*[0-9)][0-9.()+\-*/ ]*=[ $]*-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Path:
    """A path that is kept. ``agreement``: share of the K paths with its answer; ``margin``: that less the share of
    the most frequent other answer."""

    index: int
    text: str
    answer: Fraction
    agreement: float
    margin: float


def keep_paths(replies: list[Reply], gold: Fraction | None) -> tuple[list[Path], Counter[str]]:
    """The paths of one question that are kept, and how many were dropped for each of DROPPED_PATHS.

    Args:
        replies: the K samples. gold: the answer of GSM8K's own question; None for a new one, whose majority decides.
            Paths that fail an earlier check have no vote.
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
    """What tells two reasoning paths apart, as in rejection-sampling fine-tuning (arXiv 2308.01825, section 3.3).

    The list of equations in the annotations; where there is none, of those in the text; where there is none
    either, the words of the text.
    """
    found = _ANNOTATION.findall(text) or ["=".join(sides) for sides in plain_equations(text)]
    return tuple("".join(equation.split()) for equation in found) or tuple(text.lower().split())


def plain_equations(text: str) -> list[tuple[str, str]]:
    """(left side, right side) of the equations outside annotations, such as ``2 x $4 = $8``.

    Those with words or units in their left side are passed over.
    """
    plain = _ANNOTATION.sub("", text).replace("\u00d7", "*").replace("\u00f7", "/").replace("\u2013", "-")
    plain = re.sub(r"[$,]", "", re.sub(r"(?<=[0-9)\s])x(?=[\s0-9($])", "*", plain))
    sides = [match[0].rsplit("=", 1) for match in _EQUATION.finditer(plain)]
    return [(left.strip(), right.strip()) for left, right in sides if evaluate_expression(left) is not None]
