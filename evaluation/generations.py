"""The answers of one split as a JSONL file that survives a kill: a line per row, in the rows' order.

{"numbers": [...], "target": 4, "response": "58-51=7\\n...", "new_tokens": 31}

With several samples of a row, "responses" and "new_tokens" are lists. Where not the whole text is judged (chain of
thought, a search), "raw" holds what the model said. ``arith-puzzle verify`` reads such a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.inference import Answer
from arith_puzzle.evaluation.prompting import Prompting


class Generations:
    """Answers to ``rows`` in ``path``, with those that an earlier run left.

    What it left is cut to whole batches of ``batch`` rows: a batch that was written in part is generated again, whole,
    so that the file ends as if there had been no interruption.

    Raises:
        InputError: the file holds answers to other rows, or something else.
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
        """What is judged: a string for each row, or a list of strings."""
        return [record[self._key] for record in self._records]

    @property
    def new_tokens(self) -> list[int]:
        """Generated tokens of every answer, eos included."""
        counts = [record["new_tokens"] for record in self._records]
        return counts if self._draws == 1 else [count for row in counts for count in row]

    def append(self, answers: Sequence[Answer], prompting: Prompting) -> None:
        """Write the answers to the next rows, all samples of a row side by side.

        Raises:
            InputError: the disk is full, or not to be written to.
        """
        lines = []
        for start in range(0, len(answers), self._draws):
            drawn = answers[start : start + self._draws]
            columns = {self._key: [prompting.judged(answer.text) for answer in drawn]}
            if prompting.keeps_raw:
                columns["raw"] = [answer.text for answer in drawn]
            columns["new_tokens"] = [answer.new_tokens for answer in drawn]
            if self._draws == 1:
                columns = {name: values[0] for name, values in columns.items()}
            self._records.append(self._rows[len(self._records)] | columns)
            lines.append(json.dumps(self._records[-1]) + "\n")
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
        except OSError as error:
            raise InputError(
                f"cannot write to {self.path}: {error.strerror}; make room and repeat the command, it goes on from here"
            ) from None

    def _resume(self, batch: int) -> None:
        content = self.path.read_bytes()
        lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
        lines = lines if len(lines) == len(self._rows) else lines[: len(lines) // batch * batch]
        for number, (line, row) in enumerate(zip(lines, self._rows, strict=False), 1):
            try:
                record = json.loads(line)
                same = all(record[name] == value for name, value in row.items()) and self._whole(record)
            except (ValueError, KeyError, TypeError):
                same = False
            if not same:
                raise InputError(f"{self.path}:{number} is no answer to this row; give another --out, or delete it")
            self._records.append(record)
        if len(lines) > len(self._rows):
            raise InputError(f"{self.path} holds more rows than the split; give another --out, or delete it")
        os.truncate(self.path, sum(map(len, lines)))

    def _whole(self, record: dict) -> bool:
        texts, counts = record[self._key], record["new_tokens"]
        if self._draws == 1:
            texts, counts = [texts], [counts]
        return (len(texts), len(counts)) == (self._draws, self._draws) and all(isinstance(text, str) for text in texts)
