"""Build a dataset: generate and verify the rows of each shard, write them as Parquet, and then write the manifest.

Each Parquet footer contains the identity of its shard (spec version, family, split, index, seed, number of puzzles) and
its record (counts and hash). So a build that was killed continues from the files alone. Configs of one family share
their shards.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import locked, write_text
from arith_puzzle.dataset_builder.configs import Config, SplitSpec, find_config, shard_sizes, with_solutions
from arith_puzzle.dataset_builder.generate import LABELS, generate_shard
from arith_puzzle.dataset_builder.kernels import compile_kernels
from arith_puzzle.dataset_builder.manifest import Place, add_config, check_splits, read_manifest, shard_path
from arith_puzzle.dataset_builder.puzzle import OPERATORS, SPEC_VERSION
from arith_puzzle.dataset_builder.verify_batch import REASON_NAMES, verify_batch
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

ROW_GROUP_ROWS = 250_000
"""Rows per row group: about 9 MB compressed. The viewer of the Hub reads row groups of up to 286 MiB."""
DICTIONARIES = ["numbers.list.element", "target", "n", "num_solutions", "difficulty"]
"""Columns with dictionary encoding. The texts have none: it makes them larger, and uploads then reuse fewer chunks."""
FOOTER_KEY = b"arith_puzzle"
"""Key of our metadata in a Parquet footer."""
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
HISTOGRAM_EDGES = {
    "difficulty": [step / 2 for step in range(15)],
    "num_solutions": [10**power for power in range(10)],
}
"""Lower edges of the bins of each label. The last bin has no upper edge."""
REFEREE_EVERY = 1000
"""Every row is verified by ``verify_batch``, and every REFEREE_EVERY-th row also by ``verify``. By other rules than the
paper's, every row is verified by ``verify``."""


def canonical_text(rows: pa.Table) -> pa.Array:
    """The text of each row that is hashed, a string array (rows,): prompt, completion, and an empty line."""
    joined = pc.binary_join_element_wise(rows["prompt"], rows["completion"], "\n\n", "")
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def rows_sha256(rows: pa.Table) -> str:
    """SHA-256 of the UTF-8 bytes of ``canonical_text``, hex. It does not depend on the Parquet writer."""
    digest = hashlib.sha256()
    for batch in rows.select(["prompt", "completion"]).to_batches(max_chunksize=ROW_GROUP_ROWS):
        text = canonical_text(pa.Table.from_batches([batch]))
        digest.update(memoryview(text.buffers()[2])[: _text_bytes(text)])
    return digest.hexdigest()


def _text_bytes(text: pa.Array) -> int:
    """Number of bytes of all strings of an array."""
    return int(np.frombuffer(text.buffers()[1], np.int32)[len(text)]) if len(text) else 0


def build(
    config: str, out: str | Path, *, seed: int | None = None, workers: int = 2, solutions: str | None = None,
    paths: int = 1, progress: bool = True, finish: Callable[[dict, Path], object] | None = None,
) -> dict:  # fmt: skip
    """Write all splits of a config into the folder ``out``, and the manifest ``out/manifest.json``.

    Complete shards are kept. The rows depend neither on ``workers`` nor on what the folder contained. One process at a
    time builds into a folder; another one waits for it.

    Args:
        config: name of a shipped config, or the path of a YAML file; see ``configs.find_config``.
        out: folder of the dataset. It may contain other configs of the same seed.
        seed: seed of all random streams; None: the config's, which is 0 unless its file states one.
        workers: number of threads; the compiled code releases the GIL.
        solutions, paths: other completions than the config's own; see ``configs.with_solutions``.
        progress: whether to show a progress bar.
        finish: called as ``finish(manifest, out)`` before another process may build into the folder.

    Returns:
        The manifest: {"spec_version", "generator_version", "seed", "key" and "partition" (the rules in words),
        "default" (a config's name), "configs": {name: {"family", "splits": see ``manifest.collect_splits``}}}.

    Raises:
        InputError: unknown config, the folder contains shards of another seed or spec, or it cannot be written. Shards
            and manifest are written to temporary files first, so no file is ever incomplete under its final name.
    """
    name, content = find_config(config, seed)
    seed = content.seed
    if workers < 1:
        raise InputError(f"--workers must be at least 1; got {workers}")
    out = Path(out)
    content = with_solutions(content, solutions, paths)
    if (out / "README.md").exists() and not (out / "manifest.json").exists():
        raise InputError(f"{out} has a README.md and no manifest.json, so `build` did not write it; give another --out")
    try:
        with building(out):
            manifest = read_manifest(out / "manifest.json", seed)
            check_splits(manifest, name + content.suffix, content, out)
            (out / content.folder).mkdir(parents=True, exist_ok=True)
            for leftover in (out / content.folder).glob(".*.tmp"):
                leftover.unlink()
            records = dict(_records(content, out, seed, workers, progress))
            add_config(manifest, name, content, out, records)
            write_text(out / "manifest.json", json.dumps(manifest, indent=1) + "\n")
            if finish:
                finish(manifest, out)
    except OSError as error:
        place = error.filename or out
        raise InputError(f"cannot write {place}: {error.strerror or error}; free space or give another --out") from None
    return manifest


def building(out: Place) -> contextlib.AbstractContextManager:
    """A lock of a dataset's folder, which waits for another build there. An address has none: builds there must not
    end at the same time."""
    return locked(out, "building into", wait=True) if isinstance(out, Path) else contextlib.nullcontext()


def _records(
    config: Config, out: Path, seed: int, workers: int, progress: bool
) -> Iterator[tuple[tuple[str, int], dict]]:
    """((split, shard), record) of every shard: first of the existing ones, then of the others as they are built."""
    missing = []
    for split, spec in config.splits.items():
        for shard in range(len(shard_sizes(spec))):
            record = read_footer(config, out, split, shard, seed)
            if record is None:
                missing.append((split, shard))
            else:
                yield (split, shard), record
    if missing:  # before the bar, which would show 0% while kernels compile
        solve = any(config.splits[split].solutions == "canonical" for split, _ in missing)
        compile_kernels(solve=solve, everything=False)
    bar = tqdm(total=len(missing), desc=f"build {config.folder}", unit="shard", disable=not (progress and missing))
    with bar, ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(build_shard, config, out, *task, seed): task for task in missing}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def build_shard(config: Config, out: Path, split: str, shard: int, seed: int) -> dict:
    """Generate, verify and write one shard.

    Returns:
        The record of the shard: {"rows", "sha256" (of ``rows_sha256``), "by_n": {N: rows}, "operators": {operator:
        count}, "distinct_puzzles"}. If the split has labels, also "<label>_quantiles" (at QUANTILES) and
        "<label>_histogram" ({lower edge: rows}).

    Raises:
        OSError: the folder of the family is missing, or the file cannot be written.
    """
    spec = config.splits[split]
    path = out / shard_path(config.folder, split, shard)
    rows = generate_shard(config, split, seed, shard)
    if not spec.rules:
        verdicts = verify_batch(rows["numbers"], rows["target"], rows["completion"])
        if not verdicts.correct.all():
            bad = int(np.argmin(verdicts.correct))
            raise AssertionError(f"{path}: row {bad} is wrong: {REASON_NAMES[verdicts.reason[bad]]}: {rows[bad]}")
    for row in rows.take(np.arange(0, rows.num_rows, 1 if spec.rules else REFEREE_EVERY)).to_pylist():
        verdict = verify(row["numbers"], row["target"], row["completion"], **spec.rules)
        if not verdict.correct:
            raise AssertionError(f"{path}: verify finds a wrong row: {verdict.message}: {row}")
    record = _describe(rows, spec)
    footer = {FOOTER_KEY: json.dumps({"identity": _identity(config, split, shard, seed), "record": record}).encode()}
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        pq.write_table(
            rows.replace_schema_metadata(footer), partial, compression="zstd", row_group_size=ROW_GROUP_ROWS,
            write_page_index=True, use_content_defined_chunking=True, use_dictionary=[*DICTIONARIES, *spec.rules],
        )  # fmt: skip
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return record


def _describe(rows: pa.Table, spec: SplitSpec) -> dict:
    by_n = pc.value_counts(rows["n"].combine_chunks()).to_pylist()
    record = {
        "rows": rows.num_rows,
        "sha256": rows_sha256(rows),
        "by_n": {str(item["values"]): item["counts"] for item in sorted(by_n, key=lambda item: item["values"])},
        "operators": _operators(rows["completion"]),
        "distinct_puzzles": pc.count_distinct(rows["prompt"]).as_py(),
    }
    if spec.labels:
        for label in LABELS:
            values = np.quantile(rows[label].to_numpy(), QUANTILES, method="inverted_cdf")
            record[f"{label}_quantiles"] = [round(float(value), 3) for value in values]
            edges = HISTOGRAM_EDGES[label]
            bins = np.searchsorted(edges, rows[label].to_numpy(), side="right") - 1
            counts = np.bincount(bins, minlength=len(edges)).tolist()
            record[f"{label}_histogram"] = {str(edge): n for edge, n in zip(edges, counts, strict=True) if n}
    return record


def _operators(completions: pa.ChunkedArray) -> dict[str, int]:
    """The number of times that each operator occurs. A minus is an operator after a digit or a bracket, else a sign."""
    counts = dict.fromkeys(OPERATORS, 0)
    for chunk in completions.chunks:
        start, end = (int(np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset + i]) for i in (0, len(chunk)))
        text = np.frombuffer(chunk.buffers()[2], np.uint8)[start:end]
        for operator in OPERATORS:
            places = np.flatnonzero(text == ord(operator))
            if operator == "-":
                before = text[np.maximum(places - 1, 0)]
                places = places[(places > 0) & (((before >= ord("0")) & (before <= ord("9"))) | (before == ord(")")))]
            counts[operator] += len(places)
    return counts


def _identity(config: Config, split: str, shard: int, seed: int) -> list:
    spec = config.splits[split]
    identity = [SPEC_VERSION, config.folder, split, shard, seed, shard_sizes(spec)[shard]]
    return [*identity, json.loads(json.dumps(asdict(spec)))] if config.custom else identity


def read_footer(config: Config, out: Place, split: str, shard: int, seed: int) -> dict | None:
    """The record of a shard from its footer (see ``build_shard``), or None if the shard does not exist.

    Raises:
        InputError: the file is not a shard of this spec version, seed and config.
    """
    path = out / shard_path(config.folder, split, shard)
    if not path.is_file():
        return None
    try:
        footer = json.loads((pq.read_schema(path).metadata or {})[FOOTER_KEY])
        same = footer["identity"] == _identity(config, split, shard, seed)
    except (pa.ArrowInvalid, KeyError, ValueError):
        same = False
    if not same:
        wanted = f"spec {SPEC_VERSION}, seed {seed}"
        raise InputError(f"{path} is not a shard of this build ({wanted}); give another --out, or delete it")
    return footer["record"]
