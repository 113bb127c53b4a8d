"""The questions of GSM8K's train split that readers found doubtful. The rules do not rewrite them.

Eight readers, language models of one kind, each read an eighth of the 7,473 rows with the questions of
``judging.QUESTIONS``, and were asked to list a row when in doubt. Three rows were added after later readings.
``doubtful_sources.jsonl`` has a line for each listed row: the first 16 hexadecimal digits of the SHA-256 of its
normalized question, what fails, and why.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.dataset_builder.aug_gsm8k.contamination import normalized
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem

DOUBTFUL_SOURCES = PACKAGE / "dataset_builder" / "aug_gsm8k" / "doubtful_sources.jsonl"


def question_id(query: str) -> str:
    """The id of a question in DOUBTFUL_SOURCES."""
    return hashlib.sha256(normalized(query, numbers=True).encode()).hexdigest()[:16]


def is_doubtful(problem: Problem) -> bool:
    """Whether a reader listed the question."""
    return question_id(problem.query) in _listed()


@cache
def _listed() -> frozenset[str]:
    lines = DOUBTFUL_SOURCES.read_text(encoding="ascii").splitlines()
    return frozenset(json.loads(line)["question"] for line in lines)
