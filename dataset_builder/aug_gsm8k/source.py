"""Shared parts of AugGSM8K: the reader of GSM8K files, a random number generator, and the columns of the dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.gsm8k_answer.score import answer
from arith_puzzle.metrics.read_answers import read_objects

ORIGINAL = "original"
"""Strategy name of rows whose question comes from GSM8K unchanged."""

SCHEMA = pa.schema(
    [
        ("query", pa.string()),
        ("response", pa.string()),
        ("answer", pa.string()),
        ("strategy", pa.string()),
        ("source_index", pa.int32()),
        ("question_index", pa.int16()),
        ("path_index", pa.int16()),
        ("agreement", pa.float32()),
        ("margin", pa.float32()),
        ("generator", pa.string()),
        ("parameters", pa.string()),
    ]
)
"""Columns of the dataset. The card describes them. ``agreement`` and ``margin`` are null for rows made by rules."""


@dataclass(frozen=True)
class Problem:
    """A row of GSM8K.

    Attributes:
        index: its 0-based row in the file.
        query: the question.
        response: the solution.
        answer: the final number of the solution.
    """

    index: int
    query: str
    response: str
    answer: Fraction


class Draws:
    """A counter-based random number generator: BLAKE2b of a key and a counter.

    Args:
        key: everything that identifies the stream. Streams with different keys are independent, which ``seed + i`` does
            not guarantee.
    """

    def __init__(self, *key: object):
        self._key = "/".join(map(str, key)).encode()
        self._count = 0
        self._words: list[int] = []

    def below(self, n: int) -> int:
        """A random integer in 0..n-1, uniform up to a bias of 2**-64."""
        if not self._words:
            digest = hashlib.blake2b(self._key + self._count.to_bytes(8, "little")).digest()
            self._words = [int.from_bytes(digest[i : i + 8], "little") for i in range(0, 64, 8)]
            self._count += 1
        return (self._words.pop() * n) >> 64


def read_problems(path: Path, limit: int | None = None) -> list[Problem]:
    """Read a GSM8K file.

    Args:
        path: JSONL with ``question`` and ``answer`` (as on the Hub), or ``query`` and ``response``.
        limit: maximum number of rows; None reads all.

    Raises:
        InputError: the file cannot be read, or a row lacks the question, the solution or the final number.
    """
    problems = []
    for index, (number, row) in enumerate(islice(read_jsonl(path), limit)):
        query = row.get("query", row.get("question"))
        response = row.get("response", row.get("answer"))
        gold = answer(response) if isinstance(response, str) else None
        if not isinstance(query, str) or not isinstance(response, str) or gold is None:
            raise InputError(f"{path}:{number}: no question or no solution with a number; give GSM8K's JSONL")
        if any(0xD800 <= ord(letter) < 0xE000 for letter in query + response):
            raise InputError(f"{path}:{number}: half of a surrogate pair is no text; write the whole character")
        query, response = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (query, response))
        problems.append(Problem(index, query, response, gold))
    if not problems:
        raise InputError(f"{path} has no row; give GSM8K's JSONL")
    return problems


def read_jsonl(path: Path) -> Iterator[tuple[int, dict]]:
    """Yield (1-based line number, object) of a JSONL file. Raises InputError if a line is broken."""
    for number, row, fault in read_objects(path):
        if fault:
            raise InputError(f"{path}:{number}: {fault}")
        if row is not None:
            yield number, row


def number_text(value: Fraction) -> str:
    """Write a number as text: an integer or a finite decimal, else ``p/q``."""
    if value.denominator == 1:
        return str(value.numerator)
    places = next((p for p in range(1, 13) if (value * 10**p).denominator == 1), None)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(int(value * 10**places)):0{places + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
