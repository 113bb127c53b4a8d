"""How fast rows are made, beside a plain loop in Python and reasoning-gym; and what a whole build takes.

    python -m benchmarks.generation [--json results.json] [--builds]

A row here is a whole one: puzzle, solution in normal form, text, verified. Ours uses the cores there are, the others
one; medians over alternating repetitions, compiling not timed. ``--builds`` also builds `1m` and `10m` (and `100m`
with ``--all``) from nothing with two workers, each in a process of its own after its imports, with the peak of its
memory; "rows" without the labels of the evaluation splits, "labels" with them (known ones, as of seed 0).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from arith_puzzle.dataset_builder.configs import CONFIGS, Config
from arith_puzzle.dataset_builder.generate import generate_shard
from arith_puzzle.dataset_builder.puzzle import completion, normal_form, partition_mask, puzzle_keys, symbolic_prompt
from arith_puzzle.dataset_builder.verify_batch import verify_batch
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

V, BOUND, INSTALL = 60, 600, "pip install reasoning-gym"
ROWS = {"ours": 100_000, "plain Python": 300, "reasoning-gym": 60}

BUILD = """
import json, resource, sys, time
from dataclasses import replace
from arith_puzzle.dataset_builder import canonical, generate, labels, shards
config, out, labelled = sys.argv[1], sys.argv[2], sys.argv[3] == "labels"
if not labelled:
    content = configs.CONFIGS[config]
    splits = {name: replace(spec, labels=False) for name, spec in content.splits.items()}
    configs.CONFIGS[config] = shards.CONFIGS[config] = configs.Config(content.family, splits)
started = time.perf_counter()
manifest = shards.build(config, out, workers=2, progress=False)
seconds = time.perf_counter() - started
rows = sum(split["rows"] for split in manifest["configs"][config]["splits"].values())
print(json.dumps({"seconds": seconds, "rows": rows,
                  "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}))
"""


def plain_rows(rows: int, rng: random.Random):
    """The same rows by a loop over Python integers: what one writes first."""
    made = 0
    while made < rows:
        n = 5 + made % 3
        numbers = rng.sample(range(1, V + 1), n)
        pool, equations = list(numbers), []
        while len(pool) > 1:
            i, j = rng.sample(range(len(pool)), 2)
            a, b = pool[i], pool[j]
            legal = [("+", a + b), ("-", a - b), ("*", a * b)] + ([("/", a // b)] if b and a % b == 0 else [])
            legal = [(op, c) for op, c in legal if abs(c) <= BOUND]
            if not legal:
                break
            op, c = rng.choice(legal)
            equations.append((a, op, b, c))
            pool = [x for k, x in enumerate(pool) if k not in (i, j)] + [c]
        if len(pool) == 1 and 1 <= pool[0] <= V:
            target = pool[0]
            text = completion(normal_form(numbers, equations))
            if not partition_mask(puzzle_keys_of(numbers, target), "train")[0]:
                continue
            assert verify(numbers, target, text).correct
            made += 1
            yield symbolic_prompt(numbers, target), text


def puzzle_keys_of(numbers: list[int], target: int):
    """One puzzle's key as an array of one."""
    import numpy as np

    return puzzle_keys(np.array([numbers]), np.array([target]))


def _ours(rows: int, seed: int) -> None:
    config = Config("paper", {"train": replace(CONFIGS["1m"].splits["train"], rows=rows)})
    table = generate_shard(config, "train", seed, 0)
    assert verify_batch(table["numbers"], table["target"], table["completion"]).correct.all()


def _plain(rows: int, seed: int) -> None:
    assert len(list(plain_rows(rows, random.Random(seed)))) == rows


def _reasoning_gym(rows: int, seed: int) -> None:
    import reasoning_gym

    data = reasoning_gym.create_dataset("countdown", size=rows, seed=seed, min_numbers=5, max_numbers=7)
    assert len([item["question"] for item in data]) == rows


def run(repeats: int = 5, builds: tuple[str, ...] = ()) -> dict:
    """Rates in rows/s (median over alternating repetitions), and the builds asked for."""
    contestants = {"ours": _ours, "plain Python": _plain}
    missing = None
    try:
        import reasoning_gym  # noqa: F401

        contestants["reasoning-gym"] = _reasoning_gym
    except ImportError:
        missing = f"reasoning-gym is not installed: {INSTALL}"
    _ours(1000, 99)  # compiles
    rates = {name: [] for name in contestants}
    for seed in range(repeats):
        for name, make in contestants.items():
            started = time.perf_counter()
            make(ROWS[name], seed)
            rates[name].append(ROWS[name] / (time.perf_counter() - started))
    measured = {"rows_per_second": {name: statistics.median(values) for name, values in rates.items()}}
    measured["missing"] = missing
    measured["builds"] = {f"{config}, {mode}": _build(config, mode) for config in builds for mode in _modes(config)}
    return measured


def _modes(config: str) -> tuple[str, ...]:
    return ("rows", "labels") if config == "1m" else ("rows",)


def _build(config: str, mode: str) -> dict:
    with tempfile.TemporaryDirectory(prefix="build-") as out:
        command = [sys.executable, "-c", BUILD, config, str(Path(out) / "arith-puzzle"), mode]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def table(measured: dict) -> str:
    """The figures as Markdown."""
    rates = measured["rows_per_second"]
    lines = ["| rows made, solved, written as text and verified, N=5 to 7 | rows/s | ours is |", "|---|---|---|"]
    lines += [f"| {name} | {rate:,.0f} | {rates['ours'] / rate:,.0f} x |" for name, rate in rates.items()]
    if measured["missing"]:
        lines.append(f"\n{measured['missing']}")
    if measured["builds"]:
        lines += ["", "| build from nothing, two workers | rows | seconds | rows/s | peak memory |"]
        lines.append("|---|---|---|---|---|")
        for name, item in measured["builds"].items():
            rate = item["rows"] / item["seconds"]
            lines.append(
                f"| {name} | {item['rows']:,} | {item['seconds']:.1f} | {rate:,.0f} | {item['peak_gb']:.2f} GB |"
            )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generation", description="Time generation.")
    parser.add_argument("--builds", action="store_true", help="also build 1m and 10m")
    parser.add_argument("--all", action="store_true", help="and 100m, 3.5 GB on the disk for some minutes")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    args = parser.parse_args(argv)
    builds = ("1m", "10m", "100m") if args.all else ("1m", "10m") if args.builds else ()
    measured = run(builds=builds)
    print(table(measured))
    if args.json:
        args.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
