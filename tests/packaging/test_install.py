"""The distribution: what the wheel installs, and that every command works from an empty directory."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.paths import ROOT

VERSIONS = ("python3.12", "python3.13")


def _wheel(source: Path, out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, source]
    subprocess.run(list(map(str, command)), check=True)
    return next(out.glob("*.whl"))


def _checkout(folder: Path) -> Path:
    """The tracked files as a clone has them, so that a build leaves nothing in this checkout."""
    folder.mkdir()
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        source, target = ROOT / name, folder / name
        if not source.is_symlink() and not source.exists():
            continue  # deleted, and not committed yet
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        else:
            target.write_bytes(source.read_bytes())
    return folder


@pytest.fixture(scope="session")
def wheel(once) -> Path:
    def make(folder: Path) -> None:
        _wheel(_checkout(folder / "checkout"), folder / "wheel")

    return next((once("wheel", make) / "wheel").glob("*.whl"))


@pytest.fixture(scope="session")
def installed(once, wheel) -> Path:
    """A throw-away environment that holds the wheel, and finds the libraries of this one."""

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        site = next((folder / "venv").glob("lib/python*/site-packages"))
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
        subprocess.run(install, check=True)
        # A path, not a copy: .pth files of that folder, and with them the checkout, are not followed.
        (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")

    return once("installed", make) / "venv"


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty directory with folders of the user's own that are named like ours."""
    for name in ("training", "metrics", "datasets_of_mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise AssertionError('a folder of the user was imported')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(installed, empty):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["PATH"] = f"{installed / 'bin'}:{environment['PATH']}"

    def call(*arguments, status=0) -> str:
        command = [str(installed / "bin" / "python"), "-m", "arith_puzzle.cli", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=empty)
        assert done.returncode == status, done.stderr[-3000:]
        return done.stdout if status == 0 else done.stderr

    return call


def test_only_arith_puzzle_lands_in_site_packages(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    version = wheel.name.split("-")[1]
    assert {name.split("/")[0] for name in names} == {"arith_puzzle", f"arith_puzzle-{version}.dist-info"}
    for needed in (
        "__init__.pyi", "py.typed", "training/sft.py", "training/recipes/tiny_cpu.yaml",
        "training/accelerate/single.yaml",
        "training/bases/arith-tiny/model.safetensors", "model_cards/templates/dataset.md.jinja",
        "dataset_builder/solver/label_cache.parquet", "dataset_builder/loading_script/arith-puzzle.py",
        "metrics/arith_puzzle_verifier/README.md", "metrics/gsm8k_answer/app.py", "spaces/arith_puzzle_demo/app.py",
        "spaces/arith_puzzle_demo/style.css", "evaluation/inspect_task/task.py", "release/as_user/use_metric.py",
        "evaluation/harnesses/lm_eval/arith_puzzle.yaml", "evaluation/harnesses/lm_eval/utils.py",
        "studies/starter_cpu.yaml", "results/tiny_cpu/results.json", "environments/openenv/Dockerfile",
        "environments/openenv/server/app.py", "environments/verifiers/arith_puzzle_taskset/__init__.py",
    ):  # fmt: skip
        assert f"arith_puzzle/{needed}" in names, needed
    entry_points = zipfile.ZipFile(wheel).read(f"arith_puzzle-{version}.dist-info/entry_points.txt").decode()
    assert "[inspect_ai]\narith_puzzle = arith_puzzle.evaluation.inspect_task.task\n" in entry_points
    assert not [name for name in names if "__pycache__" in name or name.endswith((".png", ".nbi", ".nbc"))]


def test_solve_and_verify_from_an_empty_directory(run, empty):
    assert run("solve", "3,6,7,51,58:4").count("\n") == 4
    row = {"numbers": [2, 3], "target": 5, "response": "2+3=5"}
    (empty / "answers.jsonl").write_text(json.dumps(row) + "\n")
    assert "pass@1                   1.0000" in run("verify", "answers.jsonl")


@pytest.mark.slow
def test_build_train_score_and_stage_from_an_empty_directory(run, empty):
    recipe = {
        "name": "three-steps", "dataset": {"rows": 64}, "lora": {"r": 2},
        "model": {"base": "training/bases/arith-tiny"},
        "sft": {"max_steps": 3, "per_device_train_batch_size": 4, "bf16": False, "report_to": "none", "use_cpu": True,
                "activation_checkpointing": False, "dataloader_pin_memory": False, "logging_steps": 1},
        "score": {"splits": ["test"], "max_new_tokens": 8, "limit": 20},
    }  # fmt: skip
    (empty / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    work = empty / "runs" / "three-steps"
    assert "starter/test: 2,000 rows" in run("build", "--config", "starter", "--out", work / "arith-puzzle")
    run("train", "recipe.yaml", "--dataset", work / "arith-puzzle", "--out", work / "train")
    for who, adapter in (("base", []), ("adapter", ["--adapter", work / "train"])):
        run("score", "--model", "training/bases/arith-tiny", *adapter, "--dataset", work / "arith-puzzle",
            "--split", "test", "--limit", "20", "--max-new-tokens", "8", "--out", work / "score" / who)  # fmt: skip
    run("stage", "recipe.yaml", "--to", "hub", "--namespace", "someone")
    staged = {path.name for path in (work / "stage").iterdir() if path.is_dir()}
    assert staged == {"base", "dataset", "dataset-script", "metric", "environment", "adapter", "demo"}
    assert "base_model_name_or_path" in (work / "stage" / "adapter" / "adapter_config.json").read_text()


def test_the_public_face_is_light_and_typed(installed, empty):
    code = (
        "import sys, time; start = time.perf_counter(); import arith_puzzle; spent = time.perf_counter() - start\n"
        "assert not {'torch', 'numpy', 'datasets'} & set(sys.modules), sys.modules\n"
        "assert arith_puzzle.verify([2, 3], 5, '2+3=5').correct and arith_puzzle.solve([2, 3], 5) == ['3+2=5']\n"
        "assert arith_puzzle.reward(['2+3=5'], numbers=[[2, 3]], target=[5]) == [1.0]\n"
        "assert arith_puzzle.generate('starter', 'test', rows=3)[0]['n'] == 3 and 'torch' not in sys.modules\n"
        "assert all(getattr(arith_puzzle, name).__doc__ for name in arith_puzzle.__all__)\n"
        "print(arith_puzzle.__version__, arith_puzzle.__file__)"
    )
    done = subprocess.run([str(installed / "bin" / "python"), "-c", code], capture_output=True, text=True, cwd=empty)
    assert done.returncode == 0, done.stderr
    version, place = done.stdout.split()
    assert str(installed) in place and version


def _fresh(python: str, folder: Path, *requirements: str) -> Path:
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements]
    subprocess.run(install, check=True, capture_output=True)
    return folder / "bin"


@pytest.mark.slow
def test_the_core_alone_installs_and_names_the_extra_that_is_missing(wheel, tmp_path):
    binaries = _fresh(sys.executable, tmp_path / "venv", str(wheel))
    listed = subprocess.run([binaries / "python", "-m", "pip", "list"], capture_output=True, text=True).stdout
    libraries = {line.split()[0] for line in listed.splitlines()}
    assert "numba" in libraries and not {"torch", "datasets", "transformers", "trl", "evaluate"} & libraries

    def call(*arguments):
        return subprocess.run([binaries / "arith-puzzle", *arguments], cwd=tmp_path, capture_output=True, text=True)

    assert call("build", "--config", "starter", "--out", "arith-puzzle").returncode == 0
    assert call("solve", "3,6,7,51,58:4").returncode == 0
    for command, extra in (
        (["score", "--model", "x", "--out", "y"], "train"), (["train", "tiny_cpu"], "train"), (["hub"], "hub"),
        (["demo"], "demo"),
    ):  # fmt: skip
        done = call(*command)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, (command, done.stderr)
        assert f"pip install 'arith-puzzle[{extra}]'" in done.stderr


@pytest.mark.slow
def test_sdist_and_git_url_install_the_wheels_files(wheel, tmp_path):
    checkout = _checkout(tmp_path / "checkout")
    code = (
        "import os, sys; os.chdir(sys.argv[1]); from setuptools.build_meta import build_sdist; build_sdist(sys.argv[2])"
    )
    (tmp_path / "sdist").mkdir()
    subprocess.run([sys.executable, "-c", code, checkout, tmp_path / "sdist"], check=True, capture_output=True)
    other = _wheel(next((tmp_path / "sdist").glob("*.tar.gz")), tmp_path / "again")

    def content(path: Path) -> dict[str, int]:
        items = zipfile.ZipFile(path).infolist()
        return {item.filename: item.CRC for item in items if ".dist-info" not in item.filename}

    assert content(other) == content(wheel)
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    binaries = _fresh(sys.executable, tmp_path / "venv", f"git+file://{checkout}")
    done = subprocess.run([binaries / "arith-puzzle", "solve", "2,3:5"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "3+2=5\n", done.stderr
