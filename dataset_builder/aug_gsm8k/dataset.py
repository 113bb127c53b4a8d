"""Build the dataset's folder from finished runs: Parquet files, a manifest, and configs by size and by strategy.

The seed fixes one order for the rows of all runs. A config by size contains the first rows of this order, so each
config is a prefix of the next. Every file contains one strategy only. So a config by strategy is a selection of the
same files, and no row is stored twice.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_text
from arith_puzzle.dataset_builder.aug_gsm8k.contamination import normalized
from arith_puzzle.dataset_builder.aug_gsm8k.judging import judged as judged_rows
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.responses import equations
from arith_puzzle.dataset_builder.aug_gsm8k.runs import Run, read_run, rows_sha256, write_parquet
from arith_puzzle.dataset_builder.aug_gsm8k.source import ORIGINAL, SCHEMA, number_text
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotations
from arith_puzzle.metrics.gsm8k_answer.score import answer

NAME = "aug-gsm8k"
ALL = "all"
SIZES = {f"{thousands}k": 1000 * thousands for thousands in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)}
"""Configs by size, for scaling curves: name -> rows. The dataset has those that are smaller than it, and ``all``."""
_ORDER = [ORIGINAL, *STRATEGIES]


def build(runs: list[Path], out: Path, *, seed: int, judged: Path | None = None) -> dict:
    """Write the dataset without its card.

    Args:
        runs: folders written by ``rules.run`` and ``model.run``. A pair that an earlier run has too is dropped.
        out: folder of the dataset. It is replaced if it contains an earlier build.
        seed: seed for the order of the rows.
        judged: folder of a judged sample (``judging``). The card has its table.

    Returns:
        The manifest, which is also written to ``out/manifest.json``.

    Raises:
        InputError: a folder is not a finished run, ``out`` contains other files, or a judged row is not in the
            dataset.
    """
    names = [path.resolve().name for path in runs]
    if len(set(names)) < len(names):
        raise InputError(f"each run must have its own folder name, not {', '.join(names)}; rename one")
    if out.exists() and any(out.iterdir()) and not _ours(out):
        raise InputError(f"{out} contains other files than this dataset; give another --out")
    loaded = [read_run(path) for path in runs]
    rows, repeated = _merge(loaded)
    _verify(rows)
    order = sorted(range(len(rows)), key=lambda at: _rank(seed, rows[at]))
    table = pa.Table.from_pylist([rows[at] for at in order], schema=SCHEMA)
    sizes = {name: size for name, size in SIZES.items() if size < len(rows)} | {ALL: len(rows)}
    partial = out.with_name(f".{out.name}.tmp")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        files = _write(table, sizes, partial)
        manifest = {
            "dataset": NAME,
            "generator_version": version("arith-puzzle"),
            "seed": seed,
            "runs": {name: run.report for name, run in zip(names, loaded, strict=True)},
            "repeated_across_runs": repeated,
            "judged": judged_rows(judged, rows) if judged else None,
            "statistics": _statistics(rows),
            "files": files,
            "configs": _configs(files, sizes),
        }
        write_text(partial / "manifest.json", json.dumps(manifest, indent=1) + "\n")
        shutil.copy(Path(__file__).with_name("LICENSE"), partial)  # GSM8K's license must be part of every copy
        shutil.rmtree(out, ignore_errors=True)
        partial.rename(out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}; give another --out") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


_IDENTITY = ["generator", "strategy", "source_index", "question_index", "path_index"]


def _rank(seed: object, row: dict) -> bytes:
    """The sort key that gives the rows a pseudorandom order."""
    identity = "/".join(str(row[key]) for key in _IDENTITY)
    return hashlib.blake2b(f"{NAME}/{seed}/{identity}".encode(), digest_size=16).digest()


def _merge(runs: list[Run]) -> tuple[list[dict], int]:
    """(rows of all runs without repeated pairs, number of repeated pairs)."""
    rows: list[dict] = []
    seen: set[tuple] = set()
    repeated = 0
    for run in runs:
        for row in run.rows.to_pylist():
            key = (normalized(row["query"], numbers=True), equations(row["response"]))
            if key in seen:
                repeated += 1
            else:
                seen.add(key)
                rows.append(row)
    return rows, repeated


def _verify(rows: list[dict]) -> None:
    """Check every row again: its annotations hold and its answer is that of its solution."""
    for row in rows:
        outcomes = check_annotations([row["response"]])
        found = answer(row["response"])
        if outcomes["wrong"] or outcomes["unreadable"] or found is None or number_text(found) != row["answer"]:
            raise AssertionError(f"this row does not verify: {row}")


def _write(table: pa.Table, sizes: dict[str, int], out: Path) -> list[dict]:
    """Write one Parquet file per size segment and strategy, and describe the files for the manifest."""
    strategies = np.array(table["strategy"].to_pylist())
    files: list[dict] = []
    start = 0
    for segment, stop in enumerate(sizes.values()):
        for strategy in _ORDER:
            at = start + np.flatnonzero(strategies[start:stop] == strategy)
            if not len(at):
                continue
            part = table.take(at)
            name = f"data/{strategy}-{segment:02d}.parquet"
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_parquet(part, out / name)
            record = {"file": name, "strategy": strategy, "segment": segment, "rows": len(at)}
            files.append(record | {"sha256": rows_sha256(part)})
        start = stop
    return files


def _configs(files: list[dict], sizes: dict[str, int]) -> dict:
    """{config: {"by", "rows", "files"}}. ``all`` comes first, because it is the default."""
    configs = {}
    for segment, name in reversed(list(enumerate(sizes))):
        configs[name] = {"by": "size", "files": [f["file"] for f in files if f["segment"] <= segment]}
    order = [ALL, *(name for name in sizes if name != ALL)]
    configs = {name: configs[name] for name in order}
    for strategy in _ORDER:
        own = [f["file"] for f in files if f["strategy"] == strategy]
        if own:
            configs[strategy] = {"by": "strategy", "files": own}
    rows = {f["file"]: f["rows"] for f in files}
    return {
        name: {"by": c["by"], "rows": sum(rows[file] for file in c["files"]), "files": c["files"]}
        for name, c in configs.items()
    }


def _statistics(rows: list[dict]) -> dict:
    by = Counter((row["generator"], row["strategy"]) for row in rows)
    return {
        "rows": len(rows),
        "questions": len({row["query"] for row in rows}),
        "sources": len({row["source_index"] for row in rows}),
        "query_characters_median": int(np.median([len(row["query"]) for row in rows])),
        "response_characters_median": int(np.median([len(row["response"]) for row in rows])),
        "by_generator": {f"{generator}/{strategy}": count for (generator, strategy), count in sorted(by.items())},
    }


def _ours(out: Path) -> bool:
    """Whether the folder is a build of this dataset."""
    try:
        return json.loads((out / "manifest.json").read_text(encoding="utf-8"))["dataset"] == NAME
    except (OSError, ValueError, KeyError, TypeError):
        return False
