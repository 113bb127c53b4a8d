"""Verify a JSONL file of answers: the metric over all of it, and a verdict for each row."""

from __future__ import annotations

import json
from pathlib import Path

from dataset_builder.errors import InputError
from metrics.arith_puzzle_verifier.aggregate import aggregate
from metrics.arith_puzzle_verifier.verify import verify


def verify_file(path: Path, out: Path, *, division: str = "exact") -> tuple[dict | None, list[str]]:
    """Judge rows with ``numbers``, ``target`` and ``response``.

    Writes ``out``: for each good row its line number, ``correct``, ``reason``, ``line`` and ``message``.

    Returns:
        (the metric, or None where no row could be read; a line for each broken row, naming it).

    Raises:
        InputError: the file cannot be read, or ``out`` not written.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    rows, broken, partial = [], [], out.with_name(f".{out.name}.tmp")
    try:
        with partial.open("w", encoding="utf-8") as file:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row, fault = _read_row(line)
                if row is None:
                    broken.append(f"{path}:{number}: {fault}")
                    continue
                rows.append(row)
                verdict = verify(row["numbers"], row["target"], row["response"], division=division)
                record = {"row": number, "correct": verdict.correct, "reason": verdict.reason, "line": verdict.line}
                file.write(json.dumps(record | {"message": verdict.message}) + "\n")
        partial.replace(out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}; give another --out") from None
    if not rows:
        return None, broken
    return aggregate([row["response"] for row in rows], rows, division=division), broken


def _read_row(line: str) -> tuple[dict | None, str]:
    try:
        row = json.loads(line)
    except ValueError as error:
        return None, f"not JSON: {error}"
    except RecursionError:
        return None, "not JSON: nested too deeply"
    if not isinstance(row, dict):
        return None, "a row is an object with numbers, target and response"
    numbers, target = row.get("numbers"), row.get("target")
    if not isinstance(numbers, list) or not numbers or not all(type(n) is int for n in numbers):
        return None, "'numbers' must be a list of integers"
    if type(target) is not int:
        return None, "'target' must be an integer"
    if not isinstance(row.get("response"), str):
        return None, "'response' must be a string"
    return row, ""
