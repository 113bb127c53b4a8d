"""Query augmentation: read the five questions of a reply, and keep those that are questions, new, and not of a test."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from arith_puzzle.dataset_builder.aug_gsm8k.contamination import Benchmarks, normalized
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import EXAMPLE, QUESTIONS_PER_CALL, STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem

MAX_QUESTION_CHARS = 2000

DROPPED_QUESTIONS = {
    "malformed": "the reply was no list of five questions, after all tries (counted five each)",
    "no_question": "without a question mark, without a number, or longer than 2,000 characters",
    "copy": "the source question or one of the prompt's examples, but for upper case and punctuation",
    "duplicate": "asked before in this dataset",
    "contaminated": "shares 13 words in a row with a test question, or is one but for its numbers",
}
"""Why a new question is dropped, in the order of the checks."""

_ITEM = re.compile(r"^\W{0,4}(?:(?:problem|question)\s*)?(\d{1,2})\s*[.):]\W{0,4}\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Question:
    """A question to be answered: GSM8K's own (strategy ``original``) or a new one made from it."""

    source: Problem
    strategy: str
    index: int
    text: str


def parse_questions(reply: str) -> list[str] | None:
    """The questions of a numbered list 1..5, or None where the reply is no such list.

    Lines before the list and after an empty line behind it are passed over; a question may run over several lines.
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
    """The questions worth answering, in order, and how many were dropped for each of DROPPED_QUESTIONS.

    Args:
        found: (source, strategy, its five questions or None), in the dataset's order.
        sources: GSM8K's own questions; none of them counts as new.
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
