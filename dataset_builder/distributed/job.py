"""A distributed build as one object that can be pickled: it lists the shards, builds one, and writes the manifest."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder import configs, shards
from arith_puzzle.dataset_builder.configs import find_config
from arith_puzzle.dataset_builder.distributed.remote import Remote, place_of, write_text

READERS = 16
"""Number of footers to read at a time. On a remote filesystem each needs a few round trips."""


@dataclass(frozen=True)
class Job:
    """What to build, and where. It is pickled for the tasks.

    Attributes:
        config: name of the config.
        content: its splits.
        out: a path or an fsspec address.
        seed: seed of the rows.
        finish: called as ``finish(manifest, place)`` after the manifest is written. It must be a module-level function,
            because it is pickled by name.
    """

    config: str
    content: configs.Config
    out: str
    seed: int
    finish: Callable[[dict, Path | Remote], None] | None = None

    def shards(self) -> list[tuple[str, int]]:
        """(split, shard) of all shards; task ``rank`` builds every ``world_size``-th of them."""
        splits = self.content.splits.items()
        return [(split, shard) for split, spec in splits for shard in range(len(configs.shard_sizes(spec)))]

    def records(self) -> dict[tuple[str, int], dict | None]:
        """The record of each shard (see ``shards.build_shard``), or None if the shard does not exist.

        Raises:
            InputError: a shard is from another build.
        """
        place = place_of(self.out)
        if isinstance(place, Remote):
            place.filesystem.invalidate_cache()
        tasks = self.shards()
        with ThreadPoolExecutor(READERS) as pool:
            read = pool.map(lambda task: shards.read_footer(self.content, place, task[0], task[1], self.seed), tasks)
            return dict(zip(tasks, read, strict=True))

    def build_shard(self, split: str, shard: int) -> dict:
        """Build one shard, unless it exists. Return its record."""
        place = place_of(self.out)
        record = shards.read_footer(self.content, place, split, shard, self.seed)
        if record is not None:
            return record
        if isinstance(place, Path):
            (place / self.content.folder).mkdir(parents=True, exist_ok=True)
            return shards.build_shard(self.content, place, split, shard, self.seed)
        with tempfile.TemporaryDirectory(prefix="arith-puzzle-") as folder:
            (Path(folder) / self.content.folder).mkdir()
            record = shards.build_shard(self.content, Path(folder), split, shard, self.seed)
            name = shards.shard_path(self.content.folder, split, shard)
            (place / name).put(Path(folder) / name)
        return record

    def collect(self) -> dict:
        """Write the manifest and return it.

        Raises:
            InputError: a shard is missing or is from another build.
        """
        place = place_of(self.out)
        found = self.records()
        records = {task: record for task, record in found.items() if record is not None}
        missing = [shards.shard_path(self.content.folder, *task) for task in found if task not in records]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(found)} shards are not in {place}, {missing[0]} first; build them before "
                "--collect, with the same command and --executor"
            )
        with shards.building(place):
            manifest = shards.read_manifest(place / "manifest.json", self.seed)
            shards.check_splits(manifest, self.config + self.content.suffix, self.content, place)
            _remove_leftovers(place / self.content.folder)
            shards.add_config(manifest, self.config, self.content, place, records)
            write_text(place / "manifest.json", json.dumps(manifest, indent=1) + "\n")
            if self.finish:
                self.finish(manifest, place)
        return manifest


def _remove_leftovers(folder: Path | Remote) -> None:
    """Remove the temporary files of killed tasks. All shards must exist, so that no task is running."""
    if isinstance(folder, Path):
        for leftover in folder.glob(".*.tmp"):
            leftover.unlink()
        return
    for path in folder.filesystem.find(folder.path, maxdepth=1):
        name = path.rpartition("/")[2]
        if name.startswith(".") and name.endswith(".tmp"):
            folder.filesystem.rm_file(path)


def job_of(
    config: str, out: str | Path, *, seed: int | None = None, solutions: str | None = None, paths: int = 1,
    finish: Callable | None = None,
) -> Job:  # fmt: skip
    """Check the arguments and return the job. See ``configs.with_solutions`` for ``solutions`` and ``paths``.

    Raises:
        InputError: unknown config, negative seed, an address without a filesystem, or completions that the config
            cannot have.
    """
    name, content = find_config(config, seed)
    content = configs.with_solutions(content, solutions, paths)
    return Job(name, content, str(place_of(out)), content.seed, finish)


def readable_error(error: InputError | OSError) -> InputError:
    """The error as an InputError with a message of one line."""
    if isinstance(error, InputError):
        return error
    text = " ".join(str(error.strerror or error).split())  # errors of the Hub have several lines
    return InputError(f"cannot read or write {error.filename or 'a shard'}: {text}; free space or give another --out")
