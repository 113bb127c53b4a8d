"""Read answers to puzzles from the files of this project and of its neighbours.

- JSONL: one object per line with ``numbers`` (or ``nums``, as in Countdown's datasets), ``target``, and ``response`` or
  a list ``responses``. ``score`` or ``scores`` may hold what another scorer gave.
- JSON of reasoning-gym-eval: ``results`` with ``question`` and ``completions``; each of these has ``model_answer`` and
  ``score``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of

_ROW = "a row is an object with numbers, target and response"
WORDINGS = {
    "all, at most once": re.compile(
        r"Calculate (?P<target>-?\d+) using all of these numbers: (?P<numbers>[-\d, ]+)\.\n"
        r"Each number may be used at most once\."
    ),
    "all": re.compile(
        r"(?:Using all the numbers (?P<numbers>[-\d, ]+), create an expression that equals (?P<target>-?\d+)\.\n"
        r"You can only use each number once\.)"
    ),
    "all, only once": re.compile(
        r"Find a way to make (?P<target>-?\d+) using all of these numbers: (?P<numbers>[-\d, ]+)\.\n"
        r"Each number can only be used once\."
    ),
}
"""Name of a wording -> the question of reasoning-gym's countdown that states the rule in these words."""


def read_answers(path: Path) -> Iterator[tuple[int, dict | None, str]]:
    """Yield (number, row, error) for each row of a file: a row, or an error, or neither for an empty line.

    A row has ``numbers``, ``target``, and ``response`` or ``responses``; ``scores`` (a list, one for each response) if
    the file has scores; and ``wording``, a key of WORDINGS, if the file has questions. The number of a row is its
    1-based line in JSONL, or its 1-based place in ``results``.

    Raises:
        InputError: the file cannot be read, or is JSON of another kind.
    """
    rows = _results(path) if path.suffix == ".json" else read_objects(path)
    for number, row, fault in rows:
        if row is not None and not fault:
            row = ({"numbers": row["nums"]} if "nums" in row and "numbers" not in row else {}) | row
            fault = _fault(row)
        yield number, None if fault else row, fault


def read_objects(path: Path) -> Iterator[tuple[int, dict | None, str]]:
    """Yield (1-based line number, object, error) for each line of a JSONL file. An empty line has neither.

    The file is UTF-8, with or without a byte order mark. A repeated key, NaN and Infinity are errors.

    Raises:
        InputError: the file cannot be read.
    """
    for number, line in enumerate(_lines(path), 1):
        yield number, *_parse(line, first=number == 1)


def _results(path: Path) -> Iterator[tuple[int, dict | None, str]]:
    """The rows of a file of reasoning-gym-eval."""
    value, fault = _parse(b"".join(_lines(path)), first=True)
    results = value.get("results") if value else None
    if not isinstance(results, list):
        raise InputError(f"{path}: {fault or 'no list of results'}; give JSONL, or JSON of reasoning-gym-eval")
    for number, result in enumerate(results, 1):
        try:
            yield number, _puzzle_of_question(result), ""
        except (KeyError, TypeError, ValueError) as error:
            yield number, None, f"result {number}: {error if isinstance(error, ValueError) else 'a key is missing'}"


def _puzzle_of_question(result: dict) -> dict:
    for wording, pattern in WORDINGS.items():
        if found := pattern.match(result["question"]):
            numbers = [int(number) for number in found["numbers"].split(",")]
            answers = [completion["model_answer"] for completion in result["completions"]]
            return {
                "numbers": numbers,
                "target": int(found["target"]),
                "responses": ["" if answer is None else answer for answer in answers],
                "scores": [completion["score"] for completion in result["completions"]],
                "wording": wording,
            }
    raise ValueError(f"the question is not one of countdown's three: {result['question'][:60]!r}")


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
    """What is wrong with a row; empty if nothing is."""
    try:
        puzzle_of(row)
        rules_of(row)
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
