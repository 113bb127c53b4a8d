"""GSM8K as it is read, the random bits that everything here is drawn from, and a row of the dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.gsm8k_answer.score import answer

ORIGINAL = "original"
"""The strategy of rows whose question is GSM8K's own."""

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
"""The dataset's columns; the card says what each holds. ``agreement`` and ``margin`` are null for the rules."""


@dataclass(frozen=True)
class Problem:
    """A row of GSM8K: its 0-based index in the file, the question, the solution and its final number."""

    index: int
    query: str
    response: str
    answer: Fraction


class Draws:
    """Random whole numbers from a counter-based generator: BLAKE2b of a key and a counter.

    The key is all that identifies the stream, so that no two streams share bits as ``seed + i`` would.
    """

    def __init__(self, *key: object):
        self._key = "/".join(map(str, key)).encode()
        self._count = 0
        self._words: list[int] = []

    def below(self, n: int) -> int:
        """A number in 0..n-1, uniform but for 2**-64."""
        if not self._words:
            digest = hashlib.blake2b(self._key + self._count.to_bytes(8, "little")).digest()
            self._words = [int.from_bytes(digest[i : i + 8], "little") for i in range(0, 64, 8)]
            self._count += 1
        return (self._words.pop() * n) >> 64


def read_problems(path: Path, limit: int | None = None) -> list[Problem]:
    """The first ``limit`` rows of a GSM8K file, or all.

    Args:
        path: JSONL with ``question`` and ``answer`` (as on the Hub), or ``query`` and ``response``.

    Raises:
        InputError: a file that cannot be read, a row without the two texts or without a final number.
    """
    problems = []
    for index, row in enumerate(read_jsonl(path)):
        if limit is not None and index == limit:
            break
        query = row.get("query", row.get("question"))
        response = row.get("response", row.get("answer"))
        gold = answer(response) if isinstance(response, str) else None
        if not isinstance(query, str) or gold is None:
            raise InputError(f"{path}: row {index} needs a question and a solution with its number; give GSM8K's JSONL")
        problems.append(Problem(index, query, response, gold))
    if not problems:
        raise InputError(f"{path} holds no row; give GSM8K's JSONL")
    return problems


def read_jsonl(path: Path) -> Iterable[dict]:
    """The objects of a JSONL file, one by one. Raises InputError if it cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise InputError(f"{path}:{number}: a row is a JSON object")
                    yield row
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a JSONL file") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not JSONL in UTF-8; give one JSON object per line") from None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def number_text(value: Fraction) -> str:
    """A number as text: whole and decimal ones as such, others as ``p/q``."""
    if value.denominator == 1:
        return str(value.numerator)
    places = next((p for p in range(1, 13) if (value * 10**p).denominator == 1), None)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(int(value * 10**places)):0{places + 1}d}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
