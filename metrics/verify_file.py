"""Verify a JSONL file of responses: compute the metric over all rows and write a verdict for each response."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate, puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import FORM_FAULTS, verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import REASONS, check_options, verify

_ROW = "a row is an object with numbers, target and response"


def verify_file(path: Path, out: Path, **options: Any) -> tuple[dict | None, list[str]]:
    """Judge the rows of a JSONL file and write the verdicts.

    Args:
        path: the file. A row has ``numbers``, ``target`` and ``response``, or a list ``responses`` for several samples.
            Other keys and empty lines are ignored.
        out: the JSONL file to write. It gets one line per response: ``row`` (the row's 1-based line number),
            ``correct``, ``reason``, ``line``, ``column`` and ``message``, and for a list also ``sample`` (0-based). If
            the lenient view changes the response, ``lenient`` has its ``correct``, ``reason`` and ``extracted``, the
            text that it judged.
        options: division, rule and form, as in ``verify``.

    Returns:
        (the metric, or None if no row is readable; an error line for each broken row).

    Raises:
        InputError: an unknown option, the file cannot be read, or ``out`` cannot be written.
    """
    try:
        check_options(**options)
    except ValueError as error:
        raise InputError(f"--{error}") from None
    if out.exists() and path.exists() and out.samefile(path):
        raise InputError(f"--out {out} is the file of answers; give another --out")
    partial = out.with_name(f".{out.name}.tmp")
    references, responses, broken = [], [], []
    try:
        with partial.open("w", encoding="utf-8") as file:
            for number, row, fault in read_rows(path):
                if fault:
                    broken.append(f"{path}:{number}: {fault}")
                if row is None:
                    continue
                references.append({"numbers": row["numbers"], "target": row["target"]})
                samples = row.get("responses", [row.get("response")])
                responses.append(samples)
                for sample, response in enumerate(samples):
                    verdict = verify(row["numbers"], row["target"], response, **options)
                    record: dict[str, object] = {"row": number, **({"sample": sample} if "responses" in row else {})}
                    record |= {
                        name: getattr(verdict, name) for name in ("correct", "reason", "line", "column", "message")
                    }
                    if verdict.reason in FORM_FAULTS:
                        lenient = verify_lenient(row["numbers"], row["target"], response, **options)
                        if lenient.extracted is not None:
                            record["lenient"] = {
                                name: getattr(lenient, name) for name in ("correct", "reason", "extracted")
                            }
                    file.write(json.dumps(record) + "\n")
        partial.replace(out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}; give another --out") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    if all(len(samples) == 1 for samples in responses):
        responses = [response for [response] in responses]
    return (aggregate(responses, references, **options) if responses else None), broken


def table(measured: dict) -> str:
    """Format the metric as text lines: a name and a value each, and the meaning of each reason."""
    low, high = measured["pass@1_ci95"]
    lines = [
        f"{'puzzles':<22}{measured['num_puzzles']:>9,}",
        f"{'pass@1':<22}{measured['pass@1']:>9.4f}  [{low:.4f}, {high:.4f}]",
        f"{'pass@1_lenient':<22}{measured['pass@1_lenient']:>9.4f}  after normalization to the strict form",
        *(f"{f'  N={n}':<22}{value:>9.4f}" for n, value in measured["by_n"].items()),
        *(f"{reason:<22}{share:>9.2%}  {REASONS[reason]}" for reason, share in measured["reasons"].items()),
    ]
    return "\n".join(lines)


def read_rows(path: Path) -> Iterator[tuple[int, dict | None, str]]:
    """Yield (1-based line number, row, error) for each line: a row of ``verify_file``, or an error, or neither.

    Raises:
        InputError: the file cannot be read.
    """
    for number, row, fault in read_objects(path):
        fault = fault or (_fault(row) if row is not None else "")
        yield number, None if fault else row, fault


def read_objects(path: Path) -> Iterator[tuple[int, dict | None, str]]:
    """Yield (1-based line number, object, error) for each line of a JSONL file. An empty line has neither.

    The file is UTF-8, with or without a byte order mark. A repeated key, NaN and Infinity are errors.

    Raises:
        InputError: the file cannot be read.
    """
    for number, line in enumerate(_lines(path), 1):
        yield number, *_parse(line, first=number == 1)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the file's lines as bytes, so that a line that is not text does not affect the others."""
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a JSONL file") from None


def _parse(line: bytes, *, first: bool) -> tuple[dict | None, str]:
    """Parse a line: (object, ""), (None, error), or (None, "") for an empty line."""
    try:
        text = line.decode("utf-8-sig" if first else "utf-8").strip(" \t\r\n")
        row = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant) if text else None
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 from byte {error.start + 1} on; save the file as UTF-8"
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} at character {error.pos + 1}"
    except ValueError as error:  # raised by the two hooks, or by the interpreter for a number with thousands of digits
        return None, f"not JSON: {error}" if "digits" not in str(error) else "a number has too many digits"
    except RecursionError:
        return None, "not JSON: nested too deeply"
    if not text:
        return None, ""
    return (row, "") if isinstance(row, dict) else (None, "not a JSON object; write one object per line")


def _fault(row: dict) -> str:
    """What is wrong with a row of ``verify_file``; empty if nothing is."""
    try:
        puzzle_of(row)
    except ValueError as error:
        return f"{error}; {_ROW}" if "missing" in str(error) else str(error)
    if "responses" not in row and "response" not in row:
        return f"'response' is missing; {_ROW}"
    if "responses" in row:
        if not isinstance(row["responses"], list) or not row["responses"]:
            return "'responses' must be a list of strings, one per sample"
        if "response" in row:
            return "has both 'response' and 'responses'; keep one of them"
    elif isinstance(row["response"], list):
        return "'response' must be a string; a list of samples is called 'responses'"
    for response in row.get("responses", [row.get("response")]):
        if not isinstance(response, str):
            return ("'response'" if "response" in row else "every item of 'responses'") + " must be a string"
    return ""


def _object(pairs: list[tuple[str, object]]) -> dict:
    """Build an object and refuse a repeated key, because JSON readers differ on which value they keep."""
    found: dict = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:40]!r} is repeated")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
