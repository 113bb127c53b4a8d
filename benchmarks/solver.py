"""Time per puzzle of the solver and the labels, beside a plain depth-first loop in Python and reasoning-gym.

One thread. Figures are medians over repetitions in which the contestants alternate, on the same V=60 puzzles, which
all have a solution. Compilation is not counted. reasoning-gym (countdown) has no solver: its time is that of making a
puzzle with one solution, beside the time of making and solving one here.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable

import numpy as np

from arith_puzzle.dataset_builder.solver.canonical import canonical, paths
from arith_puzzle.dataset_builder.solver.labels import count_solutions, difficulty_rows, reachable
from arith_puzzle.dataset_builder.solver.solve import find, solutions

V, BOUND = 60, 600
INSTALL = "pip install reasoning-gym"


def plain_playouts(pool: list[int]):
    """Yield the results, in order, of every way to play the numbers: the loop that one writes in five minutes."""
    if len(pool) == 1:
        yield ()
        return
    for i in range(len(pool)):
        for j in range(i):
            a, b = pool[i], pool[j]
            rest = pool[:j] + pool[j + 1 : i] + pool[i + 1 :]
            results = [a + b, a - b, b - a, a * b]
            if b and a % b == 0:
                results.append(a // b)
            if a and b % a == 0:
                results.append(b // a)
            for c in results:
                if -BOUND <= c <= BOUND:
                    for more in plain_playouts([*rest, c]):
                        yield (c, *more)


def plain_first(numbers: list[int], target: int):
    return next(steps for steps in plain_playouts(numbers) if steps[-1] == target)


def plain_best(numbers: list[int], target: int):
    won = (steps for steps in plain_playouts(numbers) if steps[-1] == target)
    return min(won, key=lambda steps: (max(map(abs, steps[:-1]), default=0), sum(map(abs, steps[:-1]))))


def plain_share(numbers: list[int], target: int) -> float:
    hits = legal = 0
    for steps in plain_playouts(numbers):
        hits += steps[-1] == target
        legal += 1
    return -math.log10(hits / legal)


def plain_reachable(numbers: list[int], _: int) -> set[int]:
    return {steps[-1] for steps in plain_playouts(numbers)}


def puzzles(n: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Puzzles made by random play: numbers (rows, n) and targets (rows,), int64."""
    rng = random.Random(n)
    found = []
    while len(found) < rows:
        numbers = rng.sample(range(1, V + 1), n)
        pool = numbers[:]
        while len(pool) > 1:
            a, b = (pool.pop(rng.randrange(len(pool))) for _ in range(2))
            results = [a + b, a - b, a * b] + ([a // b] if b and a % b == 0 else [])
            pool.append(rng.choice([c for c in results if abs(c) <= BOUND] or [0]))
        if 1 <= pool[0] <= V and next(solutions(numbers, pool[0], bound=BOUND), None):
            found.append((sorted(numbers), pool[0]))
    return np.array([numbers for numbers, _ in found]), np.array([target for _, target in found])


def _each(function: Callable) -> Callable:
    def run(numbers, targets):
        for row, target in zip(numbers.tolist(), targets.tolist(), strict=True):
            function(row, target)

    return run


TASKS: list[tuple[str, Callable, Callable | None, dict[int, tuple[int, int]]]] = [
    (
        "first solution",
        _each(lambda numbers, target: next(solutions(numbers, target, bound=BOUND))),
        _each(plain_first),
        {5: (50, 5), 6: (50, 3), 7: (50, 0), 8: (50, 0)},
    ),
    (
        "any solution",
        _each(lambda numbers, target: find(numbers, target, bound=BOUND)),
        None,
        {10: (50, 0), 12: (50, 0), 15: (50, 0)},
    ),
    (
        "canonical solution",
        lambda numbers, targets: canonical(numbers, targets, BOUND),
        _each(plain_best),
        {4: (2000, 20), 5: (1000, 1), 6: (500, 0), 7: (200, 0), 8: (50, 0)},
    ),
    (
        "first 4 solutions",
        lambda numbers, targets: paths(numbers, targets, 4, BOUND),
        None,
        {5: (1000, 0), 6: (500, 0), 7: (200, 0), 8: (50, 0)},
    ),
    (
        "number of solutions",
        lambda numbers, targets: count_solutions(numbers, targets, bound=BOUND),
        _each(lambda numbers, target: sum(1 for steps in plain_playouts(numbers) if steps[-1] == target)),
        {4: (1000, 20), 5: (500, 1), 6: (200, 0), 7: (50, 0), 8: (20, 0)},
    ),
    (
        "difficulty",
        lambda numbers, targets: difficulty_rows(numbers, targets, bound=BOUND),
        _each(plain_share),
        {4: (1000, 20), 5: (500, 1), 6: (200, 0), 7: (50, 0), 8: (20, 0)},
    ),
    (
        "all reachable targets",
        _each(lambda numbers, target: reachable(numbers, bound=BOUND)),
        _each(plain_reachable),
        {4: (50, 20), 5: (50, 1), 6: (50, 0), 7: (20, 0), 8: (10, 0)},
    ),
]
"""(name, this project, plain loop, {N: (rows for this project, rows for the loop; 0: it takes minutes)})."""


def _seconds(run: Callable) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _median_per_row(contestants: list[tuple[Callable, int] | None], repeats: int) -> list[float | None]:
    """Seconds per row of each contestant: medians of alternating repetitions, after one to warm up."""
    taken = [[] for _ in contestants]
    for repeat in range(repeats + 1):
        for times, contestant in zip(taken, contestants, strict=True):
            if contestant is not None and (repeat or contestant[1] > 1):
                times.append(_seconds(contestant[0]) / contestant[1])
    return [statistics.median(times[-repeats:]) if times else None for times in taken]


def _reasoning_gym(n: int, rows: int) -> Callable | None:
    try:
        import reasoning_gym
    except ImportError:
        return None

    seeds = iter(range(1_000_000))

    def run():
        options = {"min_numbers": n, "max_numbers": n, "min_value": 1, "max_value": V, "min_target": 1, "max_target": V}
        data = reasoning_gym.create_dataset("countdown", size=rows, seed=next(seeds) * rows, **options)
        for index in range(rows):
            data[index]

    return run


def run(repeats: int = 5) -> dict:
    """Measure; returns {"rows": [{"task", "n", "ours_us", "other", "other_us", "ratio"}]}; None: no other
    contestant."""
    results = []

    def add(task, n, other, seconds):
        ours, theirs = (None if s is None else s * 1e6 for s in seconds)
        ratio = None if theirs is None else theirs / ours
        results.append({"task": task, "n": n, "ours_us": ours, "other": other, "other_us": theirs, "ratio": ratio})

    for task, ours, plain, sizes in TASKS:
        for n, (rows, plain_rows) in sizes.items():
            numbers, targets = puzzles(n, rows) if n <= 8 else _large(n, rows)
            few = (numbers[:plain_rows], targets[:plain_rows])
            contestants = [
                (lambda ours=ours, numbers=numbers, targets=targets: ours(numbers, targets), rows),
                (lambda plain=plain, few=few: plain(*few), plain_rows) if plain and plain_rows else None,
            ]
            add(task, n, "plain loop", _median_per_row(contestants, repeats))
    for n in (4, 5, 6):
        rows = 50
        peer = _reasoning_gym(n, rows)

        def made_and_solved(n=n, rows=rows):
            canonical(*puzzles(n, rows), BOUND)

        add(
            "make and solve",
            n,
            "reasoning-gym",
            _median_per_row([(made_and_solved, rows), peer and (peer, rows)], repeats),
        )
    return {"rows": results}


def _large(n: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = random.Random(n)
    pairs = [(rng.sample(range(1, V + 1), n), rng.randint(1, V)) for _ in range(rows)]
    return np.array([numbers for numbers, _ in pairs]), np.array([target for _, target in pairs])


def table(measured: dict) -> str:
    """Format the figures as text, in time per puzzle."""
    results = measured["rows"]

    def us(value):
        return "" if value is None else f"{value:,.0f} µs" if value >= 9.5 else f"{value:.1f} µs"

    lines = [f"{'task':<24}{'N':>3}{'here':>14}   {'against':<14}{'takes':>16}{'ratio':>10}"]
    for row in results:
        against = row["other"] if row["other_us"] else ""
        ratio = f"{row['ratio']:,.0f}" if row["ratio"] else ""
        ours, theirs = us(row["ours_us"]), us(row["other_us"])
        lines.append(f"{row['task']:<24}{row['n']:>3}{ours:>14}   {against:<14}{theirs:>16}{ratio:>10}")
    if not any(row["other"] == "reasoning-gym" and row["other_us"] for row in results):
        lines.append(f"reasoning-gym is not installed: {INSTALL}")
    return "\n".join(lines)
