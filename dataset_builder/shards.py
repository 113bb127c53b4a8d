"""Shards on disk: generate, verify every row, write Parquet, rename; the manifest comes last.

What a shard is (spec, seed, config, split, index) and its counts travel in the Parquet footer, so a
build that was killed knows from the files alone what is done.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from dataset_builder.errors import InputError
from dataset_builder.generate import CONFIGS, generate_shard, split_shards
from dataset_builder.puzzle import OPERATORS, PARTITION_RULE, SPEC_VERSION
from metrics.arith_puzzle_verifier.verify import verify

LABELS = ("num_solutions", "difficulty")
SCHEMA = pa.schema(
    {
        "numbers": pa.list_(pa.int32()),
        "target": pa.int32(),
        "prompt": pa.string(),
        "completion": pa.string(),
        "n": pa.int8(),
        "num_solutions": pa.int32(),
        "difficulty": pa.float32(),
    }
)
"""All splits of a config share one schema, or ``load_dataset`` refuses them; ``train`` holds null labels."""
ROW_GROUP_ROWS = 250_000  # about 20 MB, well below the 286 MiB at which the Hub's viewer stops
FOOTER_KEY = b"arith_puzzle"
DIFFICULTY_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def canonical_text(row: dict) -> str:
    """What a shard's SHA-256 is taken over, row by row (UTF-8): the prompt, the completion, an empty line."""
    return f"{row['prompt']}{row['completion']}\n\n"


def shard_path(config: str, split: str, shard: int, of: int) -> str:
    """Where a shard lies, relative to the dataset's folder."""
    return f"{config}/{split}-{shard:05d}-of-{of:05d}.parquet"


def build(config: str, out: str | Path, *, seed: int = 0, workers: int = 2, progress: bool = True) -> dict:
    """Write all splits of a config below ``out`` and return the manifest, which is also ``out/manifest.json``.

    Shards that are whole are kept; the rows are the same whatever ``workers`` and whatever was there before.

    Raises:
        InputError: unknown config, a folder that holds another seed's or spec's rows, or one that cannot be
            written. Nothing half-written is left under a shard's or the manifest's name.
    """
    if config not in CONFIGS:
        raise InputError(f"unknown config {config!r}; this version builds: {', '.join(CONFIGS)}")
    if seed < 0 or workers < 1:
        raise InputError(f"--seed must be at least 0 and --workers at least 1; got {seed} and {workers}")
    out = Path(out)
    manifest_path = out / "manifest.json"
    tasks = [(split, shard) for split, spec in CONFIGS[config].items() for shard in range(len(split_shards(spec)))]
    records: dict[tuple[str, int], dict] = {}
    try:
        (out / config).mkdir(parents=True, exist_ok=True)
        manifest = _read_manifest(manifest_path, seed)
        for leftover in (out / config).glob(".*.tmp"):
            leftover.unlink()
        missing = []
        for split, shard in tasks:
            record = _read_footer(out, config, split, shard, seed)
            if record is None:
                missing.append((split, shard))
            else:
                records[split, shard] = record
        for task, record in _build_missing(config, out, seed, workers, missing, progress):
            records[task] = record
        manifest["configs"][config] = {"splits": _collect(config, records)}
        _write_text(manifest_path, json.dumps(manifest, indent=1) + "\n")
    except OSError as error:
        raise InputError(
            f"cannot write {error.filename or out}: {error.strerror}; free space or another --out"
        ) from None
    return manifest


def _build_missing(
    config: str, out: Path, seed: int, workers: int, missing: list[tuple[str, int]], progress: bool
) -> Iterator[tuple[tuple[str, int], dict]]:
    bar = tqdm(total=len(missing), desc=f"build {config}", unit="shard", disable=not (progress and missing))
    with bar:
        if workers == 1 or len(missing) <= 1:
            for split, shard in missing:
                yield (split, shard), build_shard(config, out, split, shard, seed)
                bar.update()
            return
        context = multiprocessing.get_context("spawn")  # Arrow's and numba's threads do not survive a fork
        with ProcessPoolExecutor(min(workers, len(missing)), mp_context=context) as pool:
            futures = {pool.submit(build_shard, config, out, *task, seed): task for task in missing}
            for future in as_completed(futures):
                yield futures[future], future.result()
                bar.update()


def build_shard(config: str, out: Path, split: str, shard: int, seed: int) -> dict:
    """Generate, verify and write one shard; returns its record (rows, sha256, counts)."""
    spec = CONFIGS[config][split]
    path = out / shard_path(config, split, shard, len(split_shards(spec)))
    rows = list(generate_shard(config, split, seed, shard))
    digest, operators = hashlib.sha256(), Counter()
    for row in rows:
        verdict = verify(row["numbers"], row["target"], row["completion"])
        if not verdict.correct:
            raise AssertionError(f"{config}/{split}: {row['prompt']!r} has a wrong completion: {verdict.message}")
        digest.update(canonical_text(row).encode())
        operators.update(line.lstrip("-").translate(_NOT_OPERATORS)[0] for line in row["completion"].split("\n"))
    record = {
        "rows": len(rows),
        "sha256": digest.hexdigest(),
        "by_n": {str(n): count for n, count in sorted(Counter(row["n"] for row in rows).items())},
        "operators": {op: operators[op] for op in OPERATORS},
        "distinct_puzzles": len({row["prompt"] for row in rows}),
    }
    if spec.labels:
        for label in LABELS:
            values = np.quantile([row[label] for row in rows], DIFFICULTY_QUANTILES)
            record[f"{label}_quantiles"] = [round(float(value), 3) for value in values]
    footer = {FOOTER_KEY: json.dumps({"identity": _identity(config, split, shard, seed), "record": record}).encode()}
    table = pa.Table.from_pylist(rows, schema=SCHEMA).replace_schema_metadata(footer)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        pq.write_table(
            table, partial, row_group_size=ROW_GROUP_ROWS, write_page_index=True, use_content_defined_chunking=True
        )
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return record


_NOT_OPERATORS = {ord(c): None for c in "0123456789="}


def _identity(config: str, split: str, shard: int, seed: int) -> list:
    return [SPEC_VERSION, config, split, shard, seed]


def _read_footer(out: Path, config: str, split: str, shard: int, seed: int) -> dict | None:
    """The record of a shard that is there, None if it is not; another build's shard is an error."""
    path = out / shard_path(config, split, shard, len(split_shards(CONFIGS[config][split])))
    if not path.is_file():
        return None
    try:
        footer = json.loads((pq.read_schema(path).metadata or {})[FOOTER_KEY])
        same = footer["identity"] == _identity(config, split, shard, seed)
    except (pa.ArrowInvalid, KeyError, ValueError):
        same = False
    if not same:
        raise InputError(
            f"{path} is not this build's (spec {SPEC_VERSION}, seed {seed}); give another --out or delete it"
        )
    return footer["record"]


def _read_manifest(path: Path, seed: int) -> dict:
    fresh = {"spec_version": SPEC_VERSION, "seed": seed, "partition": PARTITION_RULE, "configs": {}}
    if not path.is_file():
        return fresh
    try:
        manifest = json.loads(path.read_text())
        same = all(manifest[key] == fresh[key] for key in ("spec_version", "seed", "partition"))
    except (ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise InputError(
            f"{path} is of another build (spec {SPEC_VERSION}, seed {seed}); give another --out or delete it"
        )
    return manifest


def _collect(config: str, records: dict[tuple[str, int], dict]) -> dict:
    splits = {}
    for split, spec in CONFIGS[config].items():
        parts = [records[split, shard] for shard in range(len(split_shards(spec)))]
        files = [shard_path(config, split, shard, len(parts)) for shard in range(len(parts))]
        by_n, operators = Counter(), Counter()
        for part in parts:
            by_n.update(part["by_n"])
            operators.update(part["operators"])
        splits[split] = {
            "rows": sum(part["rows"] for part in parts),
            "v": spec.v,
            "bound": spec.bound,
            "by_n": dict(by_n),
            "operators": dict(operators),
            "shards": [{"file": file} | part for file, part in zip(files, parts, strict=True)],
        }
    return splits


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)
