"""The Space's folder as it is pushed, a tiny random model and a tiny dataset for it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "spaces" / "arith_puzzle_demo"
sys.path.append(str(FOLDER))  # as a script's own folder is, when app.py runs
COPIED = (
    *(f"dataset_builder/{name}.py" for name in ("__init__", "errors", "puzzle", "solve")),
    "metrics/__init__.py",
    *(f"metrics/arith_puzzle_verifier/{name}.py" for name in ("__init__", "verify")),
    *(f"training/{name}.py" for name in ("__init__", "inference")),
)
"""What staging puts beside app.py."""


@pytest.fixture(scope="session")
def staged(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pushed") / "space"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def snapshot(staged, tmp_path_factory) -> Path:
    """The folder as ``snapshot_download`` leaves it: every file a link into a folder of blobs."""
    home = tmp_path_factory.mktemp("cache")
    (home / "blobs").mkdir()
    for number, path in enumerate(path for path in sorted(staged.rglob("*")) if path.is_file()):
        blob, link = home / "blobs" / str(number), home / "snapshot" / path.relative_to(staged)
        shutil.copy(path, blob)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return home / "snapshot"


@pytest.fixture(scope="session")
def tiny_adapter(tmp_path_factory) -> Path:
    """A Llama with random weights and a LoRA adapter on it, both in folders."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from training.tiny import build_tokenizer, init_model

    folder = tmp_path_factory.mktemp("model")
    base, adapter = folder / "base", folder / "adapter"
    tokenizer = build_tokenizer()
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    init_model(shape, tokenizer, seed=0).save_pretrained(base)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=2, target_modules=["q_proj"]))
    model.save_pretrained(adapter)
    for saved in (base, adapter):
        tokenizer.save_pretrained(saved)
    return adapter


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("data") / "arith-puzzle"
    (folder / "starter").mkdir(parents=True)
    rows = [{"numbers": [2, 3, 4], "target": 24, "n": 3}, {"numbers": [5, 6, 7], "target": 4, "n": 3}]
    pq.write_table(pa.Table.from_pylist(rows), folder / "starter" / "test.parquet")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: starter\n  data_files:\n  - split: test\n    path: starter/test.parquet\n---\n"
    )
    return folder


def _environment(home: Path, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "1",
        "NUMBA_CACHE_DIR": str(home / "numba"), **settings,
    }  # fmt: skip


@pytest.fixture(scope="session")
def clean_environment():
    """clean_environment(home, **settings): nothing of the caller's but PATH, and no network."""
    return _environment


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """serve(folder, **environment) starts the folder's app in an empty folder and returns its address."""
    running = []

    def start(folder: Path, **settings: str) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        home = tmp_path_factory.mktemp("cwd")
        log = (home.parent / f"{home.name}.log").open("w+")
        process = subprocess.Popen(
            [sys.executable, folder / "app.py"], cwd=home, stdout=log, stderr=subprocess.STDOUT,
            env=_environment(home, ARITH_PUZZLE_PORT=str(port), **settings),
        )  # fmt: skip
        running.append((process, log))
        address = f"http://127.0.0.1:{port}"
        for _ in range(400):
            if process.poll() is not None:
                break
            try:
                urllib.request.urlopen(address, timeout=5).close()
                return address
            except OSError:
                time.sleep(0.1)
        log.seek(0)
        pytest.fail(f"the demo did not start: {log.read()[-2000:]}")

    yield start
    for process, log in running:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture(scope="session")
def bare(serve, snapshot) -> str:
    """A demo with neither model nor dataset, out of a snapshot."""
    return serve(snapshot)


@pytest.fixture(scope="session")
def full(serve, staged, tiny_adapter, tiny_dataset) -> str:
    """A demo with both, from local folders."""
    return serve(staged, ARITH_PUZZLE_ADAPTER=str(tiny_adapter), ARITH_PUZZLE_DATASET=str(tiny_dataset))


@pytest.fixture(scope="session")
def is_json():
    """Does a value come back the same from strict JSON?"""
    return lambda value: json.loads(json.dumps(value, allow_nan=False)) == value
