"""Answers judged per second: one by one, in columns, as a metric, and by other projects' approach. One core.

All contestants judge the same puzzles (N=5, numbers 1 to 60); half of the answers are right. This project reads
equations and checks every step. The others read one expression, ``(58-51)*3``, and check that its numbers are the given
ones and its value is the target. Each round runs all contestants in turn. The table has the median of the rounds, and
the median of each round's ratio to ``verify``.

- ``peers, number check only`` is the approach of TinyZero and stream-of-search without the evaluation: find the
  answer by a regular expression, compare its numbers, check its characters. Each of them does more, so its time is a
  lower bound.
- ``peers, with evaluation`` also evaluates, by a walk over Python's syntax tree, because this project evaluates no
  text as code. The speed of their own ``eval`` is between the two.
- ``reasoning-gym's countdown`` runs if reasoning-gym is installed. Version 0.1.25 compares floats by ``np.isclose``
  with its default relative tolerance, so it passes answers that are off by one.
"""

from __future__ import annotations

import ast
import operator
import random
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROWS = 20_000
ROUNDS = 7
N, V, SEED = 5, 60, 0
BATCH_COPIES = 25  # copies of the rows in a batch, which makes it as long as in real use
SLOW_ROWS = 500
OTHER_RULES: list[dict[str, str]] = [
    {"rule": "subset"},
    {"form": "expression"},
    {"form": "expression", "rule": "subset"},
    {"form": "expression", "division": "rational"},
]
"""Rules and forms beyond the paper's that ``verify`` is timed with."""
INSTALL_REASONING_GYM = "not installed: pip install reasoning-gym"


class Row(NamedTuple):
    """A puzzle and its answer, as equations and as one expression."""

    numbers: list[int]
    target: int
    response: str
    expression: str


def rows(count: int = ROWS, seed: int = SEED) -> list[Row]:
    """Puzzles with one answer each; every second target is off by one, so its answer is wrong."""
    rng = random.Random(seed)
    made = []
    while len(made) < count:
        numbers = rng.sample(range(1, V + 1), N)
        pool, lines = [(number, str(number)) for number in numbers], []
        while len(pool) > 1:
            (a, left), (b, right) = (pool.pop(rng.randrange(len(pool))) for _ in range(2))
            op = rng.choice("+-*/")
            if op == "/" and (not b or a % b):
                op = "-"
            c = {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[op]
            lines.append(f"{a}{op}{b}={c}")
            pool.append((c, f"({left}{op}{right})"))
        value, expression = pool[0]
        made.append(Row(numbers, value + len(made) % 2, "\n".join(lines), expression))
    return made


# The approach of other projects, reimplemented

_ANSWER = re.compile(r"<answer>(.*?)</answer>")
_ALLOWED = re.compile(r"^[\d+\-*/().\s]+$")
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def peers_check(numbers: list[int], answer: str) -> str | None:
    """Return the last tagged expression of a text if its numbers are the given ones, else None."""
    found = _ANSWER.findall(answer)
    if not found or not _ALLOWED.match(found[-1]):
        return None
    used = sorted(int(number) for number in re.findall(r"\d+", found[-1]))
    return found[-1] if used == sorted(numbers) else None


def peers_score(numbers: list[int], target: int, answer: str) -> bool:
    """Return whether the value is the target, as a float within a tolerance. Only for text of this benchmark."""
    expression = peers_check(numbers, answer)
    if expression is None:
        return False
    try:
        return abs(_walk(ast.parse(expression, mode="eval").body) - target) < 1e-5
    except (SyntaxError, ZeroDivisionError, KeyError, AttributeError):
        return False


def _walk(node: ast.expr) -> float:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp):
        return -_walk(node.operand)
    return _OPERATORS[type(node.op)](_walk(node.left), _walk(node.right))


def contestants(made: list[Row]) -> dict[str, tuple[int, Callable[[], int]]]:
    """Return {name: (responses judged per call, the call, which returns the number of right ones)}."""
    import evaluate
    import pyarrow as pa

    from arith_puzzle.dataset_builder.verify_batch import verify_batch
    from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
    from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

    # The answers are prepared in each contestant's format, so that only judging is timed.
    responses = [row.response for row in made]
    references = [{"numbers": row.numbers, "target": row.target} for row in made]
    tagged = [f"The numbers can be combined.\n<answer>{row.expression}</answer>" for row in made]
    lists = [row.numbers for row in made]
    targets = [row.target for row in made]
    copies = BATCH_COPIES
    columns = (
        pa.array(lists * copies, pa.list_(pa.int32())),
        pa.array(targets * copies, pa.int32()),
        pa.array(responses * copies),
    )
    metric = evaluate.load(str(Path(__file__).resolve().parents[1] / "metrics" / "arith_puzzle_verifier"))
    count = len(made)

    def judged(rules: dict[str, str]) -> int:
        field = "expression" if "form" in rules else "response"
        return sum(verify(row.numbers, row.target, getattr(row, field), **rules).correct for row in made)

    def batch(*given) -> int:
        return int(verify_batch(*given).correct.sum()) // (len(given[2]) // count)

    found: dict[str, tuple[int, Callable[[], int]]] = {
        "verify": (count, lambda: sum(verify(row.numbers, row.target, row.response).correct for row in made)),
        **{f"verify, {' '.join(rules.values())}": (count, lambda rules=rules: judged(rules)) for rules in OTHER_RULES},
        "verify_batch, Arrow": (count * copies, lambda: batch(*columns)),
        "verify_batch, lists": (count, lambda: batch(lists, targets, responses)),
        "metric, aggregate": (count, lambda: round(aggregate(responses, references)["pass@1"] * count)),
        "metric, evaluate": (
            count,
            lambda: round(metric.compute(predictions=responses, references=references)["pass@1"] * count),
        ),
        "peers, number check only": (
            count,
            lambda: sum(peers_check(*each) is not None for each in zip(lists, tagged, strict=True)),
        ),
        "peers, with evaluation": (
            count,
            lambda: sum(peers_score(*each) for each in zip(lists, targets, tagged, strict=True)),
        ),
    }
    try:
        import reasoning_gym
    except ImportError:
        return found
    scorer = reasoning_gym.create_dataset("countdown", size=1, seed=0)
    few = [(row.expression, {"metadata": {"numbers": row.numbers, "target": row.target}}) for row in made[:SLOW_ROWS]]
    found["reasoning-gym's countdown"] = (len(few), lambda: sum(scorer.score_answer(*each) == 1 for each in few))
    return found


def run(rounds: int | None = None) -> dict:
    """Measure; returns {"rows", "n", "rounds", "results": {name: {"per_second", "ratio", "right"} or {"skipped"}}}."""
    rounds = rounds or ROUNDS
    made = rows()
    runners = contestants(made)
    right = {name: call() for name, (_, call) in runners.items()}  # also warms up and compiles
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, (count, call) in runners.items():
            start = time.perf_counter()
            call()
            rates[name].append(count / (time.perf_counter() - start))
    results = {
        name: {
            "per_second": round(statistics.median(values)),
            "ratio": round(statistics.median(x / y for x, y in zip(values, rates["verify"], strict=True)), 3),
            "right": f"{right[name]}/{min(runners[name][0], len(made))}",
        }
        for name, values in rates.items()
    }
    if "reasoning-gym's countdown" not in results:
        results["reasoning-gym's countdown"] = {"skipped": INSTALL_REASONING_GYM}
    return {"rows": len(made), "n": N, "rounds": rounds, "results": results}


def table(measured: dict) -> str:
    """Format the figures as text."""
    lines = [
        f"Judging {measured['rows']:,} answers, N={measured['n']}, median of {measured['rounds']} rounds, one core",
        f"{'':<28}{'responses/s':>14}{'x verify':>10}{'judged right':>16}",
    ]
    for name, item in measured["results"].items():
        if "skipped" in item:
            lines.append(f"{name:<28}{item['skipped']}")
        else:
            lines.append(f"{name:<28}{item['per_second']:>14,}{item['ratio']:>10.2f}{item['right']:>16}")
    return "\n".join(lines)
