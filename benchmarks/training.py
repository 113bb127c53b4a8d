"""Training tokens per second, beside TRL's stock script, on the same rows, model, LoRA and machine.

Each round runs, one after another: `trl sft` with its defaults (bf16 and activation checkpointing), `trl sft` in
float32 without checkpointing, and `training/sft.py` in both precisions. A ratio compares runs of the same precision.
Each run has one thread (OMP_NUM_THREADS). Tokens are those of the rows, without padding. Seconds are the trainer's
own, without loading and tokenizing.

With ``peak_tflops`` the share of the GPU's peak is computed too: (4 F + 6 T) · tokens/s / peak, where F and T count
the frozen and the trained parameters. A forward pass costs 2 operations per parameter and token, a backward pass 2
for the activations and 2 for the gradients of what is trained (arXiv 2204.02311, appendix B, without attention). The
peak is dense bf16.
"""

from __future__ import annotations

import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import yaml

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import shipped
from arith_puzzle.common.provenance import commit_of_checkout
from arith_puzzle.training.launch import launch

LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0}
SETTINGS = {
    # model -> config, rows a step, steps, tokens of a packed sequence, sequences a step (about as many rows)
    "training/bases/arith-tiny": {"config": "starter", "batch": 96, "steps": 60, "pack": 70, "sequences": 44},
    "runs/smollm2-135m": {"config": "starter", "batch": 16, "steps": 4, "pack": 256, "sequences": 2},
}


def run(dataset: Path, models: Sequence[str] = (), rounds: int = 3, peak_tflops: float | None = None) -> dict:
    """Measure; returns {"command", "commit", "cpu_count", "versions", "models": {model: settings, rounds and rates}}.

    Args:
        dataset: a folder that ``arith-puzzle build`` wrote, with the config `starter`.
        models: keys of SETTINGS; default: all that exist.
        peak_tflops: the GPU's dense bf16 peak.

    Raises:
        InputError: an unknown model.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    unknown = [model for model in models if model not in SETTINGS]
    if unknown:
        raise InputError(f"unknown model {unknown[0]!r}; known: {', '.join(SETTINGS)}")
    models = models or [name for name in SETTINGS if (shipped(name) / "config.json").is_file()]
    found = {}
    for model in models:
        taken: dict[str, list[dict]] = {}
        for _ in range(rounds):
            for name, variant in VARIANTS.items():
                with tempfile.TemporaryDirectory() as folder:
                    taken.setdefault(name, []).append(variant(model, str(dataset), Path(folder), SETTINGS[model]))
                print(model, name, taken[name][-1], flush=True)
        found[model] = SETTINGS[model] | {"rounds": taken} | _summary(taken, peak_tflops)
    return {
        "command": f"python -m benchmarks training --dataset arith-puzzle --rounds {rounds}",
        "commit": commit_of_checkout(),
        "cpu_count": os.cpu_count(),
        "versions": {name: version(name) for name in ("torch", "transformers", "trl", "peft")},
        "models": found,
    }


def table(measured: dict) -> str:
    """Format the rates and ratios as text."""
    lines = [f"{'model':<28}{'variant':<26}{'tokens/s':>10}{'ratio':>8}"]
    for model, item in measured["models"].items():
        for name, rate in item["tokens_per_second"].items():
            lines.append(f"{model:<28}{name:<26}{rate:>10.0f}{item['ratio'].get(name, ''):>8}")
    return "\n".join(lines)


def _stock(model: str, dataset: str, folder: Path, setting: dict, *options: str) -> dict:
    command = [
        sys.executable, "-m", "trl.scripts.sft", "--model_name_or_path", str(shipped(model)), "--dataset_name", dataset,
        "--dataset_config", setting["config"], "--use_peft", "--lora_r", str(LORA["r"]),
        "--lora_alpha", str(LORA["lora_alpha"]), "--lora_dropout", str(LORA["lora_dropout"]),
        "--lora_target_modules", "all-linear", "--per_device_train_batch_size", str(setting["batch"]),
        "--max_steps", str(setting["steps"]), "--output_dir", str(folder), "--report_to", "none",
        "--logging_steps", str(setting["steps"]), "--save_strategy", "no", "--learning_rate", "1e-3", *_device(),
        *options,
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    logged = {}
    for line in done.stdout.splitlines():
        if line.startswith("{'"):
            logged |= ast.literal_eval(line)
    tokens, seconds = float(logged["num_tokens"]), float(logged["train_runtime"])
    return {"tokens": round(tokens), "seconds": seconds, "tokens_per_second": tokens / seconds}


def _ours(model: str, dataset: str, folder: Path, setting: dict, bf16: bool) -> dict:
    rows = setting["batch"] * setting["steps"]
    recipe = {
        "name": "benchmark", "dataset": {"config": setting["config"], "rows": rows}, "pack": setting["pack"],
        "model": {"base": model, "dtype": "float32"}, "lora": LORA,
        "sft": {"num_train_epochs": 1, "per_device_train_batch_size": setting["sequences"], "learning_rate": 1.0e-3,
                "bf16": bf16, "activation_checkpointing": False, "use_cpu": bool(_device()),
                "dataloader_pin_memory": not _device(), "report_to": "none", "save_strategy": "no"},
    }  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    if launch(path, out=folder / "run", dataset=Path(dataset).resolve()):
        raise SystemExit("training failed; its own message is above")
    run = json.loads((folder / "run" / "run.json").read_text())
    return {
        "tokens": run["tokens_seen"],
        "seconds": run["seconds"],
        "tokens_per_second": run["tokens_seen"] / run["seconds"],
        "packing_efficiency": run["packing_efficiency"],
        "parameters": [run["trainable_parameters"], run["parameters"]],
    }


def _device() -> list[str]:
    import torch

    return [] if torch.cuda.is_available() else ["--use_cpu", "true"]


VARIANTS = {
    "trl sft, its defaults": _stock,
    "trl sft, float32": lambda *a: _stock(
        *a, "--bf16", "false", "--activation_checkpointing", "false", "--dtype", "float32"
    ),
    "training/sft.py, float32": lambda *a: _ours(*a, bf16=False),
    "training/sft.py, bf16": lambda *a: _ours(*a, bf16=True),
}

OURS = ("training/sft.py, float32", "training/sft.py, bf16")
STOCK = ("trl sft, float32", "trl sft, its defaults")


def _summary(rounds: dict[str, list[dict]], peak_tflops: float | None) -> dict:
    rates = {name: statistics.median(r["tokens_per_second"] for r in runs) for name, runs in rounds.items()}
    trained, all_ = rounds[OURS[0]][0]["parameters"]
    operations = (4 * (all_ - trained) + 6 * trained) * max(rates[name] for name in OURS)
    return {
        "tokens_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "ratio": {ours: round(rates[ours] / rates[stock], 2) for ours, stock in zip(OURS, STOCK, strict=True)},
        "share_of_peak": round(operations / (peak_tflops * 1e12), 4) if peak_tflops else None,
    }
