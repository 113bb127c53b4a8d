"""The answers of one split, kept as a JSONL file. A run that was killed resumes from this file.

There is one line for each row, in the order of the rows:

    {"numbers": [...], "target": 4, "response": "58-51=7\\n...", "new_tokens": 31}

With several samples a row, "responses" and "new_tokens" are lists. "raw" holds the model's whole text where only a part
of it is judged (chain of thought, search). ``arith-puzzle verify`` reads such a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.decoding import Answer
from arith_puzzle.evaluation.prompting import Prompting


class Generations:
    """The answers to ``rows`` in the file ``path``, including those of an interrupted run.

    An interrupted run may leave an incomplete batch of ``batch`` rows. The file is cut to complete batches, and the
    rest is generated again. So the finished file has the same bytes as one without an interruption.

    Args:
        rows: the columns that each line repeats (``Task.record``).
        draws: the number of samples for each row.

    Raises:
        InputError: the file holds answers to other rows, or is not a file of answers.
    """

    def __init__(self, path: Path, rows: Sequence[dict], *, batch: int, draws: int):
        self.path, self._rows, self._draws = path, rows, draws
        self._key = "response" if draws == 1 else "responses"
        self._records: list[dict] = []
        if path.is_file():
            self._resume(batch)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def answers(self) -> list:
        """The judged texts: a string for each row, or a list of strings."""
        return [record[self._key] for record in self._records]

    @property
    def new_tokens(self) -> list[int]:
        """The number of generated tokens of every answer, eos included."""
        counts = [record["new_tokens"] for record in self._records]
        return counts if self._draws == 1 else [count for row in counts for count in row]

    def append(self, answers: Sequence[Answer], prompting: Prompting) -> None:
        """Write the answers to the next rows. The samples of a row are adjacent.

        Raises:
            InputError: the disk is full or not writable.
        """
        lines = []
        for start in range(0, len(answers), self._draws):
            samples = answers[start : start + self._draws]
            columns: dict[str, Any] = {self._key: [prompting.judged(answer.text) for answer in samples]}
            if prompting.keeps_raw:
                columns["raw"] = [answer.text for answer in samples]
            columns["new_tokens"] = [answer.new_tokens for answer in samples]
            if self._draws == 1:
                columns = {name: values[0] for name, values in columns.items()}
            self._records.append(self._rows[len(self._records)] | columns)
            lines.append(json.dumps(self._records[-1]) + "\n")
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
        except OSError as error:
            raise InputError(
                f"cannot write to {self.path}: {error.strerror}; make room and repeat the command: it resumes from here"
            ) from None

    def _resume(self, batch: int) -> None:
        content = self.path.read_bytes()
        lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
        lines = lines if len(lines) == len(self._rows) else lines[: len(lines) // batch * batch]
        for number, (line, row) in enumerate(zip(lines, self._rows, strict=False), 1):
            try:
                record = json.loads(line)
                same = all(record[name] == value for name, value in row.items()) and self._complete(record)
            except (ValueError, KeyError, TypeError):
                same = False
            if not same:
                raise InputError(
                    f"{self.path}:{number} does not answer row {number} of the split; give another --out, or delete it"
                )
            self._records.append(record)
        if len(lines) > len(self._rows):
            raise InputError(f"{self.path} holds more rows than the split; give another --out, or delete it")
        os.truncate(self.path, sum(map(len, lines)))

    def _complete(self, record: dict) -> bool:
        """Return whether a line has all its samples."""
        texts, counts = record[self._key], record["new_tokens"]
        if self._draws == 1:
            texts, counts = [texts], [counts]
        return (len(texts), len(counts)) == (self._draws, self._draws) and all(isinstance(text, str) for text in texts)
