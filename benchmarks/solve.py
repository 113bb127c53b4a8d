"""Time to the first solution of a puzzle, beside a plain depth-first search. One thread, no compilation.

The puzzles are public ones (Countdown with 3, 4 and 5 numbers, and the game of 24, from the folder ``--countdown``) and
generated ones: V=60 with 6 to 8 numbers, and the television game (six of 1 to 10 twice, 25, 50, 75, 100; a target from
101 to 999; numbers may be left out). ``find`` solves them as ``arith-puzzle solve`` does, without a bound.

The depth-first search plays the numbers in every way until it meets the target, and gives up after GIVE_UP seconds,
which then count as its time: ratios of such sets are lower bounds. Both run the same puzzles in turn.
"""

from __future__ import annotations

import csv
import json
import random
import statistics
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.solver.solve import find
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from benchmarks.solver import puzzles

GIVE_UP = 2.0
PLAIN_ROWS = {3: 100, 4: 100, 5: 30}
"""Puzzles of N numbers that the depth-first search gets; 10 for other N."""
GENERATED = {6: 200, 7: 200, 8: 200}
TELEVISION = 200
FRACTIONS = {"division": "rational", "form": "expression"}


def plain_first(numbers: list[int], target: int, rules: dict) -> bool | None:
    """Whether plain play reaches the target; None after GIVE_UP seconds."""
    end, quotient = time.perf_counter() + GIVE_UP, Fraction if rules.get("division") == "rational" else None
    subset = rules.get("rule") == "subset"

    def play(pool: list) -> bool:
        if time.perf_counter() > end:
            raise TimeoutError
        if len(pool) == 1:
            return pool[0] == target
        for i in range(len(pool)):
            for j in range(i):
                a, b = pool[i], pool[j]
                rest = pool[:j] + pool[j + 1 : i] + pool[i + 1 :]
                results = [a + b, a - b, b - a, a * b]
                results += [
                    quotient(x) / y if quotient else x // y
                    for x, y in ((a, b), (b, a))
                    if y and (quotient or not x % y)
                ]
                if (subset and target in results) or any(play([*rest, c]) for c in results):
                    return True
        return False

    try:
        return play(numbers)
    except TimeoutError:
        return None


def sets(countdown: Path) -> dict[str, tuple[list[tuple[list[int], int]], dict]]:
    """{name: (puzzles, rules)}. Raises InputError if a file of the folder cannot be read."""
    found: dict[str, tuple[list[tuple[list[int], int]], dict]] = {}
    try:
        for n in (3, 4, 5):
            lines = (countdown / f"cd{n}_test_dream.jsonl").read_text(encoding="utf-8").splitlines()
            rows = [list(map(int, json.loads(line)["input"].split(","))) for line in lines]
            found[f"CD{n}"] = [(row[:-1], row[-1]) for row in rows], {}
        with (countdown / "game24.csv").open(encoding="utf-8") as file:
            games = [list(map(int, row["Puzzles"].split())) for row in csv.DictReader(file)]
        found["game of 24"] = [(game, 24) for game in games], FRACTIONS
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"--countdown {countdown} must hold cd3_test_dream.jsonl, cd4_…, cd5_… and game24.csv: {error}"
        ) from None
    for n, rows in GENERATED.items():
        numbers, targets = puzzles(n, rows)
        found[f"V=60, N={n}"] = list(zip(numbers.tolist(), targets.tolist(), strict=True)), {}
    rng = random.Random(0)
    tiles = [*range(1, 11), *range(1, 11), 25, 50, 75, 100]
    drawn = [(rng.sample(tiles, 6), rng.randint(101, 999)) for _ in range(TELEVISION)]
    found["television, N=6"] = drawn, {"rule": "subset"}
    return found


def _timed(run: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def run(countdown: Path, repeats: int = 3) -> dict:
    """Measure; returns {set: figures}, times in milliseconds.

    "puzzles", "solved", "median_ms", "p95_ms" and "max_ms" are of ``find``, each puzzle's time being the median of
    ``repeats``. "plain_puzzles", "plain_median_ms", "plain_gave_up" and "ratio" (of the medians over the same puzzles)
    are of the depth-first search.
    """
    measured = {}
    for name, (rows, rules) in sets(countdown).items():
        times, plain, solved, gave_up = [], [], 0, 0
        sample = random.Random(1).sample(range(len(rows)), min(len(rows), PLAIN_ROWS.get(len(rows[0][0]), 10)))
        for at, (numbers, target) in enumerate(rows):
            runs = [_timed(lambda n=numbers, t=target, r=rules: find(n, t, **r)) for _ in range(repeats)]
            times.append(statistics.median(seconds for seconds, _ in runs) * 1e3)
            text = runs[0][1][0]
            solved += text is not None and verify(numbers, target, text, **rules).correct
            if at in sample:
                seconds, reached = _timed(lambda n=numbers, t=target, r=rules: plain_first(n, t, r))
                plain.append((seconds * 1e3, times[-1]))
                gave_up += reached is None
        ours, theirs = (statistics.median(each[side] for each in plain) for side in (1, 0))
        ordered = sorted(times)
        measured[name] = {
            "n": len(rows[0][0]),
            "puzzles": len(rows),
            "solved": solved,
            "median_ms": round(statistics.median(times), 3),
            "p95_ms": round(ordered[int(0.95 * len(ordered))], 3),
            "max_ms": round(ordered[-1], 3),
            "plain_puzzles": len(plain),
            "plain_median_ms": round(theirs, 3),
            "plain_gave_up": gave_up,
            "ratio": round(theirs / ours, 3),
        }
    return measured


def table(measured: dict) -> str:
    """Format the figures as text."""
    heads = "".join(f"{head:>11}" for head in ("median", "95%", "max"))
    lines = [f"{'first solution':<18}{'puzzles':>9}{'solved':>8}{heads}{'plain':>14}{'ratio':>9}"]
    for name, row in measured.items():
        more = ">" if row["plain_gave_up"] else ""
        plain, ratio = f"{more}{row['plain_median_ms']:,.1f} ms", f"{more}{row['ratio']:,.1f}"
        times = "".join(f"{row[key]:>8.1f} ms" for key in ("median_ms", "p95_ms", "max_ms"))
        lines.append(f"{name:<18}{row['puzzles']:>9,}{row['solved']:>8,}{times}{plain:>14}{ratio:>9}")
    return "\n".join(lines)
