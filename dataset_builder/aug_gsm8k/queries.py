"""Query augmentation: parse five questions from a reply, and keep those that are new and not from a test set."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from arith_puzzle.dataset_builder.aug_gsm8k.contamination import Benchmarks, normalized
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import EXAMPLE, QUESTIONS_PER_CALL, STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem

MAX_QUESTION_CHARS = 2000

DROPPED_QUESTIONS = {
    "malformed": "the reply is not a list of five questions after all tries (counts as five questions)",
    "no_question": "the question has no question mark or no number, or is longer than 2,000 characters",
    "copy": "equals its source or an example of the prompt, up to case and punctuation",
    "duplicate": "equals an earlier question of this dataset",
    "contaminated": "shares 13 words in a row with a test question, or equals one up to its numbers",
}
"""Reason why a new question is dropped -> its meaning, in the order of the checks."""

_ITEM = re.compile(r"^\W{0,4}(?:(?:problem|question)\s*)?(\d{1,2})\s*[.):]\W{0,4}\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """A question that needs solutions: one of GSM8K (strategy ``original``), or a new one.

    Attributes:
        source: the problem that it comes from.
        strategy: how it is made.
        index: its 0-based place among the questions made from that source in that way.
        text: the question.
    """

    source: Problem
    strategy: str
    index: int
    text: str


def parse_questions(reply: str) -> list[str] | None:
    """Parse a numbered list 1..5 of questions. Return None if the reply is not such a list.

    Text before the list, and text after an empty line at its end, is ignored. A question may have several lines.
    """
    items: list[list[str]] = []
    last = False
    for line in reply.splitlines():
        number = _number(line)
        if number is not None and number == len(items) + 1:
            items.append([_ITEM.sub("", line, count=1)])
            last = False
        elif number is not None and items:
            return None
        elif not line.strip():
            last = len(items) == QUESTIONS_PER_CALL
        elif items and not last:
            items[-1].append(line)
    questions = [" ".join(" ".join(lines).split()) for lines in items]
    return questions if len(questions) == QUESTIONS_PER_CALL and all(questions) else None


def _number(line: str) -> int | None:
    match = _ITEM.match(line)
    return int(match[1]) if match else None


def keep_questions(
    found: list[tuple[Problem, str, list[str] | None]], sources: list[Problem], against: Benchmarks
) -> tuple[list[Question], Counter[str]]:
    """Filter new questions.

    Args:
        found: (source, strategy, its five questions or None), in the dataset's order.
        sources: the problems of GSM8K. Their questions do not count as new.
        against: the test questions.

    Returns:
        (the kept questions in order, number of dropped questions by key of DROPPED_QUESTIONS).
    """
    dropped: Counter[str] = Counter()
    kept: list[Question] = []
    seen = {_plain(problem.query) for problem in sources}
    examples = {_plain(text) for strategy in STRATEGIES.values() for text in (EXAMPLE, *strategy.example)}
    for source, strategy, questions in found:
        if questions is None:
            dropped["malformed"] += QUESTIONS_PER_CALL
            continue
        for index, text in enumerate(questions):
            if "?" not in text or not re.search(r"[0-9]", text) or len(text) > MAX_QUESTION_CHARS:
                reason = "no_question"
            elif _plain(text) in examples | {_plain(source.query)}:
                reason = "copy"
            elif _plain(text) in seen:
                reason = "duplicate"
            elif against.find(text):
                reason = "contaminated"
            else:
                seen.add(_plain(text))
                kept.append(Question(source, strategy, index, text))
                continue
            dropped[reason] += 1
    return kept, dropped


def _plain(text: str) -> str:
    return normalized(text, numbers=True)
