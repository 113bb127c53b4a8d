"""What all harnesses share: the prompt of a row, and the two verdicts on a response.

A row has ``numbers`` and ``target``. It is asked and judged by its own rules if it states them in the columns
``rule``, ``division`` and ``form``, and by the paper's rules otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from arith_puzzle.dataset_builder.puzzle import natural_prompt, symbolic_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import check_options, rules_of, verify

FORMATS = ("natural", "symbolic")
"""The rules and the puzzle in English; the line on which this project's models are trained."""


def check_format(format: str) -> None:
    """Raise ValueError for an unknown prompt format."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, not {format!r}")


def question(row: Mapping, format: str = "natural") -> str:
    """The prompt of a row. It ends with a newline.

    Raises:
        ValueError: an unknown format, or a row without integer ``numbers`` and ``target`` or with unknown rules.
    """
    check_format(format)
    (numbers, target), rules = puzzle_of(row), rules_of(row)
    check_options(**rules)
    if format == "symbolic":
        return symbolic_prompt(numbers, target)
    return natural_prompt(numbers, target, **rules)


def scores(row: Mapping, response: str | None) -> dict[str, float]:
    """Judge a response: 1.0 if it is right, else 0.0.

    Args:
        row: numbers, target, and the row's rules.
        response: any string. None, which a server may give for a refused request, is an empty response.

    Returns:
        ``strict``: the response exactly as it is, the metric's ``pass@1``. ``lenient``: the response after it has been
        put into strict form, the metric's ``pass@1_lenient``.

    Raises:
        ValueError: as ``question``. No response raises.
    """
    (numbers, target), rules = puzzle_of(row), rules_of(row)
    text = response if isinstance(response, str) else ""
    return {
        "strict": float(verify(numbers, target, text, **rules).correct),
        "lenient": float(verify_lenient(numbers, target, text, **rules).correct),
    }
