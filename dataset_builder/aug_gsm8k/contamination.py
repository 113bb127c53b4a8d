"""Does a question come from a test? 13 words in a row shared with one, or the same question but for its numbers.

A list of 13 words is the usual bound (GPT-3, arXiv 2005.14165, appendix C). Words are runs of letters and digits in
lower case. In the whole-question comparison every number counts as one and the same word, so that a test
question with other numbers is found as well.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.aug_gsm8k.source import file_sha256, read_jsonl

N = 13

BENCHMARKS = {
    "gsm8k-test": "openai/gsm8k, config main, split test (column question)",
    "math-test": "DigitalLearningGmbH/MATH-lighteval, config default, split test (column problem)",
}
"""What may be compared with, and which Hub dataset to export: ``load_dataset(...).to_json(FILE)``."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+(?:[.,][0-9]+)*")


def words(text: str) -> list[str]:
    """The words and numbers of a text, in lower case."""
    return _WORD.findall(text.lower().replace("\u2019", "'"))


def normalized(text: str, *, numbers: bool) -> str:
    """The words joined by single spaces; without ``numbers`` each of these is written ``0``."""
    return " ".join(word if numbers or not word[0].isdigit() else "0" for word in words(text))


class Benchmarks:
    """The questions of tests, and what was found to be one of them.

    Attributes:
        compared: {benchmark: {"file", "sha256", "questions"}} of those that were given.
        found: how often each (benchmark, rule) was met; the rules are ``13-gram`` and ``question``.
    """

    def __init__(self, files: dict[str, Path]):
        """Read the files, JSONL with ``question``, ``query`` or ``problem``.

        Raises:
            InputError: an unknown benchmark; a file that cannot be read or holds no question.
        """
        self.compared: dict[str, dict] = {}
        self.found: Counter[tuple[str, str]] = Counter()
        self._grams: dict[str, str] = {}
        self._questions: dict[str, str] = {}
        for name, path in files.items():
            if name not in BENCHMARKS:
                raise InputError(f"--against takes NAME=FILE, NAME one of {', '.join(BENCHMARKS)}, not {name!r}")
            count = 0
            for count, row in enumerate(read_jsonl(path), 1):
                text = row.get("question", row.get("query", row.get("problem")))
                if not isinstance(text, str):
                    raise InputError(
                        f"{path}: row {count} has no question, query or problem; export {BENCHMARKS[name]}"
                    )
                for gram in _grams(text):
                    self._grams.setdefault(gram, name)
                self._questions.setdefault(normalized(text, numbers=False), name)
            if not count:
                raise InputError(f"{path} holds no question; export {BENCHMARKS[name]}")
            self.compared[name] = {"file": path.name, "sha256": file_sha256(path), "questions": count}

    def find(self, text: str) -> bool:
        """Is the question one of a test's? Counts it in ``found`` if so."""
        name = self._questions.get(normalized(text, numbers=False))
        rule = "question"
        if name is None:
            name = next((self._grams[gram] for gram in _grams(text) if gram in self._grams), None)
            rule = "13-gram"
        if name is not None:
            self.found[name, rule] += 1
        return name is not None

    def report(self) -> dict:
        """For each of BENCHMARKS what was compared and found, or ``"not compared"``."""
        return {
            name: self.compared[name] | {rule: self.found[name, rule] for rule in ("question", "13-gram")}
            if name in self.compared
            else "not compared"
            for name in BENCHMARKS
        }


def _grams(text: str) -> list[str]:
    found = words(text)
    return [" ".join(found[i : i + N]) for i in range(len(found) - N + 1)]
