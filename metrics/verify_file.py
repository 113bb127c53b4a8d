"""Verify a JSONL file of answers: the metric over all of it, and a verdict for each row."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.verify import REASONS, verify

_ROW = "a row is an object with numbers, target and response"


def verify_file(path: Path, out: Path, *, division: str = "exact") -> tuple[dict | None, list[str]]:
    """Judge rows with ``numbers``, ``target`` and ``response``; other keys are ignored, empty lines too.

    A row with several samples has ``responses``, a list, instead. Writes ``out``: for each response of a good row the
    row's line number, ``correct``, ``reason``, ``line`` and ``message``, and of several samples which one.

    Returns:
        (the metric, or None where no row could be read; a line for each broken row, naming it).

    Raises:
        InputError: the file cannot be read, or ``out`` not written.
    """
    partial = out.with_name(f".{out.name}.tmp")
    references, responses, broken = [], [], []
    try:
        with partial.open("w", encoding="utf-8") as file:
            for number, line in enumerate(_lines(path), 1):
                row, fault = _read_row(line, first=number == 1)
                if fault:
                    broken.append(f"{path}:{number}: {fault}")
                if row is None:
                    continue
                references.append({"numbers": row["numbers"], "target": row["target"]})
                samples = row.get("responses", [row.get("response")])
                responses.append(samples)
                for sample, response in enumerate(samples):
                    verdict = verify(row["numbers"], row["target"], response, division=division)
                    record = {"row": number} | ({"sample": sample} if "responses" in row else {})
                    record |= {"correct": verdict.correct, "reason": verdict.reason, "line": verdict.line}
                    file.write(json.dumps(record | {"message": verdict.message}) + "\n")
        partial.replace(out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}; give another --out") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    if all(len(samples) == 1 for samples in responses):
        responses = [response for [response] in responses]
    return (aggregate(responses, references, division=division) if responses else None), broken


def table(measured: dict) -> str:
    """The metric as lines: what was measured, how much, and in words what each reason means."""
    low, high = measured["pass@1_ci95"]
    lines = [
        f"{'puzzles':<22}{measured['num_puzzles']:>9,}",
        f"{'pass@1':<22}{measured['pass@1']:>9.4f}  [{low:.4f}, {high:.4f}]",
        f"{'pass@1_lenient':<22}{measured['pass@1_lenient']:>9.4f}  once what is beyond doubt is in strict form",
        *(f"{f'  N={n}':<22}{value:>9.4f}" for n, value in measured["by_n"].items()),
        *(f"{reason:<22}{share:>9.2%}  {REASONS[reason]}" for reason, share in measured["reasons"].items()),
    ]
    return "\n".join(lines)


def _lines(path: Path) -> Iterator[bytes]:
    """The file's lines as bytes, so that one that is no text spoils no other."""
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a JSONL file") from None


def _read_row(line: bytes, *, first: bool) -> tuple[dict | None, str]:
    """(row, "") for a good one, (None, what is wrong) for a broken one, (None, "") for an empty line."""
    try:
        text = line.decode("utf-8-sig" if first else "utf-8").strip(" \t\r\n")
        row = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant) if text else None
    except UnicodeDecodeError as error:
        return None, f"not UTF-8, from byte {error.start + 1} on; save the file as UTF-8"
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} at character {error.pos + 1}"
    except ValueError as error:  # ours, or the interpreter's on a number of thousands of digits
        return None, f"not JSON: {error}" if "digits" not in str(error) else "a number has too many digits"
    except RecursionError:
        return None, "not JSON: nested too deeply"
    if not text:
        return None, ""
    if not isinstance(row, dict):
        return None, _ROW
    for key in ("numbers", "target", "responses" if "responses" in row else "response"):
        if key not in row:
            return None, f"{key!r} is missing; {_ROW}"
    if not isinstance(row["numbers"], list) or not row["numbers"] or {type(n) for n in row["numbers"]} != {int}:
        return None, "'numbers' must be a list of integers"
    if type(row["target"]) is not int:
        return None, "'target' must be an integer"
    if "responses" in row:
        if not isinstance(row["responses"], list) or not row["responses"]:
            return None, "'responses' must be a list of strings, one for each sample"
        if "response" in row:
            return None, "'response' and 'responses' both; a row has one of them"
    for response in row.get("responses", [row.get("response")]):
        if not isinstance(response, str):
            return None, "'response' must be a string" if "response" in row else "each of 'responses' must be a string"
    return row, ""


def _object(pairs: list[tuple[str, object]]) -> dict:
    """Of two values for one key, JSON readers keep now the first, now the last: refused."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {twice[:40]!r} comes twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
