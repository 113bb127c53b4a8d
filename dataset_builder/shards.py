"""Shards on disk: generate, verify every row, write Parquet, rename; the manifest comes last.

What a shard is (spec, seed, family, split, index) and its counts travel in the Parquet footer, so a build that was
killed knows from the files alone what is done. Configs of one family share their shards.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_text
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, SplitSpec, config_name, shard_sizes, with_solutions
from arith_puzzle.dataset_builder.generate import LABELS, generate_shard
from arith_puzzle.dataset_builder.puzzle import KEY_RULE, OPERATORS, PARTITION_RULE, SPEC_VERSION
from arith_puzzle.dataset_builder.verify_batch import REASON_NAMES, verify_batch
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

ROW_GROUP_ROWS = 250_000  # about 9 MB compressed, well below the 286 MiB at which the Hub's viewer stops
DICTIONARIES = ["numbers.list.element", "target", "n", "num_solutions", "difficulty"]
"""Not for the texts: dictionaries make them larger, and hide from chunking what two versions share."""
FOOTER_KEY = b"arith_puzzle"
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)
HISTOGRAM_EDGES = {
    "difficulty": [step / 2 for step in range(15)],
    "num_solutions": [10**power for power in range(10)],
}
"""Left edges of the labels' bins; a value at or above the last edge falls into the last bin."""
EXACT_BITS = 64
REFEREE_EVERY = 1000
"""Every row is judged by ``verify_batch``, and each of so many by ``verify`` itself as well."""


def canonical_text(rows: pa.Table) -> pa.Array:
    """What a shard's SHA-256 is taken over, row by row (UTF-8): the prompt, the completion, an empty line."""
    joined = pc.binary_join_element_wise(rows["prompt"], rows["completion"], "\n\n", "")
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def rows_sha256(rows: pa.Table) -> str:
    """SHA-256, hex, over ``canonical_text``. Not over Parquet bytes, which change with the writer."""
    digest = hashlib.sha256()
    for batch in rows.select(["prompt", "completion"]).to_batches(max_chunksize=ROW_GROUP_ROWS):
        text = canonical_text(pa.Table.from_batches([batch]))
        digest.update(memoryview(text.buffers()[2])[: len_of(text)])
    return digest.hexdigest()


def len_of(text: pa.Array) -> int:
    """Bytes of a string array's text."""
    return int(np.frombuffer(text.buffers()[1], np.int32)[len(text)]) if len(text) else 0


def shard_path(family: str, split: str, shard: int) -> str:
    """Where a shard lies, relative to the dataset's folder."""
    return f"{family}/{split}-{shard:05d}.parquet"


def build(
    config: str, out: str | Path, *, seed: int = 0, workers: int = 2, solutions: str | None = None,
    paths: int = 1, progress: bool = True,
) -> dict:  # fmt: skip
    """Write all splits of a config below ``out`` and return the manifest, which is also ``out/manifest.json``.

    Shards that are whole are kept; the rows are the same whatever ``workers`` and whatever was there before.

    Args:
        workers: threads; the work is compiled and holds no lock.
        solutions, paths: other completions than the config carries; see ``configs.with_solutions``.

    Raises:
        InputError: unknown config, a folder that holds another seed's or spec's rows, or one that cannot be
            written. Nothing half-written is left under a shard's or the manifest's name.
    """
    if config not in CONFIGS:
        raise InputError(f"unknown config {config!r}; known: {', '.join(CONFIGS)}")
    if seed < 0 or workers < 1:
        raise InputError(f"--seed must be at least 0 and --workers at least 1; got {seed} and {workers}")
    out = Path(out)
    content = with_solutions(CONFIGS[config], solutions, paths)
    try:
        (out / content.family).mkdir(parents=True, exist_ok=True)
        manifest = read_manifest(out / "manifest.json", seed)
        for leftover in (out / content.family).glob(".*.tmp"):
            leftover.unlink()
        records = dict(_records(content, out, seed, workers, progress))
        configs = manifest["configs"]
        name = config_name(config, content)
        configs[name] = {"family": content.family, "splits": collect_splits(content, out, records)}
        # the contract's order, whatever was built first: the first config is the default
        order = list(CONFIGS)
        manifest["configs"] = dict(sorted(configs.items(), key=lambda c: (order.index(c[0].split("-")[0]), c[0])))
        write_text(out / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    except OSError as error:
        place = error.filename or out
        raise InputError(f"cannot write {place}: {error.strerror or error}; free space or another --out") from None
    return manifest


def _records(
    config: Config, out: Path, seed: int, workers: int, progress: bool
) -> Iterator[tuple[tuple[str, int], dict]]:
    """((split, shard), record) of every shard, of those that were there and of those that are built now."""
    missing = []
    for split, spec in config.splits.items():
        for shard in range(len(shard_sizes(spec))):
            record = read_footer(config, out, split, shard, seed)
            if record is None:
                missing.append((split, shard))
            else:
                yield (split, shard), record
    bar = tqdm(total=len(missing), desc=f"build {config.family}", unit="shard", disable=not (progress and missing))
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
    """Generate, verify and write one shard; returns its record (rows, sha256, counts)."""
    spec = config.splits[split]
    path = out / shard_path(config.family, split, shard)
    rows = generate_shard(config, split, seed, shard)
    verdicts = verify_batch(rows["numbers"], rows["target"], rows["completion"])
    if not verdicts.correct.all():
        bad = int(np.argmin(verdicts.correct))
        raise AssertionError(f"{path}: row {bad} is wrong: {REASON_NAMES[verdicts.reason[bad]]}: {rows[bad]}")
    for row in rows.take(np.arange(0, rows.num_rows, REFEREE_EVERY)).to_pylist():
        verdict = verify(row["numbers"], row["target"], row["completion"])
        if not verdict.correct:
            raise AssertionError(f"{path}: verify and verify_batch disagree: {verdict.message}: {row}")
    record = _describe(rows, spec)
    footer = {FOOTER_KEY: json.dumps({"identity": _identity(config, split, shard, seed), "record": record}).encode()}
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        pq.write_table(
            rows.replace_schema_metadata(footer), partial, compression="zstd", row_group_size=ROW_GROUP_ROWS,
            write_page_index=True, use_content_defined_chunking=True, use_dictionary=DICTIONARIES,
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
    """How often each operator stands between two operands: a minus after a digit is one, others are signs."""
    counts = dict.fromkeys(OPERATORS, 0)
    for chunk in completions.chunks:
        start, end = (int(np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset + i]) for i in (0, len(chunk)))
        text = np.frombuffer(chunk.buffers()[2], np.uint8)[start:end]
        for operator in OPERATORS:
            places = np.flatnonzero(text == ord(operator))
            if operator == "-":
                before = text[np.maximum(places - 1, 0)]
                places = places[(places > 0) & (before >= ord("0")) & (before <= ord("9"))]
            counts[operator] += len(places)
    return counts


def _identity(config: Config, split: str, shard: int, seed: int) -> list:
    return [SPEC_VERSION, config.family, split, shard, seed, shard_sizes(config.splits[split])[shard]]


def read_footer(config: Config, out: Path, split: str, shard: int, seed: int) -> dict | None:
    """The record of a shard that is there, None if it is not; another build's shard is an error."""
    path = out / shard_path(config.family, split, shard)
    if not path.is_file():
        return None
    try:
        footer = json.loads((pq.read_schema(path).metadata or {})[FOOTER_KEY])
        same = footer["identity"] == _identity(config, split, shard, seed)
    except (pa.ArrowInvalid, KeyError, ValueError):
        same = False
    if not same:
        wanted = f"spec {SPEC_VERSION}, seed {seed}"
        raise InputError(f"{path} is not this build's ({wanted}); give another --out or delete it")
    return footer["record"]


def read_manifest(path: Path, seed: int) -> dict:
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
        raise InputError(f"{path} is of another build, not {wanted}; give another --out or delete it")
    if missing := [key for key in fresh if key not in manifest]:
        raise InputError(
            f"{path} has no {', '.join(map(repr, missing))}, which every manifest has: it is older or damaged; give "
            "another --out, or delete the folder"
        )
    return manifest


def collect_splits(config: Config, out: Path, records: dict[tuple[str, int], dict]) -> dict:
    splits = {}
    for split, spec in config.splits.items():
        parts = [records[split, shard] for shard in range(len(shard_sizes(spec)))]
        files = [shard_path(config.family, split, shard) for shard in range(len(parts))]
        splits[split] = {
            "rows": sum(part["rows"] for part in parts),
            "v": spec.v,
            "bound": spec.bound,
            "at_least": spec.at_least,
            "solutions": spec.solutions,
            "paths": spec.paths,
            "by_n": {str(n): sum(part["by_n"].get(str(n), 0) for part in parts) for n in spec.n_values},
            "operators": {op: sum(part["operators"][op] for part in parts) for op in OPERATORS},
            "distinct_puzzles": parts[0]["distinct_puzzles"]
            if len(parts) == 1
            else distinct_puzzles([out / file for file in files], spec),
            "shards": [{"file": file} | part for file, part in zip(files, parts, strict=True)],
        }
    return splits


def distinct_puzzles(files: list[Path], spec: SplitSpec) -> int:
    """How many different puzzles the files of a split hold, exactly.

    Each puzzle becomes one 64-bit number that it alone has (the numbers and the target side by side), so that even
    100 M rows are counted by sorting 8 bytes each. One size N at a time, in memory for the largest of them.
    """
    bits = int(spec.v).bit_length()
    if (max(spec.n_values) + 1) * bits > EXACT_BITS:
        raise AssertionError(f"puzzles of N={max(spec.n_values)}, V={spec.v} do not fit {EXACT_BITS} bits")
    codes: dict[int, list[np.ndarray]] = {n: [] for n in spec.n_values}
    for file in files:
        rows = pq.read_table(file, columns=["numbers", "target", "n"]).combine_chunks()
        sizes = rows["n"].to_numpy()
        offsets = rows["numbers"].chunk(0).offsets.to_numpy()
        values, targets = rows["numbers"].chunk(0).values.to_numpy(), rows["target"].to_numpy()
        for n in spec.n_values:
            at = np.flatnonzero(sizes == n)
            code = targets[at].astype(np.uint64)
            for k in range(n):
                code = (code << np.uint64(bits)) | values[offsets[at] + k].astype(np.uint64)
            codes[n].append(code)
    total = 0
    for n in spec.n_values:
        merged = np.concatenate(codes.pop(n))
        merged.sort()
        total += int((merged[1:] != merged[:-1]).sum()) + 1
    return total
