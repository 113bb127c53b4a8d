"""The manifest of a dataset: what its configs and splits contain, in numbers, and the hash of each shard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Protocol

import numpy as np
import pyarrow.parquet as pq

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS, Config, SplitSpec, shard_sizes
from arith_puzzle.dataset_builder.puzzle import KEY_RULE, OPERATORS, PARTITION_RULE, SPEC_VERSION, puzzle_keys

EXACT_BITS = 64
"""Bits of the integer that stands for a puzzle in ``distinct_puzzles``."""


class Place(Protocol):
    """A file or folder of a dataset: a Path, or a ``Remote`` of ``arith_puzzle.dataset_builder.distributed.remote``."""

    def __truediv__(self, below: str, /) -> Place: ...

    def __fspath__(self) -> str: ...

    def is_file(self) -> bool: ...

    def read_text(self) -> str: ...


def shard_path(family: str, split: str, shard: int) -> str:
    """The path of a shard, relative to the folder of the dataset."""
    return f"{family}/{split}-{shard:05d}.parquet"


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


def check_splits(manifest: dict, name: str, content: Config, out: Place) -> None:
    """Raise InputError if a built config of this name has a split that ``content`` lacks: it would be lost."""
    built = manifest["configs"].get(name, {}).get("splits", {})
    if lost := [split for split in built if split not in content.splits]:
        raise InputError(
            f"{out} has a config {name} with the split {lost[0]!r}, which this one lacks; choose another name or --out"
        )


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
