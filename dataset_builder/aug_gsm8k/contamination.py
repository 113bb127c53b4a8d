"""Detect contamination: decide whether a question comes from a test set.

A question is contaminated if it shares 13 consecutive words with a test question, or if it equals a test question
except for the numbers. 13 words is a common bound (GPT-3, arXiv 2005.14165, appendix C). Words are runs of letters or
digits in lower case. When whole questions are compared, all numbers count as equal.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256
from arith_puzzle.dataset_builder.aug_gsm8k.source import read_jsonl

N = 13
"""Number of shared consecutive words that counts as contamination."""

BENCHMARKS = {
    "gsm8k-test": "openai/gsm8k, config main, split test (column question)",
    "gsm-plus": "qtli/GSM-Plus, split test or testmini (column question)",
    "svamp": "SVAMP, as reasoning-machines/pal ships it (column input)",
    "gsm-hard": "GSM-Hard, as reasoning-machines/pal ships it (column input)",
    "math-500": "HuggingFaceH4/MATH-500, split test (column problem)",
    "math-test": "DigitalLearningGmbH/MATH-lighteval, config default, split test (column problem)",
}
"""Test set -> the source of its JSONL file: a dataset of the Hub to export with ``load_dataset(...).to_json(FILE)``, or
a repository that has the file."""
COLUMNS = ("question", "query", "problem", "input")
"""Columns that may have the question of a test set. A file's first of them is read."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+(?:[.,][0-9]+)*")


def words(text: str) -> list[str]:
    """Split a text into words and numbers, in lower case."""
    return _WORD.findall(text.lower().replace("\u2019", "'"))


def normalized(text: str, *, numbers: bool) -> str:
    """Join the words of a text by single spaces. If ``numbers`` is false, every number becomes ``0``."""
    return " ".join(word if numbers or not word[0].isdigit() else "0" for word in words(text))


class Benchmarks:
    """The questions of the test sets, and counts of the matches.

    Attributes:
        compared: {benchmark: {"file", "sha256", "questions"}} for the given files.
        found: {(benchmark, rule): number of matches}. The rules are ``13-gram`` and ``question``.
    """

    def __init__(self, files: dict[str, Path]):
        """Read the test questions.

        Args:
            files: {benchmark: JSONL file}. A row has its question in one of COLUMNS.

        Raises:
            InputError: an unknown benchmark, or a file that cannot be read or has no question.
        """
        self.compared: dict[str, dict] = {}
        self.found: Counter[tuple[str, str]] = Counter()
        self._grams: dict[str, str] = {}
        self._questions: dict[str, str] = {}
        for name, path in files.items():
            if name not in BENCHMARKS:
                raise InputError(
                    f"--against takes NAME=FILE, where NAME is one of {', '.join(BENCHMARKS)}, not {name!r}"
                )
            count = 0
            for number, row in read_jsonl(path):
                count += 1
                text = next((row[column] for column in COLUMNS if column in row), None)
                if not isinstance(text, str):
                    raise InputError(f"{path}:{number}: no {', '.join(COLUMNS)}; give {BENCHMARKS[name]}")
                for gram in _grams(text):
                    self._grams.setdefault(gram, name)
                self._questions.setdefault(normalized(text, numbers=False), name)
            if not count:
                raise InputError(f"{path} has no question; give {BENCHMARKS[name]}")
            self.compared[name] = {"file": path.name, "sha256": file_sha256(path), "questions": count}

    def find(self, text: str) -> bool:
        """Whether the question comes from a test set. A match is counted in ``found``."""
        name = self._questions.get(normalized(text, numbers=False))
        rule = "question"
        if name is None:
            name = next((self._grams[gram] for gram in _grams(text) if gram in self._grams), None)
            rule = "13-gram"
        if name is not None:
            self.found[name, rule] += 1
        return name is not None

    def report(self) -> dict:
        """{benchmark: what was compared and found, or ``"not compared"``} for all BENCHMARKS."""
        return {
            name: self.compared[name] | {rule: self.found[name, rule] for rule in ("question", "13-gram")}
            if name in self.compared
            else "not compared"
            for name in BENCHMARKS
        }


def _grams(text: str) -> list[str]:
    """All sequences of N consecutive words."""
    found = words(text)
    return [" ".join(found[i : i + N]) for i in range(len(found) - N + 1)]
