"""A config's shards as tasks of datatrove's executors: on this machine, on Ray, on Slurm, to any fsspec address.

    arith-puzzle build --config 100m --executor slurm --partition cpu --out s3://bucket/arith-puzzle

The engine, its completion markers and its resume are datatrove's; ours are one step that builds the shards
``rank::world_size`` and one that collects the manifest from the shards' footers when all of them are there. What is
on the disk decides: a whole shard is kept, a missing one is built, whatever a marker says. Beside that, what one
machine takes for a shard, and the plan of docs/scale.md out of it: python -m arith_puzzle.dataset_builder.distributed.executors --measure
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder import configs, shards
from arith_puzzle.dataset_builder.distributed.remote import Remote, place_of, write_text

try:
    from datatrove.pipeline.base import PipelineStep
except ImportError:  # an extra; ``build`` asks for it before it does anything
    PipelineStep = object

EXECUTORS = ("local", "ray", "slurm")
REQUIREMENTS = {"datatrove": "datatrove==0.10.1", "ray": "ray>=2.60"}
TASK_GB = 2
"""Memory asked for per task; docs/scale.md says what a shard takes."""
READERS = 16
"""Footers read at a time: on a remote filesystem each is a few round trips of waiting."""
REMEDY = "free space or another --out"


@dataclass(frozen=True)
class Job:
    """What is to be built, and where; it travels to the tasks.

    ``finish`` is called with the manifest and the place once the manifest is written: a function of a module, for the
    tasks find it by its name.
    """

    config: str
    content: configs.Config
    out: str
    seed: int
    finish: Callable[[dict, Path | Remote], None] | None = None

    def shards(self) -> list[tuple[str, int]]:
        """(split, shard) of all shards, in the order that tasks share out."""
        splits = self.content.splits.items()
        return [(split, shard) for split, spec in splits for shard in range(len(configs.shard_sizes(spec)))]

    def records(self) -> dict[tuple[str, int], dict | None]:
        """Each shard's record, from its footer; None where there is no shard. InputError: another build's shard."""
        place = place_of(self.out)
        if isinstance(place, Remote):
            place.filesystem.invalidate_cache()
        with ThreadPoolExecutor(READERS) as pool:
            read = pool.map(lambda task: shards.read_footer(self.content, place, *task, self.seed), self.shards())
            return dict(zip(self.shards(), read, strict=True))

    def build_shard(self, split: str, shard: int) -> dict:
        """Build one shard, unless it is there; returns its record."""
        place = place_of(self.out)
        record = shards.read_footer(self.content, place, split, shard, self.seed)
        if record is not None:
            return record
        if isinstance(place, Path):
            (place / self.content.family).mkdir(parents=True, exist_ok=True)
            return shards.build_shard(self.content, place, split, shard, self.seed)
        with tempfile.TemporaryDirectory(prefix="arith-puzzle-") as folder:
            (Path(folder) / self.content.family).mkdir()
            record = shards.build_shard(self.content, Path(folder), split, shard, self.seed)
            name = shards.shard_path(self.content.family, split, shard)
            (place / name).put(Path(folder) / name)
        return record

    def collect(self) -> dict:
        """Write the manifest, last of all; returns it. InputError: a shard is missing or another build's."""
        place = place_of(self.out)
        records = self.records()
        missing = [shards.shard_path(self.content.family, *task) for task, record in records.items() if record is None]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(records)} shards are not in {place}, {missing[0]} first; build them before "
                "--collect: the same command with --executor goes on"
            )
        manifest = shards.read_manifest(place / "manifest.json", self.seed)
        _remove_leftovers(place / self.content.family)
        built, order = manifest["configs"], list(configs.CONFIGS)
        name = configs.config_name(self.config, self.content)
        built[name] = {"family": self.content.family, "splits": shards.collect_splits(self.content, place, records)}
        # as ``shards.build`` orders them
        manifest["configs"] = dict(sorted(built.items(), key=lambda c: (order.index(c[0].split("-")[0]), c[0])))
        write_text(place / "manifest.json", json.dumps(manifest, indent=1) + "\n")
        if self.finish:
            self.finish(manifest, place)
        return manifest


def _remove_leftovers(folder: Path | Remote) -> None:
    """What killed tasks left. Only called when all shards are there, so that no task is at work."""
    if isinstance(folder, Path):
        for leftover in folder.glob(".*.tmp"):
            leftover.unlink()
        return
    for path in folder.filesystem.find(folder.path, maxdepth=1):
        name = path.rpartition("/")[2]
        if name.startswith(".") and name.endswith(".tmp"):
            folder.filesystem.rm_file(path)


class BuildShards(PipelineStep):
    """The shards ``rank::world_size`` of a job."""

    type = "arith-puzzle"
    name = "build shards"

    def __init__(self, job: Job):
        super().__init__()
        self.job = job

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        """Build them; InputError where they cannot be written, with one line in the task's log."""
        for split, shard in self.job.shards()[rank::world_size]:
            with self.track_time("shard"):
                record = _one_line(lambda task=(split, shard): self.job.build_shard(*task))
            self.stat_update("rows", value=record["rows"], unit="shard")
        return data


class WriteManifest(PipelineStep):
    """The last step of all, in one task: the manifest."""

    type = "arith-puzzle"
    name = "manifest"

    def __init__(self, job: Job):
        super().__init__()
        self.job = job

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        """Collect it; InputError where a shard is missing."""
        _one_line(self.job.collect)
        return data


def _one_line(work: Callable[[], dict]) -> dict:
    """The result of ``work``; what a user can mend becomes one line in the log instead of datatrove's traceback."""
    from loguru import logger

    logger.enable("datatrove.executor")
    try:
        return work()
    except (InputError, OSError) as error:
        known = _readable(error)
        logger.error(str(known))
        logger.disable("datatrove.executor")
        raise known from None


def _readable(error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    text = " ".join(str(error.strerror or error).split())  # the Hub's errors have several lines
    return InputError(f"cannot read or write {error.filename or 'a shard'}: {text}; {REMEDY}")


def job_of(
    config: str, out: str | Path, *, seed: int = 0, solutions: str | None = None, paths: int = 1,
    finish: Callable | None = None,
) -> Job:  # fmt: skip
    """The job of these arguments; ``solutions`` and ``paths`` as for ``configs.with_solutions``.

    Raises:
        InputError: unknown config, a negative seed, an address that no filesystem reads, completions that a config
            cannot have.
    """
    if config not in configs.CONFIGS:
        raise InputError(f"unknown config {config!r}; known: {', '.join(configs.CONFIGS)}")
    if seed < 0:
        raise InputError(f"--seed must be at least 0; got {seed}")
    content = configs.with_solutions(configs.CONFIGS[config], solutions, paths)
    return Job(config, content, str(place_of(out)), seed, finish)


def collect(config: str, out: str | Path, **kwargs) -> dict:
    """Write the manifest of shards that are all there; arguments as for ``job_of``, errors as for ``build``."""
    try:
        return job_of(config, out, **kwargs).collect()
    except OSError as error:
        raise _readable(error) from None


def build(
    config: str, out: str | Path, *, executor: str = "local", tasks: int | None = None, workers: int | None = None,
    seed: int = 0, solutions: str | None = None, paths: int = 1, logs: str | Path | None = None,
    partition: str | None = None, time_limit: str = "01:00:00", sbatch: Sequence[str] = (),
    finish: Callable | None = None,
) -> dict | None:  # fmt: skip
    """Write all splits of a config by an executor; the manifest is that of ``shards.build``, byte for byte.

    Args:
        out: a path or an fsspec address. What several machines write to, all of them must see.
        tasks: into how many tasks the shards go, at most one each; default: one each.
        workers: tasks at a time; default: 2 for local, else as many as the cluster grants.
        logs: datatrove's folder of logs, stats and completion markers; default: below runs/executors. Ray on several
            machines and Slurm need one that all of them see.
        partition, time_limit, sbatch: of the Slurm jobs; sbatch holds KEY=VALUE.

    Returns:
        The manifest; None where Slurm's jobs are submitted, the last of which writes it.

    Raises:
        InputError: a bad argument, a requirement that is not installed, a folder that holds another build's shards,
            one that cannot be written, tasks that failed.
    """
    if executor not in EXECUTORS:
        raise InputError(f"unknown executor {executor!r}; known: {', '.join(EXECUTORS)}")
    for name, value in (("--tasks", tasks), ("--workers", workers)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1; got {value}")
    job = job_of(config, out, seed=seed, solutions=solutions, paths=paths, finish=finish)
    options = _slurm_options(partition, time_limit, sbatch) if executor == "slurm" else {}
    for module in ("datatrove", "ray") if executor == "ray" else ("datatrove",):
        if importlib.util.find_spec(module) is None:
            install = f"{sys.executable} -m pip install {shlex.quote(REQUIREMENTS[module])}"
            raise InputError(f"--executor {executor} needs {module}, which is not installed; run: {install}")
    try:
        missing = [index for index, record in enumerate(job.records().values()) if record is None]
        if not missing:
            return job.collect()
        if isinstance(place := place_of(job.out), Path):  # before any process is started
            (place / job.content.family).mkdir(parents=True, exist_ok=True)
        tasks = min(tasks or len(job.shards()), len(job.shards()))
        logs = str(place_of(logs or Path("runs", "executors", _name(job, tasks))))
        if executor == "slurm":
            _submit(job, missing, tasks, workers, logs, options)
            return None
        run = _run_local if executor == "local" else _run_ray
        engine = run(job, missing, tasks, workers, logs)
        failed = engine.get_incomplete_ranks(skip_completed=True)
        if failed:
            raise InputError(
                f"{len(failed)} of {tasks} tasks failed, {failed[0]} first; why: {logs}/logs/task_{failed[0]:05d}.log; "
                "the same command goes on"
            )
        return job.collect()
    except OSError as error:
        raise _readable(error) from None


def _name(job: Job, tasks: int) -> str:
    """Markers of one build must not speak for another: all that tells builds apart is in their folder's name."""
    digest = hashlib.blake2b(repr((job.out, job.content, job.seed, tasks)).encode(), digest_size=6).hexdigest()
    return f"{job.config}-{digest}"


def _forget(engine, missing: list[int]):
    """Drop the markers of tasks whose shards are not there any more; returns the executor."""
    for rank in {index % engine.world_size for index in missing}:
        if engine.logging_dir.isfile(f"completions/{rank:05d}"):
            engine.logging_dir.rm_file(f"completions/{rank:05d}")
    return engine


def _run_local(job: Job, missing: list[int], tasks: int, workers: int | None, logs: str):
    from datatrove.executor import LocalPipelineExecutor

    engine = LocalPipelineExecutor([BuildShards(job)], tasks, min(workers or 2, tasks), logs)
    _forget(engine, missing).run()
    return engine


def _run_ray(job: Job, missing: list[int], tasks: int, workers: int | None, logs: str):
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from datatrove.executor import RayPipelineExecutor

    ours = not ray.is_initialized()
    if ours:  # the cluster of RAY_ADDRESS, or one of this machine for as long as the build takes
        ray.init(log_to_driver=False, **({} if os.environ.get("RAY_ADDRESS") else {"include_dashboard": False}))
    try:
        step = BuildShards(job)
        engine = RayPipelineExecutor([step], tasks, workers or -1, logging_dir=logs, mem_per_cpu_gb=TASK_GB)
        _forget(engine, missing).run()
    finally:
        if ours:
            ray.shutdown()
    return engine


def _slurm_options(partition: str | None, time_limit: str, sbatch: Sequence[str]) -> dict:
    if not partition:
        raise InputError("--executor slurm needs --partition; `sinfo` lists the cluster's")
    bad = [item for item in sbatch if not re.fullmatch(r"[a-z][a-z-]*=.+", item)]
    if bad:
        raise InputError(f"--sbatch takes KEY=VALUE, such as account=me; got {bad[0]!r}")
    if shutil.which("sbatch") is None:
        raise InputError("--executor slurm submits by sbatch, which is not on this machine; run it on a login node")
    return {
        "partition": partition,
        "time": time_limit,
        "mem_per_cpu_gb": TASK_GB,
        "qos": None,
        "sbatch_args": dict(item.split("=", 1) for item in sbatch),
        "venv_path": shlex.quote(f"{sys.prefix}/bin/activate") if sys.prefix != sys.base_prefix else None,
    }


def _submit(job: Job, missing: list[int], tasks: int, workers: int | None, logs: str, options: dict) -> None:
    """The array of tasks, and a job that waits for it and writes the manifest."""
    from datatrove.executor import SlurmPipelineExecutor

    array = SlurmPipelineExecutor(
        [BuildShards(job)], tasks, workers=workers or -1, job_name=f"arith-puzzle-{job.config}", logging_dir=logs,
        **options,
    )  # fmt: skip
    last = SlurmPipelineExecutor(
        [WriteManifest(job)], 1, job_name=f"arith-puzzle-{job.config}-manifest", logging_dir=f"{logs}/manifest",
        depends=_forget(array, missing), skip_completed=False, **options,
    )  # fmt: skip
    try:
        last.run()
    except subprocess.CalledProcessError as error:
        raise InputError(f"sbatch refused the job, status {error.returncode}; its own message is above") from None
