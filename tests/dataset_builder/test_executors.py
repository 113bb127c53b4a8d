"""Every executor, on every filesystem, writes the bytes of the local build; a shard is complete or absent.

Scripts replace the commands of Slurm: they run the tasks of an array at once. datatrove itself is not replaced.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder import configs, shards
from arith_puzzle.dataset_builder.configs import Config, SplitSpec
from arith_puzzle.dataset_builder.distributed import executors
from benchmarks import scale

pytest.importorskip("datatrove", reason="an extra: pip install datatrove==0.10.1")


@pytest.fixture
def small(monkeypatch, tmp_path):
    """(folder, manifest text) of the local build of a config with five small shards. Only this process knows it."""
    splits = {
        "train": SplitSpec(2500, (3, 4), labels=False),
        "validation": SplitSpec(200, (3,), labels=False),
        "test": SplitSpec(200, (4,)),
    }
    monkeypatch.setattr(configs.spec, "SHARD_ROWS", 1000)
    monkeypatch.setitem(configs.CONFIGS, "small", Config("small", splits))
    out = tmp_path / "by-build"
    shards.build("small", out, progress=False)
    return out, (out / "manifest.json").read_text()


@pytest.fixture
def memory():
    """An empty memory:// filesystem. It cannot rename, and only this process sees its files."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    yield fsspec.filesystem("memory")
    MemoryFileSystem.store.clear()


def _in_process(out, tmp_path, **kwargs):
    """Build with one worker: datatrove then runs the tasks in this process, which knows the small config."""
    return executors.build("small", out, tasks=2, workers=1, logs=tmp_path / "logs", **kwargs)


def _files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _same(folder, other):
    """Check that both folders have the same shards and manifest. The shared `starter` fixture also has a card."""
    ours, theirs = _files(folder), _files(other)
    theirs.pop("README.md", None)
    assert ours.keys() == theirs.keys()
    assert all(ours[name] == theirs[name] for name in ours)


def test_two_local_tasks_write_the_local_builds_bytes_and_a_rerun_starts_nothing(starter, tmp_path, monkeypatch):
    out, logs = tmp_path / "out", tmp_path / "logs"
    manifest = executors.build("starter", out, tasks=2, workers=2, logs=logs)
    assert manifest == starter[1]
    _same(out, starter[0])
    assert sorted(path.name for path in (logs / "completions").iterdir()) == ["00000", "00001"]
    stats = json.loads((logs / "stats.json").read_text())
    assert stats[0]["stats"]["rows"]["total"] == 303_000
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    monkeypatch.setattr(executors, "_run_local", lambda *_: pytest.fail("nothing is left to run"))
    assert executors.build("starter", out, tasks=2, workers=2, logs=logs) == manifest
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_build_leaves_no_process(tmp_path, number):
    """The signal goes to ``arith-puzzle build`` alone, while the workers of its pool write shards."""
    import psutil

    command = [sys.executable, "-m", "arith_puzzle.cli", "build", "--config", "1m", "--out", str(tmp_path / "out"),
               "--executor", "local", "--tasks", "4", "--workers", "2"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as build:
        deadline = time.monotonic() + 600
        while not list(tmp_path.glob("out/**/*parquet*")):
            assert build.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        children = psutil.Process(build.pid).children(recursive=True)
        assert len(children) >= 2
        build.send_signal(number)
        assert build.wait(600) == (-number if number == signal.SIGKILL else 128 + number)
    _, left = psutil.wait_procs(children, timeout=600)
    assert not [process for process in left if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
def test_ray_with_two_workers_writes_the_same_bytes(starter, tmp_path):
    pytest.importorskip("ray")
    out, logs = tmp_path / "out", tmp_path / "logs"
    code = (
        "from arith_puzzle.dataset_builder.distributed.executors import build\n"
        f"build('starter', {str(out)!r}, executor='ray', tasks=3, workers=2, logs={str(logs)!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    _same(out, starter[0])
    assert len(list((logs / "completions").iterdir())) == 3


@pytest.mark.slow
def test_ray_says_which_tasks_failed(starter, tmp_path):
    """Ray's executor does not raise when a task fails. Here a task finds a shard of another build."""
    pytest.importorskip("ray")
    out, logs = tmp_path / "out", tmp_path / "logs"
    code = (
        "from arith_puzzle.dataset_builder.distributed import executors\n"
        f"foreign = {str(out / shards.shard_path('starter', 'test', 0))!r}\n"
        "records = executors.Job.records\n"
        "def late(job):\n"
        "    found = records(job)\n"  # the foreign shard appears after this check and before the task
        "    open(foreign, 'w').write('x')\n"
        "    return found\n"
        "executors.Job.records = late\n"
        f"executors.build('starter', {str(out)!r}, executor='ray', tasks=3, workers=2, logs={str(logs)!r})"
    )
    (out / "starter").mkdir(parents=True)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (
        f"1 of 3 tasks failed, task 2 first; {logs}/logs/task_00002.log has the reason" in done.stderr.splitlines()[-1]
    )
    assert "is not a shard of this build" in (logs / "logs" / "task_00002.log").read_text()
    assert not (out / "manifest.json").exists()


def test_any_filesystem_holds_the_same_bytes(small, memory, tmp_path):
    out, text = small
    executors.build("small", "memory://bucket/below", tasks=2, workers=1, logs=tmp_path / "logs")
    assert memory.cat_file("/bucket/below/manifest.json").decode() == text
    names = sorted(path.removeprefix("/bucket/below/") for path in memory.find("/bucket/below"))
    assert names == sorted(_files(out))
    assert all(memory.cat_file(f"/bucket/below/{name}") == content for name, content in _files(out).items())
    assert json.loads(text)["configs"]["small"]["splits"]["train"]["distinct_puzzles"] < 2500  # counted across shards
    (tmp_path / "logs").rename(tmp_path / "gone")
    assert executors.collect("small", "memory://bucket/below") == json.loads(text)  # a rerun without markers


@pytest.mark.slow
def test_hf_addresses_hold_the_same_bytes(small, tmp_path):
    """On a local Hub, whose address the process has from its start. A second run adds no commit."""
    pytest.importorskip("pygit2")
    from huggingface_hub import HfApi, hf_hub_download

    from arith_puzzle.local_hub import running

    with running(tmp_path / "hub") as hub:
        api, repo = HfApi(endpoint=hub.endpoint, token=hub.token), f"{hub.namespace}/arith-puzzle"
        api.create_repo(repo, repo_type="dataset")
        code = (
            "from arith_puzzle.dataset_builder import configs\n"
            "from arith_puzzle.dataset_builder.distributed import executors\n"
            "from arith_puzzle.dataset_builder.configs import Config, SplitSpec\n"
            f"configs.spec.SHARD_ROWS, configs.CONFIGS['small'] = 1000, {configs.CONFIGS['small']!r}\n"
            f"executors.build('small', 'hf://datasets/{repo}', tasks=2, workers=1, logs={str(tmp_path / 'logs')!r})"
        )
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1"}
        commits = []
        for _ in range(2):
            done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            commits.append(len(api.list_repo_commits(repo, repo_type="dataset")))
        assert commits[0] == commits[1]
        files = set(api.list_repo_files(repo, repo_type="dataset")) - {".gitattributes"}
        assert files == set(_files(small[0]))
        for name, content in _files(small[0]).items():
            options = {"repo_type": "dataset", "endpoint": hub.endpoint, "token": hub.token}
            assert Path(hf_hub_download(repo, name, local_dir=tmp_path / "got", **options)).read_bytes() == content


def _rename(filesystem, path1, path2, **_):
    filesystem.store[path2] = filesystem.store.pop(path1)


@pytest.mark.parametrize("renames", [False, True])
@pytest.mark.parametrize("fault", ["raises", "short"])
def test_a_shard_is_whole_or_absent(small, memory, tmp_path, monkeypatch, capsys, renames, fault):
    if renames:
        monkeypatch.setattr(MemoryFileSystem, "mv", _rename, raising=False)
    whole, targets = MemoryFileSystem.put_file, []

    def half(filesystem, source, target, **kwargs):
        targets.append(target)
        if "train-00001" not in target:
            return whole(filesystem, source, target, **kwargs)
        filesystem.pipe_file(target, Path(source).read_bytes()[:1000])
        if fault == "raises":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target)

    monkeypatch.setattr(MemoryFileSystem, "put_file", half)
    with pytest.raises(InputError, match="No space left" if fault == "raises" else "incomplete"):
        _in_process("memory://bucket", tmp_path)
    names = {path.rpartition("/")[2] for path in memory.find("/bucket")}
    assert names == {"train-00000.parquet", "train-00002.parquet", "test-00000.parquet"}  # written by the other task
    assert all(name.endswith(".tmp") == renames for name in (target.rpartition("/")[2] for target in targets))
    assert "Traceback" not in capsys.readouterr().err

    memory.pipe_file("/bucket/small/.train-00001.parquet.dead.tmp", b"what a killed task leaves")
    monkeypatch.setattr(MemoryFileSystem, "put_file", whole)
    _in_process("memory://bucket", tmp_path)
    assert memory.cat_file("/bucket/manifest.json").decode() == small[1]
    assert len(memory.find("/bucket")) == len(_files(small[0]))


def test_a_full_disk_is_one_line(small, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/out/small/train-00000.parquet")

    monkeypatch.setattr(shards, "build_shard", full)
    with pytest.raises(
        InputError, match=r"^cannot read or write /out/small/train-00000.parquet: No space left"
    ) as caught:
        _in_process(tmp_path / "out", tmp_path)
    assert "\n" not in str(caught.value)
    log = (tmp_path / "logs" / "logs" / "task_00000.log").read_text()
    assert str(caught.value) in log and "Traceback" not in log + capsys.readouterr().err


def test_a_marker_without_its_shard_does_not_count(small, tmp_path):
    out = tmp_path / "out"
    _in_process(out, tmp_path)
    (out / shards.shard_path("small", "train", 1)).unlink()
    (out / "manifest.json").unlink()
    _in_process(out, tmp_path)
    _same(out, small[0])


@pytest.mark.slow
def test_killed_it_goes_on_and_keeps_what_is_whole(starter, tmp_path):
    """Kill the process group when the first of three shards exists. One worker builds them one after another."""
    out, logs = tmp_path / "out", tmp_path / "logs"
    code = (
        "from arith_puzzle.dataset_builder.distributed.executors import build\n"
        f"build('starter', {str(out)!r}, tasks=3, workers=1, logs={str(logs)!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stderr=subprocess.DEVNULL)
    first = out / shards.shard_path("starter", "train", 0)
    deadline = time.monotonic() + 600
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert first.exists() and not (out / "manifest.json").exists()
    (out / "starter" / ".test-00000.parquet.1.tmp").write_text("what a killed task leaves")
    built = first.stat().st_mtime_ns
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
    _same(out, starter[0])
    assert first.stat().st_mtime_ns == built


SBATCH = """#!/bin/bash
# Store the arguments and the script. With RUN, run the tasks of the array at once; Slurm runs them later.
count=$(ls "$JOBS" | grep -c script)
for script; do :; done
cp "$script" "$JOBS/$count.script"
printf '%s\\n' "$@" > "$JOBS/$count.args"
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
if [ -n "$RUN" ]; then
    for index in $(seq 0 "$last"); do
        SLURM_ARRAY_TASK_ID=$index SLURM_NODELIST=here RUN_OFFSET=0 bash "$script" >> "$JOBS/log" 2>&1 || exit 1
    done
fi
echo "Submitted batch job $((100 + count))"
"""
SRUN = '#!/bin/bash\nwhile [ "$1" != launch_pickled_pipeline ]; do shift; done\nexec "$@"\n'


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """The folder to which the N-th call of sbatch writes N.script and N.args."""
    commands, jobs = tmp_path / "bin", tmp_path / "jobs"
    commands.mkdir()
    jobs.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "scontrol": "#!/bin/bash\necho here\n"}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(jobs))
    return jobs


def test_slurm_gets_an_array_and_a_job_that_waits_for_it(slurm, tmp_path):
    logs = tmp_path / "logs"
    done = executors.build(
        "100m", tmp_path / "out", executor="slurm", tasks=50, workers=8, logs=logs, partition="cpu",
        time_limit="00:20:00", sbatch=["account=me", "qos=high"],
    )  # fmt: skip
    assert done is None
    array = (slurm / "0.script").read_text().splitlines()
    expected = ["partition=cpu", "time=00:20:00", "array=0-49%8", "cpus-per-task=1", "mem-per-cpu=2G", "nodes=1",
                "account=me", "qos=high", "job-name=arith-puzzle-100m", "requeue"]  # fmt: skip
    assert [line for line in expected if f"#SBATCH --{line}" not in array] == []
    assert f"source {sys.prefix}/bin/activate" in array
    assert array[-1].split() == ["srun", "-l", "-n", "1", "launch_pickled_pipeline", str(logs / "executor.pik")]
    scripts = [path.read_text() for path in sorted(slurm.glob("*.script"))]
    manifest = next(index for index, text in enumerate(scripts) if str(logs / "manifest" / "executor.pik") in text)
    assert "#SBATCH --array=0-0\n" in scripts[manifest]
    assert "--dependency=afterok:100" in (slurm / f"{manifest}.args").read_text().splitlines()
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.slow
def test_slurms_jobs_build_the_same_bytes(starter, slurm, tmp_path, monkeypatch):
    monkeypatch.setenv("RUN", "1")
    out = tmp_path / "out"
    assert (
        executors.build("starter", out, executor="slurm", tasks=2, partition="cpu", logs=tmp_path / "logs") is None
    ), (slurm / "log").read_text()
    _same(out, starter[0])
    jobs = len(list(slurm.glob("*.script")))
    again = executors.build("starter", out, executor="slurm", tasks=2, partition="cpu", logs=tmp_path / "logs")
    assert again == starter[1] and len(list(slurm.glob("*.script"))) == jobs  # nothing is left to submit


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"executor": "cloud"}, "unknown executor 'cloud'; known: local, ray, slurm"),
        ({"tasks": 0}, "--tasks must be at least 1; got 0"),
        ({"workers": 0}, "--workers must be at least 1; got 0"),
        ({"seed": -1}, "--seed must be at least 0; got -1"),
        ({"config": "nope"}, "unknown config 'nope'"),
        ({"out": "nope://x"}, "--out nope://x: Protocol not known"),
        ({"executor": "slurm"}, "needs --partition"),
        ({"executor": "slurm", "partition": "cpu"}, "the command sbatch, which is not on this machine"),
        (
            {"executor": "slurm", "partition": "cpu", "sbatch": ["account"]},
            "KEY=VALUE, such as account=me; got 'account'",
        ),
    ],
)
def test_bad_input_is_one_line(kwargs, says, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as caught:
        executors.build(**({"config": "starter", "out": tmp_path / "out"} | kwargs))
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("executor", "module"), [("local", "datatrove"), ("ray", "ray")])
def test_a_missing_requirement_names_its_install_command(executor, module, tmp_path):
    """In a process that cannot import the module."""
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from arith_puzzle.dataset_builder.distributed import executors\n"
        "from arith_puzzle.common.errors import InputError\n"
        f"try: executors.build('starter', {str(tmp_path / 'out')!r}, executor={executor!r})\n"
        "except InputError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    requirement = {"datatrove": "datatrove==0.10.1", "ray": "'ray>=2.60'"}[module]
    assert done.stdout.endswith(f"run: {sys.executable} -m pip install {requirement}\n")
    assert not (tmp_path / "out").exists()


def test_what_is_not_this_builds_is_refused_before_a_task_starts(small, tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "_run_local", lambda *_: pytest.fail("a task started"))
    with pytest.raises(InputError, match="seed 1"):
        executors.build("small", small[0], seed=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot read or write"):
        executors.build("small", tmp_path / "file" / "below")


def test_collect_needs_all_shards_and_calls_finish_with_the_manifest(small, tmp_path):
    out, text = small
    (out / "manifest.json").unlink()
    seen = []
    assert executors.collect("small", out, finish=lambda *args: seen.append(args)) == json.loads(text)
    assert (out / "manifest.json").read_text() == text
    assert seen == [(json.loads(text), out)]
    (out / shards.shard_path("small", "train", 2)).unlink()
    with pytest.raises(InputError, match=r"1 of 5 shards are not in .*, small/train-00002.parquet first"):
        executors.collect("small", out)


def test_other_completions_join_the_manifest_as_the_local_build_has_it(small, tmp_path):
    out = tmp_path / "out"
    for kwargs in ({}, {"solutions": "canonical"}, {"paths": 2}):
        shards.build("small", small[0], progress=False, **kwargs)
        _in_process(out, tmp_path, **kwargs)
    _same(out, small[0])
    assert len(json.loads((out / "manifest.json").read_text())["configs"]) == 3


def test_logs_of_another_build_are_not_this_ones(tmp_path):
    jobs = [executors.job_of("starter", tmp_path / name, seed=seed) for name in "ab" for seed in (0, 1)]
    jobs.append(executors.job_of("starter", tmp_path / "a", solutions="generated"))
    assert len({executors._name(job, tasks) for job in jobs for tasks in (1, 2)}) == 2 * len(jobs)


def test_distinct_bounds_hold_for_drawn_numbers():
    rng = np.random.default_rng(0)
    weights = np.arange(1, 2001) / np.arange(1, 2001).sum()
    for rows in (100, 3000, 50_000):
        found = np.mean([len(np.unique(rng.choice(2000, rows, p=weights))) for _ in range(20)])
        low, high = scale.distinct_bounds(rows, 2000, float((weights**2).sum()))
        assert low < found < high and (rows > 100 or high - low < 5)


def test_measure_and_its_tables(monkeypatch):
    monkeypatch.setattr(configs.spec, "SHARD_ROWS", 3000)
    measured = scale.measure(shard_count=2)
    assert measured["rows_by_n"] == {"5": 2000, "6": 2000, "7": 2000}
    assert measured["distinct"] >= 6000 - sum(measured["equal_pairs_by_n"].values())
    assert len(measured["bytes"]) == 2 and min(measured["cpu_seconds"]) > 0 and measured["peak_bytes"] > 1e7
    measured |= {"cpu_seconds": [3.6, 3.6, 3.6], "bytes": [3000 * 50] * 3, "start_seconds": 0.0}
    plan = scale.tables(measured)["plan"]
    assert "\n| 10,000,000,000 | 3,333,333 | 500.00 GB | 3,333.333 | 1,666.7 h | 52.1 h | 3.3 h | 1.1 h |" in plan
    assert plan.endswith("From 3,000 cores on, such a copy takes longer than the generation.\n")


def test_the_page_is_not_stale():
    """After new measurements or another layout, run: python -m benchmarks scale --page."""
    page, measured = scale.PAGE.read_text(encoding="utf-8"), json.loads(scale.MEASURED.read_text())
    assert scale.filled(page, measured) == page
    slower = measured | {"cpu_seconds": [2 * seconds for seconds in measured["cpu_seconds"]]}
    assert scale.filled(page, slower) != page
