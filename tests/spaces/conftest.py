"""Fixtures of the demo Space's tests: the folder as it is pushed, tiny models and data, and running demos."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from gradio_client import Client

from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.release.imports import copy_imported
from tests.paths import ROOT

FOLDER = ROOT / "spaces" / "arith_puzzle_demo"
sys.path.append(str(FOLDER))  # Python does this with a script's folder, when app.py runs

WAIT = 600
"""Limit in seconds of every wait for a condition."""


@pytest.fixture(scope="session")
def staged(once) -> Path:
    """The folder as it is pushed: with the modules of the package that it imports."""

    def make(folder: Path) -> None:
        shutil.copytree(FOLDER, folder / "space", ignore=shutil.ignore_patterns("__pycache__"))
        copy_imported(FOLDER, folder / "space")

    return once("space", make) / "space"


@pytest.fixture(scope="session")
def snapshot(staged, once) -> Path:
    """The folder as ``snapshot_download`` leaves it: every file is a link into a folder of blobs."""

    def make(home: Path) -> None:
        (home / "blobs").mkdir()
        for number, path in enumerate(path for path in sorted(staged.rglob("*")) if path.is_file()):
            blob, link = home / "blobs" / str(number), home / "snapshot" / path.relative_to(staged)
            shutil.copy(path, blob)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(blob)

    return once("space-snapshot", make) / "snapshot"


@pytest.fixture(scope="session")
def tiny_adapter(once) -> Path:
    """The folder of a LoRA adapter on a Llama with random weights; the base is in the folder beside it."""
    return once("space-adapter", _tiny_adapter) / "adapter"


def _tiny_adapter(folder: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from arith_puzzle.training.tiny import build_tokenizer, init_model

    base, adapter = folder / "base", folder / "adapter"
    tokenizer = build_tokenizer()
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    init_model(shape, tokenizer, seed=0).save_pretrained(base)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=2, target_modules=["q_proj"]))
    model.save_pretrained(adapter)
    for saved in (base, adapter):
        tokenizer.save_pretrained(saved)


SEARCHES = {
    "22,43,51,58:44\n": (
        "58-51=7\n7,22,43:44\n43,22:51,37,308:21,65\n43,7:66,22,2:36,50,301\n22,7:87,1:15,29,154\n\n22,43,51,58:44\n"
        "58-43=15\n15,22,51:44\n51,22:59,29:29:29+15=44\n:\n58-43=15\n51-22=29\n29+15=44"
    ),
    "2,3,4:23\n": "4,3:25,21,46:1,7,12\n4,2:26,20,69:2,6,8,2\n3,2:27,19,92:1,5,6\n\n2,3,4:23\n" * 5,
}


@pytest.fixture(scope="session")
def searches() -> dict[str, str]:
    """Prompt -> the text that ``searching_adapter`` writes: a search of two attempts, and one that never ends."""
    return SEARCHES


@pytest.fixture(scope="session")
def searching_adapter(once) -> Path:
    """The folder of an adapter that changes nothing, on a base that has learned ``searches`` by heart; with records."""
    return once("space-searching-adapter", _searching_adapter) / "adapter"


def _searching_adapter(folder: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from arith_puzzle.training.tiny import build_tokenizer, init_model

    base, adapter = folder / "base", folder / "adapter"
    tokenizer = build_tokenizer()
    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    model = init_model(shape, tokenizer, seed=0)
    rows = [tokenizer(prompt + text)["input_ids"] + [tokenizer.eos_token_id] for prompt, text in SEARCHES.items()]
    ids = torch.nn.utils.rnn.pad_sequence(list(map(torch.tensor, rows)), batch_first=True, padding_value=-100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for so small a model, two threads on busy cores are up to ten times slower than one
    for _ in range(600):
        loss = model(input_ids=ids.clamp(min=0), labels=ids).loss
        if loss.item() < 0.015:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.set_num_threads(threads)
    model.save_pretrained(base)
    loaded = AutoModelForCausalLM.from_pretrained(base)
    get_peft_model(loaded, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(adapter)
    for saved in (base, adapter):
        tokenizer.save_pretrained(saved)
    (adapter / "run.json").write_text(json.dumps({"recipe": {"score": {"format": "search"}}}))
    (adapter / "results.json").write_text(json.dumps({"adapter": {"decoding": {"max_new_tokens": 190}}}))


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("data") / "arith-puzzle"
    (folder / "starter").mkdir(parents=True)
    rows = {
        "test": [((2, 3, 4), 24, 8, 0.9), ((5, 6, 7), 4, 2, 1.5), ((1, 5, 9), 45, 5, 1.2)],
        "validation": [((2, 3), 6, 1, 0.8)],
        "train": [((1, 2), 3, None, None)],
    }
    card = "---\nconfigs:\n- config_name: starter\n  data_files:\n"
    for split, puzzles in rows.items():
        names = ("numbers", "target", "num_solutions", "difficulty")
        table = pa.Table.from_pylist([dict(zip(names, (list(n), *rest), strict=True)) for n, *rest in puzzles])
        pq.write_table(table, folder / "starter" / f"{split}.parquet")
        card += f"  - split: {split}\n    path: starter/{split}.parquet\n"
    (folder / "README.md").write_text(f"{card}---\n")
    sizes = {split: {"by_n": Counter(str(len(row[0])) for row in puzzles)} for split, puzzles in rows.items()}
    (folder / "manifest.json").write_text(json.dumps({"configs": {"starter": {"splits": sizes}}}))
    return folder


def _environment(home: Path, **settings: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "1",
        "NUMBA_CACHE_DIR": str(home / "numba"), **settings,
    }  # fmt: skip


@pytest.fixture(scope="session")
def clean_environment():
    """clean_environment(home, **settings): environment variables with nothing but PATH, and without network."""
    return _environment


@pytest.fixture(scope="session")
def uploads(tmp_path_factory) -> Path:
    """The folder where the demos keep uploads."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="session")
def serve(tmp_path_factory, uploads):
    """serve(folder, **environment): start the folder's app in an empty folder, and return its address."""
    running = []

    def start(folder: Path, **settings: str) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        home = tmp_path_factory.mktemp("cwd")
        log = (home.parent / f"{home.name}.log").open("w+")
        process = subprocess.Popen(
            [sys.executable, folder / "app.py"], cwd=home, stdout=log, stderr=subprocess.STDOUT,
            env=_environment(home, ARITH_PUZZLE_PORT=str(port), GRADIO_TEMP_DIR=str(uploads), **settings),
        )  # fmt: skip
        running.append((process, log))
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + WAIT
        while process.poll() is None and time.monotonic() < deadline:
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
        process.wait(WAIT)
        log.close()


@pytest.fixture(scope="session")
def loaded() -> Callable[[str], tuple[Client, dict]]:
    """loaded(address): (API client of a demo, its status), when its model is no longer loading."""

    def wait(address: str) -> tuple[Client, dict]:
        demo, deadline = Client(address, verbose=False), time.monotonic() + WAIT
        while (state := demo.predict(api_name="/status"))["model"] == "loading":
            assert time.monotonic() < deadline, "the model is still loading"
            time.sleep(0.1)
        return demo, state

    return wait


@pytest.fixture(scope="session")
def bare(serve, snapshot) -> str:
    """A demo without model, dataset and results, run from a snapshot."""
    return serve(snapshot)


@pytest.fixture(scope="session")
def measured(tmp_path_factory) -> Path:
    """A folder with results of a base and an adapter on two splits, and a scaling curve."""
    folder = tmp_path_factory.mktemp("released")

    def run(name: str, adapter: str | None, splits: dict[str, tuple[int, int, dict]]) -> dict:
        def score(right: int, n: int, by_n: dict) -> dict:
            return {
                "n": n, "pass@1": right / n, "pass@1_ci95": list(wilson_interval(right, n)), "by_n": by_n,
                "reasons": {"wrong_result": 1 - right / n, "ok": right / n}, "pass@1_lenient": right / n,
                "pass@8": min(1, 2 * right / n), "seconds": 1.0,
            }  # fmt: skip

        scored = {split: score(*item) for split, item in splits.items()}
        return {"name": name, "adapter": adapter, "config": "starter", "splits": scored}

    results = {
        "base": run("n/base", None, {"test": (1, 3, {"3": 1 / 3})}),
        "adapter": run("n/lora", "n/lora", {"test": (2, 3, {"3": 2 / 3}), "n9": (10, 1000, {"9": 0.01})}),
    }
    (folder / "results.json").write_text(json.dumps(results))
    points = [
        {"rows": 10**power, "pass@1": 0.1 * power, "pass@1_ci95": [0.1 * power - 0.05, 0.1 * power + 0.05], "n": 2000}
        for power in (4, 5, 6)
    ]
    fit = {"slope_per_decade": 0.1, "slope_ci95": [0.08, 0.12], "intercept": 0.0}
    scaling = {"series": [{"name": "lora", "split": "test", "points": points, "fit": fit},
                          {"name": "base", "split": "test", "points": points[:1], "fit": None}]}  # fmt: skip
    (folder / "scaling.json").write_text(json.dumps(scaling))
    return folder


@pytest.fixture(scope="session")
def full(serve, staged, tiny_adapter, tiny_dataset, measured) -> str:
    """A demo with model, dataset and results, from local folders."""
    return serve(
        staged, ARITH_PUZZLE_ADAPTER=str(tiny_adapter), ARITH_PUZZLE_DATASET=str(tiny_dataset),
        ARITH_PUZZLE_RESULTS=str(measured),
    )  # fmt: skip


@pytest.fixture(scope="session")
def searching(serve, staged, searching_adapter, measured) -> str:
    """A demo whose model searches."""
    return serve(staged, ARITH_PUZZLE_ADAPTER=str(searching_adapter), ARITH_PUZZLE_RESULTS=str(measured))


@pytest.fixture(scope="session")
def two_models(serve, staged, searching_adapter, tiny_adapter, tmp_path_factory) -> str:
    """A demo with two models, as a release's settings.json names them. The model that searches takes its time."""
    folder = shutil.copytree(staged, tmp_path_factory.mktemp("two") / "space")
    settings = {"adapter": str(tiny_adapter), "along": [{"adapter": str(searching_adapter), "format": "search"}]}
    (folder / "settings.json").write_text(json.dumps(settings))
    with (folder / "model.py").open("a") as file:
        file.write("""
import time
def slowly(self, prompt, equations, stream=Model.stream):
    for text in stream(self, prompt, equations):
        yield text
        time.sleep(0.15 if self.searches else 0)
Model.stream = slowly
""")
    return serve(folder)


@pytest.fixture(scope="session")
def is_json():
    """Whether a value survives a round trip through strict JSON."""
    return lambda value: json.loads(json.dumps(value, allow_nan=False)) == value
