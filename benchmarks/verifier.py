"""How fast responses are judged: one by one, in columns, as a metric, and by the peers' approach. One core.

    python -m benchmarks.verifier [--json FILE]

All contestants judge the same puzzles (N=5, numbers 1..60), half of the answers right. Ours read equations and
check every step; the peers read one expression, ``(58-51)*3``, and check that its numbers are the given ones and
its value the target: the same solution written their way. Each round runs all contestants in turn; what is
printed is the median of the rounds, and the median of each round's ratio to ``verify``.

``peers, number check only`` is TinyZero's and stream-of-search's approach (find the answer by a regular
expression, compare its numbers, check its characters) without the evaluation: less than any of them does, so its
time is a lower bound of theirs. ``peers, with evaluation`` evaluates too, by a walk over Python's syntax tree,
since this project evaluates no text as code; the peers' own ``eval`` lies between the two.
reasoning-gym's countdown scorer itself takes part where it is installed. It compares floats by ``np.isclose`` with
its default relative tolerance (0.1.25), so the last column shows it passing answers that are off by one.
"""

from __future__ import annotations

import argparse
import ast
import json
import operator
import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROWS = 20_000
ROUNDS = 7
N, V, SEED = 5, 60, 0
BATCH_COPIES = 25  # of the rows, so that a batch is as long as in real use
SLOW_ROWS = 500
INSTALL_REASONING_GYM = "not installed: pip install reasoning-gym"


class Row(NamedTuple):
    numbers: list[int]
    target: int
    response: str
    expression: str


def rows(count: int = ROWS, seed: int = SEED) -> list[Row]:
    """Puzzles with an answer each, as equations and as one expression; every second target is off by one."""
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


# The peers' approach, written anew

_ANSWER = re.compile(r"<answer>(.*?)</answer>")
_ALLOWED = re.compile(r"^[\d+\-*/().\s]+$")
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def peers_check(numbers: list[int], answer: str) -> str | None:
    """The last tagged expression of a text if its numbers are the given ones, else None."""
    found = _ANSWER.findall(answer)
    if not found or not _ALLOWED.match(found[-1]):
        return None
    used = sorted(int(number) for number in re.findall(r"\d+", found[-1]))
    return found[-1] if used == sorted(numbers) else None


def peers_score(numbers: list[int], target: int, answer: str) -> bool:
    """With the value, as a float and with a tolerance, as the peers have it. For this benchmark's own text only."""
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


# The contest


def contestants(made: list[Row]) -> dict[str, tuple[int, Callable[[], int]]]:
    """Name -> (responses judged per call, the call, which returns how many were right)."""
    import evaluate
    import pyarrow as pa

    from arith_puzzle.dataset_builder.verify_batch import verify_batch
    from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
    from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

    # What is judged lies ready, in the form in which each contestant takes it.
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

    def batch(*given) -> int:
        return int(verify_batch(*given).correct.sum()) // (len(given[2]) // count)

    found: dict[str, tuple[int, Callable[[], int]]] = {
        "verify": (count, lambda: sum(verify(row.numbers, row.target, row.response).correct for row in made)),
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


def run() -> dict:
    """The contest: rounds, rows, and for each contestant its rate and its ratio to ``verify``."""
    made = rows()
    runners = contestants(made)
    right = {name: call() for name, (_, call) in runners.items()}  # warms up, compiles, and tells what each finds
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(ROUNDS):
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
    if len(results) == 7:
        results["reasoning-gym's countdown"] = {"skipped": INSTALL_REASONING_GYM}
    return {"rows": len(made), "n": N, "rounds": ROUNDS, "results": results}


def table(measured: dict) -> str:
    """What ``run`` measured, as lines."""
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


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.verifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    args = parser.parse_args(argv)
    measured = run()
    print(table(measured))
    if args.json:
        args.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
