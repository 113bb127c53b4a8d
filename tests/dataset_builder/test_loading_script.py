"""The loading script: what is staged; and in datasets 3.6.0, in an environment of its own, the same rows."""

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder import loading_script
from arith_puzzle.dataset_builder.configs.shipped import TEXTS
from arith_puzzle.dataset_builder.loading_script import (
    ELSEWHERE,
    HERE,
    REVISION,
    ROOT,
    SCRIPT,
    script_files,
    stage_script,
)


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The folder as it is uploaded, named so that it loads as a local one."""
    return stage_script(tmp_path_factory.mktemp("script") / "arith-puzzle")


def _modules(staged):
    return [path for path in sorted(staged.glob("*.py")) if path.name != SCRIPT]


def test_the_stage_is_complete_flat_and_the_same_each_time(staged, tmp_path):
    again = stage_script(tmp_path / "again")
    files = {path.name: path.read_bytes() for path in staged.rglob("*")}
    assert files == {path.name: path.read_bytes() for path in again.rglob("*")}
    assert {SCRIPT, "README.md", "builder.py", "generate.py", "verify.py"} <= set(files)
    assert files[SCRIPT] == (HERE / SCRIPT).read_bytes()
    assert not any(path.is_dir() for path in staged.rglob("*"))


def test_modules_are_the_checkouts_but_for_their_imports(staged):
    changed = 0
    for path in _modules(staged):
        if path.name == "shipped.py":  # it holds what the checkout's module reads
            held = ast.parse(path.read_text()).body[1]
            assert ast.literal_eval(held.value) == TEXTS and held.targets[0].id == "TEXTS"
            continue
        source = (ROOT / ELSEWHERE.get(path.stem, f"dataset_builder/{path.name}")).read_text().split("\n")
        lines = path.read_text().split("\n")
        assert len(lines) == len(source)
        for line, was in zip(lines, source, strict=True):
            if line != was:
                changed += 1
                assert re.sub(r"from \S+ import", "import", line) == re.sub(r"from \S+ import", "import", was)
                module = re.match(r" *from \.(\w*) import ", line)[1]
                packages = r"(dataset_builder(\.solver|\.configs)?|common|metrics\.arith_puzzle_verifier)"
                assert re.match(rf" *from arith_puzzle\.{packages}\.?{module} import ", was)
                assert not module or (staged / f"{module}.py").is_file()
        assert not re.search(r"^ *(from|import) arith_puzzle\b", path.read_text(), re.MULTILINE)
    assert changed > 10
    for name in ("verify", "errors"):  # these import nothing from the checkout
        assert (staged / f"{name}.py").read_bytes() == (
            ROOT / ELSEWHERE.get(name, f"dataset_builder/{name}.py")
        ).read_bytes()


def test_the_script_names_all_that_datasets_must_fetch_or_ask_for(staged):
    """datasets 3 reads the script's lines: no comment behind an import, every sibling, every library."""
    lines = [line for line in (staged / SCRIPT).read_text().split("\n") if re.match(r"(from|import)\b", line)]
    assert not [line for line in lines if "#" in line or "," in line.split(" import ")[0]]
    assert {f"{line.split()[1][1:]}.py" for line in lines if line.startswith("from .")} == {
        path.name for path in _modules(staged)
    }
    libraries = set()
    for path in _modules(staged):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                libraries |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                libraries.add(node.module.split(".")[0])
    named = {line.split()[1] for line in lines if line.startswith("import ")}
    assert libraries - set(sys.stdlib_module_names) == named
    assert named == {"datasets", "numba", "numpy", "pyarrow", "pydantic", "yaml"}


def test_it_needs_nothing_of_the_checkout(tmp_path):
    """Imported as datasets 3 does it, below a package and under a name with a dash."""
    stage_script(tmp_path / "modules" / "arith-puzzle")
    code = """
import importlib, sys
script = importlib.import_module("modules.arith-puzzle.arith-puzzle")
made = script.ArithPuzzle("cache", config_name="starter")
assert made.info.features and type(made).__module__ == "modules.arith-puzzle.builder"
assert not [name for name in sys.modules if name.split(".")[0] in ("dataset_builder", "metrics")]
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_refusals(staged, tmp_path, monkeypatch):
    before = script_files()
    with pytest.raises(InputError, match="is not empty"):
        stage_script(staged)
    assert {path.name: path.read_bytes() for path in staged.iterdir()} == before

    (tmp_path / "README.md").write_text("")
    script = (HERE / SCRIPT).read_text()
    (tmp_path / SCRIPT).write_text(script.replace("from .labels import count_solutions\n", ""))
    monkeypatch.setattr(loading_script, "HERE", tmp_path)
    with pytest.raises(InputError, match=r"imports labels; import it in"):
        stage_script(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_page_names_the_repo_and_configures_nothing(tmp_path):
    page = (stage_script(tmp_path / "x", "someone/arith-puzzle") / "README.md").read_text()
    assert page.count('"someone/arith-puzzle"') == 2 and "<" not in page
    assert f'revision="{REVISION}"' in page and "trust_remote_code=True" in page
    assert "configs:" not in page and "dataset_info:" not in page  # of these datasets would make other builders


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Python of a throw-away environment with datasets 3.6.0 as the page says, without this project."""
    home = tmp_path_factory.mktemp("datasets3")
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    python = home / "venv" / "bin" / "python"
    page = (HERE / "README.md").read_text()
    wanted = re.findall(r"^pip install (.*)$", page, re.MULTILINE)[0].replace('"', "").split()
    pinned = [f"{name}=={version(name)}" if name in ("numba", "numpy", "pyarrow") else name for name in wanted]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *pinned], check=True)

    def run(code: str, *arguments, **environment) -> str:
        environment = os.environ | {"HF_HOME": str(home / "hf"), "OMP_NUM_THREADS": "1"} | environment
        command = [python, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    assert run("import datasets; print(datasets.__version__)").strip() == "3.6.0"
    return run


@pytest.mark.slow
def test_datasets_3_makes_the_same_rows(old, staged, starter):
    out, manifest = starter
    hashes = {split: item["shards"][0]["sha256"] for split, item in manifest["configs"]["starter"]["splits"].items()}
    code = """
import ast, hashlib, sys
import pyarrow.parquet as pq
from datasets import load_dataset
folder, parquet, hashes = sys.argv[1], sys.argv[2], ast.literal_eval(sys.argv[3])
def sha256(rows):
    digest = hashlib.sha256()
    for row in rows:
        digest.update((row["prompt"] + row["completion"] + "\\n\\n").encode())
    return digest.hexdigest()
whole = load_dataset(folder, "starter", trust_remote_code=True)
assert {split: sha256(whole[split]) for split in whole} == hashes
for split in whole:
    assert whole[split].data.table.equals(pq.read_table(f"{parquet}/{split}-00000.parquet")), split
streamed = load_dataset(folder, "starter", streaming=True, trust_remote_code=True)
assert {split: sha256(streamed[split]) for split in streamed} == hashes
assert list(streamed["test"]) == list(whole["test"])
other = load_dataset(folder, "starter", seed=1, split="test", trust_remote_code=True)
assert sha256(other) != hashes["test"] and len(other) == 2000
open("own.yaml", "w").write("{name: own, v: 30, sizes: {3: 1}, rule: subset, splits: {test: {rows: 5, labels: true}}}")
own = load_dataset(folder, file="own.yaml", split="test", trust_remote_code=True)
assert own[0]["rule"] == "subset" and len(own) == 5 and own[0]["num_solutions"] > 0
assert not [name for name in sys.modules if name.split(".")[0] in ("dataset_builder", "metrics")]
print(*(len(whole[split]) for split in whole))
"""
    assert old(code, staged, out / "starter", hashes).split() == ["300000", "1000", "2000"]


@pytest.mark.slow
def test_datasets_3_loads_it_from_a_hubs_revision(old, starter, tmp_path, monkeypatch):
    from huggingface_hub import HfApi, constants

    from arith_puzzle.local_hub.server import running

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with running(tmp_path / "hub") as hub:
        api, where = (
            HfApi(endpoint=hub.endpoint, token=hub.token),
            {"repo_id": "local/arith-puzzle", "repo_type": "dataset"},
        )
        api.create_repo(**where)
        api.upload_folder(**where, folder_path=starter[0])
        api.create_branch(**where, branch=REVISION)
        folder = stage_script(tmp_path / "staged", where["repo_id"])
        api.upload_folder(**where, folder_path=folder, revision=REVISION, delete_patterns="*")
        there = set(api.list_repo_files(**where, revision=REVISION)) - {".gitattributes"}
        assert there == {path.name for path in folder.iterdir()}
        assert SCRIPT not in api.list_repo_files(**where)  # on main it would break datasets 4 and later
        code = """
from datasets import load_dataset
script = load_dataset("local/arith-puzzle", "starter", split="test", revision="script", trust_remote_code=True)
assert script.info.version == "1.0.0", script.info  # made, not read
parquet = load_dataset("local/arith-puzzle", "starter", split="test")
assert list(script) == list(parquet)
print(len(script))
"""
        assert old(code, HF_ENDPOINT=hub.endpoint).strip() == "2000"
