"""A whole release of a small random base, made once by the console command against a local Hub."""

import io
import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.evaluation.plots import plot_training
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.release import stage, stage_shipped
from arith_puzzle.training.recipe import load_recipe
from tests.release.staging import RECIPE, recorded

SHIPPED = "paper_search_cpu"
"""The adapter of the package that the release publishes too."""
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
        "lora": {"r": 4}, "sft": sft,
        "score": {"splits": ["test"], "batch_size": 250, "max_new_tokens": 12, "limit": 500},
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
        done = run("release", recipe_file, "--to", "local", "--work", folder / "work", "--with", SHIPPED)
        assert done.returncode == 0, done.stderr[-3000:]
        (folder / "printed.json").write_text(json.dumps({"stdout": done.stdout, "stderr": done.stderr}))

    folder = once("released", make)
    return folder / "work", json.loads((folder / "printed.json").read_text())


@pytest.fixture(scope="session", autouse=True)
def drawn_once():
    """Every staged release has six plots, and each takes half a second: a plot of the same data is drawn once.

    tests/evaluation/test_report.py compares the bytes of plots that were drawn again.
    """
    drawn: dict[tuple, tuple] = {}

    def once(plot):
        def call(data, path):
            key = plot.__name__, repr(data)
            if key not in drawn:
                result = plot(data, path)
                made = path / result[0] if plot is plot_training else path
                drawn[key] = result, made.read_bytes()
            result, picture = drawn[key]
            made = path / result[0] if plot is plot_training else path
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(picture)
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        for module in (stage, stage_shipped):
            for name in ("plot_by_n", "plot_loss", "plot_reasons", "plot_training"):
                if hasattr(module, name):
                    patch.setattr(module, name, once(getattr(module, name)))
        yield


ROWS = 40


@pytest.fixture(scope="session")
def inputs(starter, once, tmp_path_factory):
    """Arguments of ``stage``: the real dataset and base, the record of a real run, an adapter, and its answers."""
    recipe = load_recipe(RECIPE)
    root = once("inputs", lambda folder: _adapter_with_answers(recipe, starter[0], folder))
    made = {"dataset": starter[0], "run": root / "train", "scores": root / "score"}
    return recorded(recipe, made, tmp_path_factory.mktemp("recorded"))


def _adapter_with_answers(recipe, dataset, root):
    """Write ``root``/train, an adapter with random weights, and ``root``/score, its answers and those of its base."""
    import torch
    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from arith_puzzle.dataset_builder.puzzle import symbolic_prompt

    tokenizer = AutoTokenizer.from_pretrained(recipe.base_path, padding_side="left")
    torch.manual_seed(0)
    lora = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(recipe.base_path), lora).eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.mul_(0.3)  # a small change: some answers differ
    model.save_pretrained(root / "train")
    tokenizer.save_pretrained(root / "train")
    shutil.copy(PACKAGE / "results" / "tiny_cpu" / "run.json", root / "train")
    (root / "train" / "checkpoints").mkdir()
    (root / "train" / "checkpoints" / "optimizer.pt").write_bytes(b"not to be published")

    rows = load_dataset(str(dataset), "starter", split="test").select_columns(["numbers", "target"]).to_list()[:ROWS]
    decoding = {"format": "symbolic", "strategy": "greedy", "max_new_tokens": 48, "batch_size": ROWS, "shots": 0,
                "division": "exact"}  # fmt: skip
    for who, context in (("base", model.disable_adapter), ("adapter", io.StringIO)):
        encoded = tokenizer([symbolic_prompt(**row) for row in rows], return_tensors="pt", padding=True)
        with context(), torch.inference_mode():
            output = model.generate(**encoded, max_new_tokens=48, do_sample=False)
        answers = tokenizer.batch_decode(output[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True)
        measured = aggregate(answers, rows)
        results = {"name": who, "model": str(recipe.base_path), "adapter": "x" if who == "adapter" else None,
                   "dataset": str(dataset), "config": "starter", "decoding": decoding,
                   "splits": {"test": {"n": measured.pop("num_puzzles"), **measured}}}  # fmt: skip
        (root / "score" / who).mkdir(parents=True)
        (root / "score" / who / "results.json").write_text(json.dumps(results))
        lines = [json.dumps(row | {"response": answer}) for row, answer in zip(rows, answers, strict=True)]
        (root / "score" / who / "generations-test.jsonl").write_text("\n".join(lines) + "\n")
