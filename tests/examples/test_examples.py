"""Every example runs, offline, and prints what its reader is told to expect."""

import json
import os
import subprocess
import sys
import sysconfig

import pytest

from tests.fixtures.real_tokenizers import FAMILIES
from tests.paths import ROOT

EXAMPLES = ROOT / "examples"


def run(*command, cwd, timeout=1800, offline=True, **variables):
    """Run a command with the tests' interpreter on the path; returns its output."""
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path} | ({"HF_HUB_OFFLINE": "1"} if offline else {}) | variables
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == {
        "quickstart.ipynb", "verify_answers.py", "generate_rows.py", "reward_for_grpo.py", "train_and_score.sh",
        "train_grpo.py",
        "own_model.sh", "reasoning_gym_scorer.py",
    }  # fmt: skip


@pytest.mark.slow
def test_reasoning_gyms_scorer_gives_the_committed_table(tmp_path):
    """In an environment of its own, with the version that docs/audit.md names."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "reasoning-gym==0.1.25"]
    subprocess.run(install, check=True)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    (site / "project.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [python, "-m", "arith_puzzle.cli", "audit", "--scorer", "reasoning_gym_scorer:score"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLES)])}
    done = subprocess.run([*command, "--json", "counts.json"], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 1, done.stderr
    committed = json.loads((ROOT / "results" / "audit" / "scorer_reasoning_gym.json").read_text())
    assert json.loads((tmp_path / "counts.json").read_text()) == committed


def test_verify_answers(tmp_path):
    lines = run(sys.executable, EXAMPLES / "verify_answers.py", cwd=tmp_path).splitlines()
    reasons = [line.split()[-1] if " in line " not in line else line.split()[-4] for line in lines[:6]]
    assert reasons == [
        "ok", "wrong_result", "unavailable_operand", "wrong_equation_count", "wrong_target", "illegal_characters",
    ]  # fmt: skip
    assert "solution by the solver" in lines[7]


def test_generate_rows_prints_or_writes(tmp_path):
    script = EXAMPLES / "generate_rows.py"
    printed = run(sys.executable, script, "--config", "1m", "--rows", "3", cwd=tmp_path)
    assert printed.startswith("1,6,25,29,37:35\n29*1=29\n") and printed.count(":") == 3
    assert run(sys.executable, script, "--rows", "5", "--out", "rows.jsonl", cwd=tmp_path) == "rows.jsonl: 5 rows\n"
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["n"] for row in rows] and {"numbers", "target", "prompt", "completion"} <= rows[0].keys()


def test_reward_for_grpo(tmp_path):
    lines = run(sys.executable, EXAMPLES / "reward_for_grpo.py", cwd=tmp_path).splitlines()
    assert [line.split()[-2:] for line in lines[1:]] == [
        ["1.00", "1.00"], ["0.00", "0.80"], ["0.00", "0.20"], ["0.00", "0.00"],
    ]  # fmt: skip


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_is_stored(tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    stored = nbformat.read(EXAMPLES / "quickstart.ipynb", as_version=4)
    fresh = nbformat.read(EXAMPLES / "quickstart.ipynb", as_version=4)
    client = nbclient.NotebookClient(
        fresh, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert [shown(cell) for cell in fresh.cells] == [shown(cell) for cell in stored.cells]


def shown(cell) -> list[str]:
    """The texts that a cell prints or returns; libraries may warn on standard error."""
    outputs = [item for item in cell.get("outputs", []) if item.get("name") != "stderr"]
    return [item.get("text") or item["data"]["text/plain"] for item in outputs]


@pytest.mark.slow
def test_five_steps_of_grpo(starter, tmp_path):
    command = [sys.executable, EXAMPLES / "train_grpo.py", "--dataset", starter[0], "--steps", "5", "--out", "out"]
    lines = run(*command, cwd=tmp_path).splitlines()
    steps = [line for line in lines if line.startswith("step ")]
    assert [line.split(":")[0] for line in steps] == [f"step {number}" for number in range(1, 6)]
    assert (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.slow
def test_train_and_score(tmp_path):
    printed = run("bash", EXAMPLES / "train_and_score.sh", tmp_path / "out", cwd=tmp_path)
    scores = json.loads((tmp_path / "out" / "score" / "results.json").read_text())
    assert scores["splits"]["test"]["n"] == 20 and "verdicts: " in printed


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_and_puzzles_of_ones_own_go_all_the_way(real_base, tmp_path, family):
    """From rows in JSONL files to a release on a local Hub, with the real tokenizer of each family."""
    chat = {"CHAT": "1"} if family in ("qwen3", "gemma-3", "smollm2") else {}
    out = tmp_path / "my models" / "own"
    variables = chat | {"RATE": "1.0e-2"}
    said = run("bash", EXAMPLES / "own_model.sh", real_base(family), out, cwd=tmp_path, offline=False, **variables)
    assert "[2/6] train   " in said and said.splitlines()[-1].startswith(
        "[6/6] check   all files equal the staged ones"
    )
    stage, base = out / "release" / "stage", real_base(family)
    card = (stage / "adapter" / "README.md").read_text()
    assert f"base_model: local/{base.name}" in card and "license: apache-2.0" in card
    assert (
        ("apply_chat_template" in card)
        == bool(chat)
        == ("chat" in json.loads((stage / "demo" / "settings.json").read_text()))
    )
    assert "# My puzzles" in (stage / "dataset" / "README.md").read_text()
    run_record = json.loads((stage / "adapter" / "run.json").read_text())
    assert run_record["recipe"]["dataset"]["path"] == "local/my-puzzles" and run_record["content"]["base"]
