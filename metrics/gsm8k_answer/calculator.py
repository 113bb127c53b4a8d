"""The calculator annotations of GSM8K, ``<<48/2=24>>``: does the value follow from the expression?

    python -m arith_puzzle.metrics.gsm8k_answer.calculator train.jsonl test.jsonl

Rows are JSON objects with the solution in ``answer`` (as on the Hub) or ``response``. Exact: numbers are
fractions, nothing is rounded, and no text is evaluated as code. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

MAX_EXPRESSION_CHARS = 1000
"""Longest expression that is read; those of GSM8K have well under 100 characters."""

OUTCOMES = {
    "exact": "both sides have one value",
    "rounded": "they have, once rounded to the digits that are written (1/3=0.33)",
    "wrong": "they have not",
    "unreadable": "not of the form expression=expression, or a division by zero",
}

_TOKEN = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)|[-+*/()]")
_TWO_NUMBERS = re.compile(r"[0-9.] +[0-9.]")
_DECIMAL = re.compile(r"-?[0-9]*\.([0-9]+)")
_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "sign": 3}


def evaluate_expression(text: str) -> Fraction | None:
    """The exact value of numbers with ``+ - * /``, signs and brackets, or None if it has none.

    Args:
        text: any text; spaces are ignored, but not between two numbers.

    Returns:
        The value; None for what is no such expression, divides by zero, or is longer than MAX_EXPRESSION_CHARS.
        Two stacks and a loop: no depth of brackets is too deep. Nothing is raised on any string.
    """
    if len(text) > MAX_EXPRESSION_CHARS or _TWO_NUMBERS.search(text):
        return None
    text = text.replace(" ", "")
    tokens = _TOKEN.findall(text)
    if not tokens or sum(map(len, tokens)) != len(text):
        return None
    values: list[Fraction] = []
    waiting: list[str] = []  # operators and open brackets
    operand = True  # is an operand, or what may precede one, expected here?
    for token in tokens:
        if token[0] not in "+-*/()":
            if not operand:
                return None
            values.append(Fraction(token))
            operand = False
        elif token == "(":
            if not operand:
                return None
            waiting.append(token)
        elif operand:
            if token not in "+-":
                return None
            waiting.append("sign" if token == "-" else "+sign")
        elif token == ")":
            while waiting and waiting[-1] != "(":
                if not _apply(waiting.pop(), values):
                    return None
            if not waiting:
                return None
            waiting.pop()
        else:
            while waiting and waiting[-1] != "(" and _BINDS.get(waiting[-1], 3) >= _BINDS[token]:
                if not _apply(waiting.pop(), values):
                    return None
            waiting.append(token)
            operand = True
    if operand:
        return None
    while waiting:
        operator = waiting.pop()
        if operator == "(" or not _apply(operator, values):
            return None
    return values[0]


def _apply(operator: str, values: list[Fraction]) -> bool:
    """Put the operator's value in place of its operands; False for a division by zero."""
    if operator == "+sign":
        return True
    b = values.pop()
    if operator == "sign":
        values.append(-b)
        return True
    a = values.pop()
    if operator == "/" and not b:
        return False
    values.append(a + b if operator == "+" else a - b if operator == "-" else a * b if operator == "*" else a / b)
    return True


def check_annotation(text: str) -> str:
    """What an annotation's text, such as ``48/2=24``, is: a key of OUTCOMES."""
    left, equals, right = text.replace(" ", "").rpartition("=")
    value, written = evaluate_expression(left), evaluate_expression(right)
    if not equals or value is None or written is None:
        return "unreadable"
    if written == value:
        return "exact"
    places = _DECIMAL.fullmatch(right)
    return "rounded" if places and abs(written - value) * 2 * 10 ** len(places[1]) <= 1 else "wrong"


def check_annotations(solutions: Iterable[str]) -> Counter[str]:
    """How many annotations of the solutions have each of OUTCOMES."""
    return Counter(check_annotation(text) for solution in solutions for text in _ANNOTATION.findall(solution))


def main(argv: list[str] | None = None) -> int:
    """Print the table; returns the exit status: 2 for a file that cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m arith_puzzle.metrics.gsm8k_answer.calculator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--json", type=Path, help="write the counts here too")
    args = parser.parse_args(argv)
    counts = {}
    for path in args.files:
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
            counts[path.name] = check_annotations(row["answer"] if "answer" in row else row["response"] for row in rows)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "rows need a text in 'answer' or 'response'"
            print(f"{path}: {reason}; give JSONL files of GSM8K", file=sys.stderr)
            return 2
    print(f"{'file':<16}{'annotations':>12}" + "".join(f"{outcome:>20}" for outcome in OUTCOMES))
    for name, found in counts.items():
        total = found.total()
        shares = "".join(f"{found[outcome]:>11,} {found[outcome] / max(total, 1):>8.3%}" for outcome in OUTCOMES)
        print(f"{name:<16}{total:>12,}{shares}")
    for outcome, meaning in OUTCOMES.items():
        print(f"  {outcome}: {meaning}")
    if args.json:
        args.json.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
