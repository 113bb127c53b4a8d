"""Verify a file of responses: compute the metric over all rows and write a verdict for each response."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import output_file
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import FORM_FAULTS, verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import REASONS, check_options, rules_of, verify
from arith_puzzle.metrics.read_answers import read_answers


def verify_file(path: Path, out: Path, **options: Any) -> tuple[dict | None, list[str]]:
    """Judge the rows of a file and write the verdicts.

    Args:
        path: the file; see ``read_answers``.
        out: the JSONL file to write. It gets one line per response: ``row`` (the row's 1-based line number),
            ``correct``, ``reason``, ``line``, ``column`` and ``message``, and for a list also ``sample`` (0-based). If
            the lenient view changes the response, ``lenient`` has its ``correct``, ``reason`` and ``extracted``, the
            text that it judged. Without a readable row it stays as it is.
        options: division, rule and form, as in ``verify``. What is left out is as the rows state it (``rules_of``).

    Returns:
        (the metric, or None if no row is readable; an error line for each broken row).

    Raises:
        InputError: an unknown option, the file cannot be read, or ``out`` cannot be written.
    """
    _check({"form": "expression"} | options)  # which every division goes with; the rows may state it
    real = output_file(out)
    if real.exists() and path.exists() and real.samefile(path):
        raise InputError(f"--out {out} is the file of answers; give another --out")
    partial = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    references, responses, broken, rules = [], [], [], None
    try:
        with partial.open("w", encoding="utf-8") as file:
            for number, row, fault in read_answers(path):
                if fault:
                    broken.append(f"{path}:{number}: {fault}")
                if row is None:
                    continue
                own = rules_of(row) | options
                if rules is None:
                    _check(own)
                    rules = own
                if own != rules:
                    broken.append(
                        f"{path}:{number}: {_named(own)}, and the rows before {_named(rules)}; judge them apart"
                    )
                    continue
                references.append({"numbers": row["numbers"], "target": row["target"]})
                samples = row.get("responses", [row.get("response")])
                responses.append(samples)
                for sample, response in enumerate(samples):
                    verdict = verify(row["numbers"], row["target"], response, **own)
                    record: dict[str, object] = {"row": number, **({"sample": sample} if "responses" in row else {})}
                    record |= {
                        name: getattr(verdict, name) for name in ("correct", "reason", "line", "column", "message")
                    }
                    if verdict.reason in FORM_FAULTS:
                        lenient = verify_lenient(row["numbers"], row["target"], response, **own)
                        if lenient.extracted is not None:
                            record["lenient"] = {
                                name: getattr(lenient, name) for name in ("correct", "reason", "extracted")
                            }
                    file.write(json.dumps(record) + "\n")
        if responses:
            partial.replace(real)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}; give another --out") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    if all(len(samples) == 1 for samples in responses):
        responses = [response for [response] in responses]
    return (aggregate(responses, references, **(rules or {})) if responses else None), broken


def _named(rules: dict[str, Any]) -> str:
    return " ".join(["rules", *(f"{name} {value}" for name, value in rules.items())]) if rules else "the default rules"


def _check(options: dict[str, Any]) -> None:
    try:
        check_options(**options)
    except ValueError as error:
        raise InputError(f"--{error}") from None


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
