"""A whole release of a small random base, made once by the console command against a local Hub."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

COMMAND = [sys.executable, "-m", "arith_puzzle.cli"]


@pytest.fixture(scope="session")
def run():
    """Calls the console command in a process of its own."""

    def call(*arguments):
        command = [*COMMAND, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=900)

    return call


@pytest.fixture(scope="session")
def recipe_file(small_base, once):
    sft = {
        "max_steps": 30, "per_device_train_batch_size": 8, "learning_rate": 2.0e-2, "bf16": False, "use_cpu": True,
        "activation_checkpointing": False, "dataloader_pin_memory": False, "logging_steps": 5, "save_steps": 10,
        "report_to": "trackio",
    }  # fmt: skip
    recipe = {
        "name": "arith-puzzle-small-lora", "dataset": {"rows": 600}, "model": {"base": str(small_base)},
        "lora": {"r": 4}, "processes": 2, "sft": sft,
        "score": {"splits": ["test"], "batch_size": 250, "max_new_tokens": 12},
    }  # fmt: skip
    return once("recipe", lambda at: (at / "recipe.yaml").write_text(yaml.safe_dump(recipe))) / "recipe.yaml"


@pytest.fixture(scope="session")
def released(run, recipe_file, starter, once):
    """(work folder, {"stdout", "stderr"} of the command). It is made once for all processes of the test run.

    One process at a time may serve the local Hub in the folder, so the tests that do stand in one file.
    """

    def make(folder):
        (folder / "work").mkdir()
        shutil.copytree(starter[0], folder / "work" / "arith-puzzle")
        done = run("release", recipe_file, "--to", "local", "--work", folder / "work")
        assert done.returncode == 0, done.stderr[-3000:]
        (folder / "printed.json").write_text(json.dumps({"stdout": done.stdout, "stderr": done.stderr}))

    folder = once("released", make)
    return folder / "work", json.loads((folder / "printed.json").read_text())
