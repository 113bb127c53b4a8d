"""A whole release of a small random base, made once by the console command against a local Hub; and a local
Hub for the tests of the Hub itself."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from huggingface_hub import HfApi, constants

from arith_puzzle.local_hub import running
from tests.local_hub.hub_client import TOKENS, assert_sound

COMMAND = [sys.executable, "-m", "arith_puzzle.cli"]


@pytest.fixture(scope="session")
def run():
    """Calls the console command in a process of its own."""

    def call(*arguments):
        command = [*COMMAND, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=900)

    return call


@pytest.fixture(scope="session")
def recipe_file(small_base, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    sft = {
        "max_steps": 30, "per_device_train_batch_size": 16, "learning_rate": 2.0e-2, "bf16": False, "use_cpu": True,
        "activation_checkpointing": False, "dataloader_pin_memory": False, "logging_steps": 5, "save_steps": 10,
        "report_to": "trackio",
    }  # fmt: skip
    recipe = {
        "name": "arith-puzzle-small-lora", "dataset": {"rows": 600}, "model": {"base": str(small_base)},
        "lora": {"r": 4}, "sft": sft, "score": {"splits": ["test"], "batch_size": 250, "max_new_tokens": 12},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(recipe))
    return path


@pytest.fixture(scope="session")
def released(run, recipe_file, starter, tmp_path_factory):
    """(work folder, what the command printed). The dataset is the session's; every other stage runs here."""
    work = tmp_path_factory.mktemp("release") / "work"
    work.mkdir()
    shutil.copytree(starter[0], work / "arith-puzzle")
    done = run("release", recipe_file, "--to", "local", "--work", work)
    assert done.returncode == 0, done.stderr[-3000:]
    return Path(work), done


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    """One local Hub for all its tests; its git repositories are checked when they are done."""
    root = tmp_path_factory.mktemp("hub")
    (root / "tokens.json").write_text(json.dumps(TOKENS))
    with running(root) as served:
        yield served
    assert_sound(root)


@pytest.fixture
def no_xet(monkeypatch):
    """Another test file may have imported huggingface_hub before the environment said so."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def repo(api, request):
    """The id of a new model repo, named after the test."""
    name = "local/" + request.node.name.split("[")[0].replace("test_", "")[:60] + f"-{os.urandom(3).hex()}"
    api.create_repo(name)
    return name
