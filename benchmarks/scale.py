"""Time, bytes and duplicates per shard on one core, and the plan of docs/scale.md that follows from them.

``make scale`` measures, and writes benchmarks/results/scale.json and the tables of docs/scale.md.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.markdown import table as markdown_table
from arith_puzzle.dataset_builder import configs, manifest, shards
from benchmarks.memory import peak_bytes

ROOT = PACKAGE.parent
MEASURED = ROOT / "benchmarks" / "results" / "scale.json"
PAGE = ROOT / "docs" / "scale.md"
PLANNED_ROWS = 10_000_000_000
CORES = (2, 64, 1000)
GBIT = 1
"""Speed of the network link in the plan: an assumption, and the only figure of its tables that is not measured."""
MANIFEST_DEPTH = 6
"""Nesting depth of a shard's record in the manifest, which is indented."""
TRAIN_SHARE = 30 / 32
"""Share of all puzzle keys that belong to `train`; see PARTITION_RULE."""


def measure(shard_count: int = 3) -> dict:
    """Build train shards like those of `1m`, one after another, and return what each took.

    This process is bound to one core, with all of its threads. The seconds are wall-clock time and CPU time; a busy
    machine disturbs CPU time less. The memory is this process's peak.
    """
    paper, rows = configs.CONFIGS["1m"], configs.spec.SHARD_ROWS
    spec = replace(paper.splits["train"], rows=shard_count * rows)
    content = configs.Config(paper.family, {"train": spec})
    load = os.getloadavg()[0]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "import arith_puzzle.dataset_builder.distributed.executors"], cwd=ROOT, check=True
    )
    start = time.perf_counter() - start
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        with tempfile.TemporaryDirectory(prefix="arith-puzzle-") as folder:
            out = Path(folder)
            (out / paper.family).mkdir()
            warm = configs.Config(paper.family, {"train": replace(spec, rows=3000)})
            shards.build_shard(warm, out, "train", 0, 0)  # loads what is compiled
            built = [_timed(lambda i=i: shards.build_shard(content, out, "train", i, 0)) for i in range(shard_count)]
            peak = peak_bytes()
            files = [out / shards.shard_path(paper.family, "train", i) for i in range(shard_count)]
            sizes = [file.stat().st_size for file in files]
            footer = _timed(lambda: [shards.read_footer(content, out, "train", i, 0) for i in range(shard_count)])
            exact = _timed(lambda: manifest.distinct_puzzles(files, spec))
            pairs, counts = _equal_pairs(files)
    finally:
        os.sched_setaffinity(0, cores)
    record = {"file": shards.shard_path(paper.family, "train", 0)} | built[0]["result"]
    for _ in range(MANIFEST_DEPTH):
        record = [record]
    return {
        "command": "python -m benchmarks scale",
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "load_before": round(load, 2)},
        "versions": {"python": platform.python_version(), "pyarrow": pa.__version__},
        "rows_per_shard": rows,
        "seconds": [round(item["seconds"], 3) for item in built],
        "cpu_seconds": [round(item["cpu_seconds"], 3) for item in built],
        "bytes": sizes,
        "record_bytes": len(json.dumps(record, indent=1)),
        "peak_bytes": peak,
        "start_seconds": round(start, 3),
        "footer_seconds": round(footer["seconds"] / shard_count, 5),
        "exact_count_cpu_seconds": round(exact["cpu_seconds"], 3),
        "distinct": exact["result"],
        "rows_by_n": {str(n): count for n, count in counts.items()},
        "equal_pairs_by_n": {str(n): count for n, count in pairs.items()},
    }


def _timed(work: Callable) -> dict:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu, "result": result}


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _equal_pairs(files: list[Path]) -> tuple[dict[int, int], dict[int, int]]:
    """Return {N: pairs of rows with the same puzzle} and {N: rows}."""
    table = pa.concat_tables(pq.read_table(file, columns=["prompt", "n"]) for file in files)
    pairs, rows = {}, {}
    for n in sorted(pc.unique(table["n"]).to_pylist()):
        prompts = table.filter(pc.equal(table["n"], n))["prompt"]
        times = pc.value_counts(prompts).field("counts").to_numpy()
        pairs[n], rows[n] = int((times * (times - 1) // 2).sum()), len(prompts)
    return pairs, rows


def distinct_bounds(rows: int, space: float, pair_chance: float) -> tuple[float, float]:
    """Lower and upper bound of the expected number of different puzzles among ``rows`` independent draws.

    The puzzle of a draw occurs 1 + Binomial(rows - 1, p) times, so by Jensen's inequality the expectation is at least
    rows / (1 + (rows - 1) * sum p^2). Among all distributions over ``space`` puzzles the uniform one gives the most.

    Args:
        pair_chance: sum p^2, the probability that two rows hold the same puzzle.
    """
    return rows / (1 + (rows - 1) * pair_chance), -space * math.expm1(rows * math.log1p(-1 / space))


def space_of(n: int, v: int = 60) -> int:
    """Number of puzzles of n distinct numbers and a target in 1..v, solvable or not."""
    return math.comb(v, n) * v


def run() -> dict:
    """Measure three shards; returns the figures of ``measure``."""
    return measure()


def table(measured: dict) -> str:
    """Format the figures as Markdown."""
    return "\n".join(tables(measured).values())


def tables(measured: dict) -> dict[str, str]:
    """Return {name: Markdown table} of docs/scale.md, from the figures of ``measure``."""
    rows = measured["rows_per_shard"]
    cpu, size = _median(measured["cpu_seconds"]), _median(measured["bytes"])
    machine = measured["machine"]
    spread = f"{min(measured['cpu_seconds']):.2f} to {max(measured['cpu_seconds']):.2f}"
    took = [
        ("machine", f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_before']} before"),
        (f"CPU seconds a shard of {rows:,} rows", f"{cpu:.2f} ({spread} in {len(measured['cpu_seconds'])} shards)"),
        ("the same by the clock, bound to one core", f"{_median(measured['seconds']):.2f}"),
        ("rows a second and core, verified and written", f"{rows / cpu:,.0f}"),
        ("bytes a row, Parquet with zstd", f"{size / rows:.1f}"),
        ("peak memory of a task", f"{measured['peak_bytes'] / 1e9:.2f} GB"),
        ("start of a task", f"{measured['start_seconds']:.1f} s"),
        ("reading a shard's footer, local disk", f"{measured['footer_seconds'] * 1e3:.1f} ms"),
    ]
    return {
        "measured": markdown_table(("what", "measured"), took),
        "plan": _plan(measured, rows, cpu, size),
        "duplicates": _duplicates(measured),
    }


def _plan(measured: dict, rows: int, cpu: float, size: float) -> str:
    lines = []
    for total in (1_000_000, 100_000_000, PLANNED_ROWS):
        count = total // rows
        core_hours = count * cpu / 3600
        with_start = count * (cpu + measured["start_seconds"]) / 3600
        times = [_duration(with_start / n) if count >= n else "" for n in CORES]
        volume, manifest = count * size / 1e9, count * measured["record_bytes"] / 1e6
        line = (f"{total:,}", f"{count:,}", f"{volume:,.2f} GB", f"{core_hours:,.3f}", *times)
        lines.append((*line, _duration(volume * 8 / GBIT / 3600), f"{manifest:,.2f} MB"))
    cores = [f"{n:,} cores" for n in CORES]
    header = ("rows", "shards = tasks", "bytes", "core hours", *cores, f"copy at {GBIT} Gbit/s", "manifest")
    even = round((cpu + measured["start_seconds"]) / (size * 8 / (GBIT * 1e9)))
    return markdown_table(header, lines) + f"\nFrom {even:,} cores on, such a copy takes longer than the generation.\n"


def _duplicates(measured: dict) -> str:
    lines = []
    for n, pairs in measured["equal_pairs_by_n"].items():
        drawn = measured["rows_by_n"][n]
        chance = pairs / (drawn * (drawn - 1) / 2)
        space = space_of(int(n))
        shares = []
        for total in (100_000_000, PLANNED_ROWS):
            each = total // len(measured["equal_pairs_by_n"])
            low, high = distinct_bounds(each, space * TRAIN_SHARE, chance)
            shares.append(f"{low / each:.1%} to {high / each:.1%}")
        bitmap = f"{space / 8 / 1e9:,.2f} GB"
        lines.append((n, f"{space / 1e9:,.2f} G", f"{pairs:,} in {drawn:,} rows", f"{chance:.1e}", *shares, bitmap))
    sort = measured["exact_count_cpu_seconds"] / sum(measured["rows_by_n"].values())
    header = ("N", "puzzles", "equal pairs", "chance of a pair", "different at 100 M", "at 10 G", "bitmap")
    memory = 8 * PLANNED_ROWS * (1 + 1 / len(lines)) / 1e9
    return markdown_table(header, lines) + (
        f"\nThe exact count as `manifest.distinct_puzzles` makes it, at {PLANNED_ROWS:,} rows: {memory:,.0f} GB of "
        f"memory and at least {sort * PLANNED_ROWS / 3600:,.1f} hours of one core (reading three columns and sorting "
        "8 bytes a row, at the rate measured here).\n"
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _duration(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{hours * 60:,.1f} min"


def filled(page: str, measured: dict) -> str:
    """Return the page with new tables between ``<!-- scale: NAME -->`` and ``<!-- scale: end -->``."""
    for name, table in tables(measured).items():
        begin, end = f"<!-- scale: {name} -->\n", "<!-- scale: end -->"
        before, rest = page.split(begin)
        page = before + begin + table + end + rest.split(end, 1)[1]
    return page
