"""Build a dataset: generate and verify the rows of each shard, write them as Parquet, and then write the manifest.

Each Parquet footer contains the identity of its shard (spec version, family, split, index, seed, number of puzzles) and
its record (counts and hash). So a build that was killed continues from the files alone. Configs of one family share
their shards.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_text
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, SplitSpec, find_config, shard_sizes, with_solutions
from arith_puzzle.dataset_builder.generate import LABELS, generate_shard
from arith_puzzle.dataset_builder.kernels import compile_kernels
from arith_puzzle.dataset_builder.puzzle import KEY_RULE, OPERATORS, PARTITION_RULE, SPEC_VERSION, puzzle_keys
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
EXACT_BITS = 64
"""Bits of the integer that stands for a puzzle in ``distinct_puzzles``."""
REFEREE_EVERY = 1000
"""Every row is verified by ``verify_batch``, and every REFEREE_EVERY-th row also by ``verify``. By other rules than the
paper's, every row is verified by ``verify``."""


class Place(Protocol):
    """A file or folder of a dataset: a Path, or a ``Remote`` of ``arith_puzzle.dataset_builder.distributed.remote``."""

    def __truediv__(self, below: str, /) -> Place: ...

    def __fspath__(self) -> str: ...

    def is_file(self) -> bool: ...

    def read_text(self) -> str: ...


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


def shard_path(family: str, split: str, shard: int) -> str:
    """The path of a shard, relative to the folder of the dataset."""
    return f"{family}/{split}-{shard:05d}.parquet"


def build(
    config: str, out: str | Path, *, seed: int | None = None, workers: int = 2, solutions: str | None = None,
    paths: int = 1, progress: bool = True,
) -> dict:  # fmt: skip
    """Write all splits of a config into the folder ``out``, and the manifest ``out/manifest.json``.

    Complete shards are kept. The rows depend neither on ``workers`` nor on what the folder contained.

    Args:
        config: name of a shipped config, or the path of a YAML file; see ``configs.find_config``.
        out: folder of the dataset. It may contain other configs of the same seed.
        seed: seed of all random streams; None: the config's, which is 0 unless its file states one.
        workers: number of threads; the compiled code releases the GIL.
        solutions, paths: other completions than the config's own; see ``configs.with_solutions``.
        progress: whether to show a progress bar.

    Returns:
        The manifest: {"spec_version", "generator_version", "seed", "key" and "partition" (the rules in words),
        "default" (a config's name), "configs": {name: {"family", "splits": see ``collect_splits``}}}.

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
        (out / content.folder).mkdir(parents=True, exist_ok=True)
        manifest = read_manifest(out / "manifest.json", seed)
        for leftover in (out / content.folder).glob(".*.tmp"):
            leftover.unlink()
        records = dict(_records(content, out, seed, workers, progress))
        add_config(manifest, name, content, out, records)
        write_text(out / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    except OSError as error:
        place = error.filename or out
        raise InputError(f"cannot write {place}: {error.strerror or error}; free space or give another --out") from None
    return manifest


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


def read_manifest(path: Place, seed: int) -> dict:
    """The manifest of a dataset, or a new one without configs if the file does not exist.

    Returns:
        A dict with the keys that ``build`` describes.

    Raises:
        InputError: the manifest is damaged, or belongs to another spec version or seed.
    """
    fresh = {
        "spec_version": SPEC_VERSION,
        "generator_version": version("arith-puzzle"),
        "seed": seed,
        "key": KEY_RULE,
        "partition": PARTITION_RULE,
        "configs": {},
    }
    if not path.is_file():
        return fresh
    try:
        manifest = json.loads(path.read_text())
        same = all(manifest[key] == fresh[key] for key in ("spec_version", "seed", "partition"))
        manifest["generator_version"] = fresh["generator_version"]
    except (ValueError, KeyError, TypeError):
        same = False
    if not same:
        wanted = f"spec {SPEC_VERSION}, seed {seed}"
        raise InputError(f"{path} is not the manifest of this build ({wanted}); give another --out, or delete it")
    if missing := [key for key in fresh if key not in manifest]:
        raise InputError(
            f"{path} has no {', '.join(map(repr, missing))}, so it is outdated or damaged; "
            "give another --out, or delete the folder"
        )
    return manifest


def add_config(manifest: dict, config: str, content: Config, out: Place, records: dict[tuple[str, int], dict]) -> None:
    """Add a built config to a manifest, in place.

    The configs keep the order of CONFIGS whatever is built first; custom ones come last. The config that is built first
    stays the default, which ``load_dataset`` takes if no config is named.

    Args:
        manifest: as ``read_manifest`` returns it.
        config: name of the config.
        content: its content, maybe with other completions.
        out: folder of the dataset.
        records: the record of each (split, shard); see ``build_shard``.
    """
    configs, order = manifest["configs"], {name: at for at, name in enumerate(CONFIGS)}
    name = config + content.suffix
    manifest.setdefault("default", next(iter(configs), name))
    configs[name] = {
        "family": content.folder,
        "splits": collect_splits(content, out, records),
    }
    places = {name: (order.get(name.split("-")[0], len(order)), name) for name in configs}
    manifest["configs"] = {name: configs[name] for name in sorted(configs, key=lambda name: places[name])}


def collect_splits(config: Config, out: Place, records: dict[tuple[str, int], dict]) -> dict[str, dict]:
    """The splits of a config, as the manifest describes them.

    Args:
        out: folder of the dataset; the shards of splits with several shards are read.
        records: the record of each (split, shard); see ``build_shard``.

    Returns:
        {split: {"rows", "v", "bound", "at_least", "solutions", "paths" (see ``configs.SplitSpec``), for a custom config
        also those of ``_custom_keys``, "by_n": {N: rows},
        "operators": {operator: count}, "distinct_puzzles", "shards": [{"file"} and the record of each shard]}}.
    """
    splits = {}
    for split, spec in config.splits.items():
        parts = [records[split, shard] for shard in range(len(shard_sizes(spec)))]
        files = [shard_path(config.folder, split, shard) for shard in range(len(parts))]
        splits[split] = {
            "rows": sum(part["rows"] for part in parts),
            "v": spec.v,
            "bound": spec.bound,
            "at_least": spec.at_least,
            "solutions": spec.solutions,
            "paths": spec.paths,
            **(_custom_keys(spec) if config.custom else {}),
            "by_n": {str(n): sum(part["by_n"].get(str(n), 0) for part in parts) for n in dict.fromkeys(spec.n_values)},
            "operators": {op: sum(part["operators"][op] for part in parts) for op in OPERATORS},
            "distinct_puzzles": parts[0]["distinct_puzzles"]
            if len(parts) == 1
            else distinct_puzzles([out / file for file in files], spec),
            "shards": [{"file": file} | part for file, part in zip(files, parts, strict=True)],
        }
    return splits


def _custom_keys(spec: SplitSpec) -> dict[str, object]:
    keys = {"repeat": spec.repeat, "targets": list(spec.target_range), "operations": spec.operations}
    return keys | {"rule": spec.rule, "division": spec.division, "form": spec.form}


def distinct_puzzles(files: Sequence[Place], spec: SplitSpec) -> int:
    """The number of different puzzles in the files of a split.

    Each puzzle is packed into one 64-bit integer, which identifies it: the bits of its target and of its numbers. If
    these do not fit, it is the puzzle's key. These integers are sorted and counted for each N. So 100 M rows need
    8 bytes of memory each.
    """
    bits = int(spec.v).bit_length()
    bits = max(bits, max(map(abs, spec.target_range)).bit_length())
    exact = (max(spec.n_values) + 1) * bits <= EXACT_BITS and spec.target_range[0] >= 0
    sizes_of = list(dict.fromkeys(spec.n_values))
    codes: dict[int, list[np.ndarray]] = {n: [] for n in sizes_of}
    for file in files:
        rows = pq.read_table(file, columns=["numbers", "target", "n"]).combine_chunks()
        sizes = rows["n"].to_numpy()
        offsets = rows["numbers"].chunk(0).offsets.to_numpy()
        values, targets = rows["numbers"].chunk(0).values.to_numpy(), rows["target"].to_numpy()
        for n in sizes_of:
            at = np.flatnonzero(sizes == n)
            if exact:
                code = targets[at].astype(np.uint64)
                for k in range(n):
                    code = (code << np.uint64(bits)) | values[offsets[at] + k].astype(np.uint64)
            else:
                code = puzzle_keys(values[offsets[at][:, None] + np.arange(n)], targets[at])
            codes[n].append(code)
    total = 0
    for n in sizes_of:
        merged = np.concatenate(codes.pop(n))
        merged.sort()
        total += int((merged[1:] != merged[:-1]).sum()) + 1
    return total
