"""Build the shards of a config with datatrove: on this machine, on Ray or on Slurm, and to any fsspec address.

    arith-puzzle build --config 100m --executor slurm --partition cpu --out s3://bucket/arith-puzzle

datatrove runs the tasks. Each task builds the shards ``rank::world_size``. When all shards exist, the manifest is
written from their footers. The same command continues an interrupted build: it keeps complete shards and builds missing
ones, even if datatrove's completion markers say otherwise. docs/scale.md explains the setup and what it costs.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.processes import follow_parent, forks_follow
from arith_puzzle.dataset_builder.distributed.job import Job, job_of, readable_error
from arith_puzzle.dataset_builder.distributed.remote import place_of

try:
    from datatrove.pipeline.base import PipelineStep
except ImportError:  # the extra [executors]; ``build`` reports that it is missing
    PipelineStep = object

EXECUTORS = ("local", "ray", "slurm")
REQUIREMENTS = {"datatrove": "datatrove==0.10.1", "ray": "ray>=2.60"}
TASK_GB = 2
"""Memory to request for each task, in GB; docs/scale.md has the measured use of a shard."""


class BuildShards(PipelineStep):
    """Build the shards ``rank::world_size`` of a job."""

    type = "arith-puzzle"
    name = "build shards"

    def __init__(self, job: Job):
        super().__init__()
        self.job = job

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        """Build the shards. An InputError, such as a full disk, is one line in the log of the task."""
        _follow_pool()
        for split, shard in self.job.shards()[rank::world_size]:
            with self.track_time("shard"):
                record = _one_line(partial(self.job.build_shard, split, shard))
            self.stat_update("rows", value=record["rows"], unit="shard")
        return data


@cache
def _follow_pool() -> None:
    """In a process of datatrove's local pool: end soon after the command that started the pool was killed."""
    with contextlib.suppress(ImportError):
        from multiprocess import parent_process

        if parent_process() is not None:
            follow_parent(os.getppid())


class WriteManifest(PipelineStep):
    """Write the manifest, as the only task after all others."""

    type = "arith-puzzle"
    name = "manifest"

    def __init__(self, job: Job):
        super().__init__()
        self.job = job

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        """Write the manifest. Raises InputError if a shard is missing."""
        _one_line(self.job.collect)
        return data


def _one_line(work: Callable[[], dict]) -> dict:
    """The result of ``work``. An error that a user can fix becomes one line in the log, instead of a traceback."""
    from loguru import logger

    logger.enable("datatrove.executor")
    try:
        return work()
    except (InputError, OSError) as error:
        known = readable_error(error)
        logger.error(str(known))
        logger.disable("datatrove.executor")
        raise known from None


def collect(config: str, out: str | Path, **kwargs) -> dict:
    """Write the manifest of existing shards and return it. Arguments as for ``job_of``, errors as for ``build``."""
    try:
        return job_of(config, out, **kwargs).collect()
    except OSError as error:
        raise readable_error(error) from None


def build(
    config: str, out: str | Path, *, executor: str = "local", tasks: int | None = None, workers: int | None = None,
    seed: int | None = None, solutions: str | None = None, paths: int = 1, logs: str | Path | None = None,
    partition: str | None = None, time_limit: str = "01:00:00", sbatch: Sequence[str] = (),
    finish: Callable | None = None,
) -> dict | None:  # fmt: skip
    """Build all splits of a config with an executor. Shards and manifest equal those of ``shards.build``.

    Args:
        config: name of the config.
        out: a path or an fsspec address, visible to all machines of the build.
        executor: one of EXECUTORS.
        tasks: number of tasks, at most one per shard; default: one per shard.
        workers: maximum number of tasks that run at a time; default: 2 for local, no limit on a cluster.
        seed: seed of the rows.
        solutions, paths: see ``configs.with_solutions``.
        logs: folder for datatrove's logs, statistics and completion markers; default: below runs/executors. All
            machines of the build must see it.
        partition: Slurm partition.
        time_limit: Slurm time limit of a job.
        sbatch: more sbatch options, each KEY=VALUE.
        finish: see ``Job``.

    Returns:
        The manifest. None if jobs were submitted to Slurm; the last job writes the manifest.

    Raises:
        InputError: an invalid argument, a missing requirement, shards of another build in ``out``, an error of the
            filesystem, or failed tasks.
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
            install = shlex.join([sys.executable, "-m", "pip", "install", REQUIREMENTS[module]])
            raise InputError(f"--executor {executor} needs {module}, which is not installed; run: {install}")
    try:
        missing = [index for index, record in enumerate(job.records().values()) if record is None]
        if not missing:
            return job.collect()
        if isinstance(place := place_of(job.out), Path):  # report an unusable folder before any process starts
            (place / job.content.folder).mkdir(parents=True, exist_ok=True)
        tasks = min(tasks or len(job.shards()), len(job.shards()))
        logs = str(place_of(logs or Path("runs", "executors", _name(job, tasks))))
        if executor == "slurm":
            _submit(job, missing, tasks, workers, logs, options)
            return None
        run = _run_local if executor == "local" else _run_ray
        pipeline = run(job, missing, tasks, workers, logs)
        failed = pipeline.get_incomplete_ranks(skip_completed=True)
        if failed:
            raise InputError(
                f"{len(failed)} of {tasks} tasks failed, task {failed[0]} first; "
                f"{logs}/logs/task_{failed[0]:05d}.log has the reason; the same command continues the build"
            )
        return job.collect()
    except OSError as error:
        raise readable_error(error) from None


def _name(job: Job, tasks: int) -> str:
    """The folder of a build's logs. Builds that differ have different folders, because each has its own markers."""
    digest = hashlib.blake2b(repr((job.out, job.content, job.seed, tasks)).encode(), digest_size=6).hexdigest()
    return f"{job.config}-{digest}"


def _forget(pipeline, missing: list[int]):
    """Remove the completion markers of tasks with missing shards. Return the executor."""
    for rank in {index % pipeline.world_size for index in missing}:
        if pipeline.logging_dir.isfile(f"completions/{rank:05d}"):
            pipeline.logging_dir.rm_file(f"completions/{rank:05d}")
    return pipeline


def _run_local(job: Job, missing: list[int], tasks: int, workers: int | None, logs: str):
    from datatrove.executor import LocalPipelineExecutor

    pipeline = LocalPipelineExecutor([BuildShards(job)], tasks, min(workers or 2, tasks), logs)
    with forks_follow():  # datatrove keeps its queues in a process that it forks
        _forget(pipeline, missing).run()
    return pipeline


def _run_ray(job: Job, missing: list[int], tasks: int, workers: int | None, logs: str):
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from datatrove.executor import RayPipelineExecutor

    ours = not ray.is_initialized()
    if ours:  # connect to the cluster of RAY_ADDRESS, or start a local one for the time of the build
        ray.init(log_to_driver=False, include_dashboard=None if os.environ.get("RAY_ADDRESS") else False)
    try:
        step = BuildShards(job)
        pipeline = RayPipelineExecutor([step], tasks, workers or -1, logging_dir=logs, mem_per_cpu_gb=TASK_GB)
        _forget(pipeline, missing).run()
    finally:
        if ours:
            ray.shutdown()
    return pipeline


def _slurm_options(partition: str | None, time_limit: str, sbatch: Sequence[str]) -> dict:
    """The keyword arguments of datatrove's Slurm executor."""
    if not partition:
        raise InputError("--executor slurm needs --partition; `sinfo` lists the partitions of the cluster")
    bad = [item for item in sbatch if not re.fullmatch(r"[a-z][a-z-]*=.+", item)]
    if bad:
        raise InputError(f"--sbatch needs KEY=VALUE, such as account=me; got {bad[0]!r}")
    if shutil.which("sbatch") is None:
        raise InputError(
            "--executor slurm needs the command sbatch, which is not on this machine; run it on a login node"
        )
    return {
        "partition": partition,
        "time": time_limit,
        "mem_per_cpu_gb": TASK_GB,
        "qos": None,
        "sbatch_args": dict(item.split("=", 1) for item in sbatch),
        "venv_path": shlex.quote(f"{sys.prefix}/bin/activate") if sys.prefix != sys.base_prefix else None,
    }


def _submit(job: Job, missing: list[int], tasks: int, workers: int | None, logs: str, options: dict) -> None:
    """Submit the job array of the tasks, and a job that waits for them and writes the manifest."""
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
        raise InputError(f"sbatch failed with status {error.returncode}; its message is above") from None
