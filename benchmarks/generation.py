"""Speed of generation, beside a plain Python loop and reasoning-gym; and the time of whole builds.

A row here is complete: puzzle, solution in normal form, text, verified. This project uses all cores, the others use
one. Rates are medians over alternating repetitions, without compilation. With ``builds``, configs are also built from
nothing by two workers, each in its own process, with its peak memory: "rows" without the labels of the evaluation
splits, "labels" with them (for seed 0 they come from the label cache). A build of `100m` needs 3.5 GB of disk for
some minutes.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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
import json, sys, time
from dataclasses import replace
from arith_puzzle.dataset_builder import configs, generate, shards
from benchmarks.memory import peak_bytes
from arith_puzzle.dataset_builder.solver import canonical, labels
config, out, labelled = sys.argv[1], sys.argv[2], sys.argv[3] == "labels"
if not labelled:
    content = configs.CONFIGS[config]
    splits = {name: replace(spec, labels=False) for name, spec in content.splits.items()}
    configs.CONFIGS[config] = configs.Config(content.family, splits)
started = time.perf_counter()
manifest = shards.build(config, out, workers=2, progress=False)
seconds = time.perf_counter() - started
rows = sum(split["rows"] for split in manifest["configs"][config]["splits"].values())
print(json.dumps({"seconds": seconds, "rows": rows,
                  "peak_gb": peak_bytes() / 1e9}))
"""


def plain_rows(rows: int, rng: random.Random):
    """Yield (prompt, completion) of such rows by a simple loop over Python integers."""
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
    """The key of one puzzle, as an array of length 1."""
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


def run(repeats: int = 5, builds: Sequence[str] = ()) -> dict:
    """Measure; returns {"rows_per_second": {name: median}, "missing": text or None, "builds": {name: figures}}.

    Args:
        builds: configs to build as well, such as "1m".
    """
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
    """Format the figures as Markdown tables."""
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
