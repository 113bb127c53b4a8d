"""A config's shards as tasks of datatrove's executors: on this machine, on Ray, on Slurm, to any fsspec address.

    arith-puzzle build --config 100m --executor slurm --partition cpu --out s3://bucket/arith-puzzle

The engine, its completion markers and its resume are datatrove's; ours are one step that builds the shards
``rank::world_size`` and one that collects the manifest from the shards' footers when all of them are there. What is
on the disk decides: a whole shard is kept, a missing one is built, whatever a marker says. Beside that, what one
machine takes for a shard, and the plan of docs/scale.md out of it: python -m dataset_builder.executors --measure
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from dataset_builder import generate, shards
from dataset_builder.errors import InputError

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


class Remote:
    """A file or folder of a filesystem that is not the local one: as much of a Path as ``shards`` asks of one."""

    def __init__(self, filesystem: fsspec.AbstractFileSystem, path: str):
        self.filesystem, self.path = filesystem, path

    def __truediv__(self, below: str) -> Remote:
        return Remote(self.filesystem, f"{self.path.rstrip('/')}/{below}")

    def __str__(self) -> str:
        return self.filesystem.unstrip_protocol(self.path)

    def __fspath__(self) -> str:
        return f"fsspec+{self}"  # pyarrow's way to name any fsspec address

    @property
    def name(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]

    def is_file(self) -> bool:
        return self.filesystem.isfile(self.path)

    def read_text(self) -> str:
        return self.filesystem.cat_file(self.path).decode()

    def put(self, source: Path) -> None:
        """The file as a whole or not at all: by a temporary name and a rename where the filesystem has one.

        A filesystem without one keeps ``AbstractFileSystem.mv``, a copy and a delete. Those are the object stores and
        the Hub, where a file appears when its upload is complete.
        """
        parent, _, name = self.path.rpartition("/")
        renames = type(self.filesystem).mv is not fsspec.AbstractFileSystem.mv
        target = f"{parent}/.{name}.{uuid.uuid4().hex}.tmp" if renames else self.path
        self.filesystem.makedirs(parent, exist_ok=True)
        try:
            self.filesystem.put_file(str(source), target)
            if self.filesystem.size(target) != source.stat().st_size:
                raise OSError(f"{self}: the upload is not whole")
            if renames:
                self.filesystem.mv(target, self.path)
        except BaseException:
            if self.filesystem.exists(target):
                self.filesystem.rm_file(target)
            raise


def place_of(address: str | Path) -> Path | Remote:
    """Where an address points: a Path if it is on the local filesystem.

    Raises:
        InputError: no such filesystem, or its driver is not installed.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(str(address))
    except (ValueError, ImportError) as error:
        raise InputError(f"--out {address}: {error}; an address is a path or what fsspec reads, as s3://…") from None
    return Path(path) if isinstance(filesystem, LocalFileSystem) else Remote(filesystem, path)


def write_text(place: Path | Remote, text: str) -> None:
    """Write a file, whole or not at all."""
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        partial.write_text(text, encoding="utf-8")
        partial.rename(place)
        return
    with tempfile.TemporaryDirectory(prefix="arith-puzzle-") as folder:
        source = Path(folder) / "text"
        source.write_text(text, encoding="utf-8")
        place.put(source)


@dataclass(frozen=True)
class Job:
    """What is to be built, and where; it travels to the tasks.

    ``finish`` is called with the manifest and the place once the manifest is written: a function of a module, for the
    tasks find it by its name.
    """

    config: str
    content: generate.Config
    out: str
    seed: int
    finish: Callable[[dict, Path | Remote], None] | None = None

    def shards(self) -> list[tuple[str, int]]:
        """(split, shard) of all shards, in the order that tasks share out."""
        splits = self.content.splits.items()
        return [(split, shard) for split, spec in splits for shard in range(len(generate.shard_sizes(spec)))]

    def records(self) -> dict[tuple[str, int], dict | None]:
        """Each shard's record, from its footer; None where there is no shard. InputError: another build's shard."""
        place = place_of(self.out)
        if isinstance(place, Remote):
            place.filesystem.invalidate_cache()
        with ThreadPoolExecutor(READERS) as pool:
            read = pool.map(lambda task: shards._read_footer(self.content, place, *task, self.seed), self.shards())
            return dict(zip(self.shards(), read, strict=True))

    def build_shard(self, split: str, shard: int) -> dict:
        """Build one shard, unless it is there; returns its record."""
        place = place_of(self.out)
        record = shards._read_footer(self.content, place, split, shard, self.seed)
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
        manifest = shards._read_manifest(place / "manifest.json", self.seed)
        _remove_leftovers(place / self.content.family)
        configs, order = manifest["configs"], list(generate.CONFIGS)
        name = shards.config_name(self.config, self.content)
        configs[name] = {"family": self.content.family, "splits": shards._collect(self.content, place, records)}
        # as ``shards.build`` orders them
        manifest["configs"] = dict(sorted(configs.items(), key=lambda c: (order.index(c[0].split("-")[0]), c[0])))
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
    """The job of these arguments; ``solutions`` and ``paths`` as for ``generate.with_solutions``.

    Raises:
        InputError: unknown config, a negative seed, an address that no filesystem reads, completions that a config
            cannot have.
    """
    if config not in generate.CONFIGS:
        raise InputError(f"unknown config {config!r}; known: {', '.join(generate.CONFIGS)}")
    if seed < 0:
        raise InputError(f"--seed must be at least 0; got {seed}")
    content = generate.with_solutions(generate.CONFIGS[config], solutions, paths)
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


# --- what a shard takes, and the plan that follows -------------------------------------------------------------------

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "benchmarks" / "results" / "scale.json"
PAGE = ROOT / "docs" / "scale.md"
PLANNED_ROWS = 10_000_000_000
CORES = (2, 64, 1000)
GBIT = 1
"""A link's speed that the plan supposes; the one number of its tables that nothing was measured for."""
MANIFEST_DEPTH = 6
"""How deep in the manifest a shard's record lies; it is indented."""
TRAIN_SHARE = 30 / 32
"""Of all keys; see PARTITION_RULE."""


def measure(shard_count: int = 3) -> dict:
    """Build that many train shards of `1m`'s kind, one after the other on one core; what each took.

    Seconds are of wall clock on the one core this process is bound to, threads and all, and of CPU time, which a busy
    machine disturbs less; memory is this process's peak.
    """
    paper, rows = generate.CONFIGS["1m"], generate.SHARD_ROWS
    spec = replace(paper.splits["train"], rows=shard_count * rows)
    content = generate.Config(paper.family, {"train": spec})
    load = os.getloadavg()[0]
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import dataset_builder.executors"], cwd=ROOT, check=True)
    start = time.perf_counter() - start
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        with tempfile.TemporaryDirectory(prefix="arith-puzzle-") as folder:
            out = Path(folder)
            (out / paper.family).mkdir()
            warm = generate.Config(paper.family, {"train": replace(spec, rows=3000)})
            shards.build_shard(warm, out, "train", 0, 0)  # what is compiled is loaded
            built = [_timed(lambda i=i: shards.build_shard(content, out, "train", i, 0)) for i in range(shard_count)]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            files = [out / shards.shard_path(paper.family, "train", i) for i in range(shard_count)]
            sizes = [file.stat().st_size for file in files]
            footer = _timed(lambda: [shards._read_footer(content, out, "train", i, 0) for i in range(shard_count)])
            exact = _timed(lambda: shards.distinct_puzzles(files, spec))
            pairs, counts = _equal_pairs(files)
    finally:
        os.sched_setaffinity(0, cores)
    record = {"file": shards.shard_path(paper.family, "train", 0)} | built[0]["result"]
    for _ in range(MANIFEST_DEPTH):
        record = [record]
    return {
        "command": "python -m dataset_builder.executors --measure",
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
    """By N: how many pairs of rows hold the same puzzle, and how many rows there are."""
    table = pa.concat_tables(pq.read_table(file, columns=["prompt", "n"]) for file in files)
    pairs, rows = {}, {}
    for n in sorted(pc.unique(table["n"]).to_pylist()):
        prompts = table.filter(pc.equal(table["n"], n))["prompt"]
        times = pc.value_counts(prompts).field("counts").to_numpy()
        pairs[n], rows[n] = int((times * (times - 1) // 2).sum()), len(prompts)
    return pairs, rows


def distinct_bounds(rows: int, space: float, pair_chance: float) -> tuple[float, float]:
    """Least and greatest expected number of different puzzles among ``rows`` independent draws.

    A draw's puzzle is met 1 + Binomial(rows - 1, p) times, so by Jensen's inequality the expectation is at least
    rows / (1 + (rows - 1) * sum p^2); among all distributions over ``space`` puzzles the uniform one has most.

    Args:
        pair_chance: sum p^2, the chance that two rows hold the same puzzle.
    """
    return rows / (1 + (rows - 1) * pair_chance), -space * math.expm1(rows * math.log1p(-1 / space))


def space_of(n: int, v: int = 60) -> int:
    """Puzzles of n distinct numbers and a target in 1..v, solvable or not."""
    return math.comb(v, n) * v


def tables(measured: dict) -> dict[str, str]:
    """The tables of docs/scale.md by name, in Markdown, out of ``measure``'s figures."""
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
        "measured": _markdown(("what", "measured"), took),
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
    return _markdown(header, lines) + f"\nFrom {even:,} cores on, such a copy takes longer than the generation.\n"


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
    return _markdown(header, lines) + (
        f"\nThe exact count as `shards.distinct_puzzles` makes it, at {PLANNED_ROWS:,} rows: {memory:,.0f} GB of "
        f"memory and at least {sort * PLANNED_ROWS / 3600:,.1f} hours of one core (reading three columns and sorting "
        "8 bytes a row, at the rate measured here).\n"
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _duration(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{hours * 60:,.1f} min"


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [header, ["---"] * len(header), *rows])


def filled(page: str, measured: dict) -> str:
    """The page with its tables between ``<!-- scale: NAME -->`` and ``<!-- scale: end -->`` written anew."""
    for name, table in tables(measured).items():
        begin, end = f"<!-- scale: {name} -->\n", "<!-- scale: end -->"
        before, rest = page.split(begin)
        page = before + begin + table + end + rest.split(end, 1)[1]
    return page


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dataset_builder.executors", description="The numbers of the plan.")
    parser.add_argument("--measure", action="store_true", help=f"measure anew into {MEASURED.relative_to(ROOT)}")
    parser.add_argument("--page", action="store_true", help=f"write the tables of {PAGE.relative_to(ROOT)} anew")
    args = parser.parse_args(argv)
    if not (args.measure or args.page):
        parser.error("--measure or --page")
    if args.measure:
        measured = measure()
        MEASURED.parent.mkdir(parents=True, exist_ok=True)
        MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(measured, indent=1))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), json.loads(MEASURED.read_text())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
