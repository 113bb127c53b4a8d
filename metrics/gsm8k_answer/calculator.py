"""Check GSM8K's calculator annotations, such as ``<<48/2=24>>``, and print how many hold.

    python -m arith_puzzle.metrics.gsm8k_answer.calculator train.jsonl test.jsonl

In a clone of the metric's Space, the command is ``python -m calculator train.jsonl test.jsonl``.

A row is a JSON object with the solution in ``answer`` (as on the Hub) or in ``response``. The arithmetic is exact:
numbers are fractions. No text is evaluated as code. The module imports only the standard library.
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
"""Longest expression that is evaluated, in characters. Expressions in GSM8K have fewer than 100."""

OUTCOMES = {
    "exact": "both sides have the same value",
    "rounded": "the right side is the left side rounded to the written decimals (1/3=0.33)",
    "wrong": "the sides have different values",
    "unreadable": "not of the form expression=expression, or a division by zero",
}
"""Outcome of a check -> its meaning."""

_TOKEN = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)|[-+*/()]")
_TWO_NUMBERS = re.compile(r"[0-9.] +[0-9.]")
_DECIMAL = re.compile(r"-?[0-9]*\.([0-9]+)")
_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "sign": 3}


def evaluate_expression(text: str) -> Fraction | None:
    """Evaluate an expression of numbers, ``+ - * /``, signs and brackets exactly.

    The evaluator uses two stacks and no recursion, so brackets may nest to any depth. No string raises.

    Args:
        text: any string. Spaces are ignored, except between two numbers.

    Returns:
        The value. None if the text is not such an expression, divides by zero, or is longer than
        MAX_EXPRESSION_CHARS.
    """
    if len(text) > MAX_EXPRESSION_CHARS or _TWO_NUMBERS.search(text):
        return None
    text = text.replace(" ", "")
    tokens = _TOKEN.findall(text)
    if not tokens or sum(map(len, tokens)) != len(text):
        return None
    values: list[Fraction] = []
    waiting: list[str] = []  # operators and open brackets
    operand = True  # whether an operand, a sign or an open bracket must come next
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
    """Replace the operands on the stack by the operator's value. Return False for a division by zero."""
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
    """Check an annotation's text, such as ``48/2=24``. Return a key of OUTCOMES."""
    left, equals, right = text.replace(" ", "").rpartition("=")
    value, written = evaluate_expression(left), evaluate_expression(right)
    if not equals or value is None or written is None:
        return "unreadable"
    if written == value:
        return "exact"
    places = _DECIMAL.fullmatch(right)
    return "rounded" if places and abs(written - value) * 2 * 10 ** len(places[1]) <= 1 else "wrong"


def check_annotations(solutions: Iterable[str]) -> Counter[str]:
    """Count the annotations in the solutions by outcome (a key of OUTCOMES)."""
    return Counter(check_annotation(text) for solution in solutions for text in _ANNOTATION.findall(solution))


def main(argv: list[str] | None = None) -> int:
    """Run the command. Returns the exit status: 0, or 2 if a file cannot be read."""
    parser = argparse.ArgumentParser(
        prog="calculator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--json", type=Path, help="file for the counts, as JSON")
    args = parser.parse_args(argv)
    counts = {}
    for path in args.files:
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
            counts[path.name] = check_annotations(row["answer"] if "answer" in row else row["response"] for row in rows)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "rows need a string in 'answer' or 'response'"
            print(f"{path}: {reason}; give a JSONL file of GSM8K", file=sys.stderr)
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
