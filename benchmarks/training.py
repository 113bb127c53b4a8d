"""Tokens a second of this project's training against TRL's stock script, on the same rows, model and machine.

python -m benchmarks.training --dataset arith-puzzle [--model training/bases/arith-tiny ...] [--rounds 3]

Each round runs, one after another: `trl sft` as it comes (bf16 and activation checkpointing are its defaults), the same
in float32 and without checkpointing, and `training/sft.py` in both precisions; a ratio is to the one of the same
precision. One thread each (OMP_NUM_THREADS), so that none
wins by it. Tokens are those of the rows; padding does not count. Seconds are the trainer's own, without loading and
tokenizing. LoRA is the same in all three.

On CUDA the share of the card's peak is given too: (4 F + 6 T) tokens/s / peak, F the frozen and T the trained
parameters (a forward pass costs 2 operations a parameter and token, a backward pass 2 for the activations and 2 for the
gradients of what is trained; arXiv 2204.02311, appendix B, without attention), peak --peak-tflops, dense bf16.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import yaml

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.provenance import commit_of_checkout
from arith_puzzle.training.launch import launch

RESULTS = Path(__file__).parent / "results" / "training.json"
LORA = {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0}
SETTINGS = {
    # model -> config, rows a step, steps, tokens of a packed sequence, sequences a step (about as many rows)
    "training/bases/arith-tiny": {"config": "starter", "batch": 96, "steps": 60, "pack": 70, "sequences": 44},
    "runs/smollm2-135m": {"config": "starter", "batch": 16, "steps": 4, "pack": 256, "sequences": 2},
}


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="arith-puzzle", help="a folder that `arith-puzzle build` wrote")
    parser.add_argument("--model", action="append", choices=SETTINGS, help="default: all that are there")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak-tflops", type=float, help="of the GPU, dense bf16; for the share of its peak")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    models = args.model or [name for name in SETTINGS if (PACKAGE / name / "config.json").is_file()]
    found = {}
    for model in models:
        rounds: dict[str, list[dict]] = {}
        for _ in range(args.rounds):
            for name, run in VARIANTS.items():
                with tempfile.TemporaryDirectory() as folder:
                    rounds.setdefault(name, []).append(run(model, args.dataset, Path(folder), SETTINGS[model]))
                print(model, name, rounds[name][-1], flush=True)
        found[model] = SETTINGS[model] | {"rounds": rounds} | _summary(rounds, args.peak_tflops)
    command = "python -m benchmarks.training " + " ".join(sys.argv[1:]).replace(args.dataset, "arith-puzzle")
    versions = {name: version(name) for name in ("torch", "transformers", "trl", "peft")}
    record = {"command": command, "commit": commit_of_checkout(), "cpu_count": os.cpu_count(), "versions": versions}
    RESULTS.write_text(json.dumps(record | {"models": found}, indent=1) + "\n")
    print(f"\n{'model':<28}{'variant':<26}{'tokens/s':>10}{'ratio':>8}")
    for model, item in found.items():
        for name, rate in item["tokens_per_second"].items():
            print(f"{model:<28}{name:<26}{rate:>10.0f}{item['ratio'].get(name, ''):>8}")


def _stock(model: str, dataset: str, folder: Path, setting: dict, *options: str) -> dict:
    command = [
        sys.executable, "-m", "trl.scripts.sft", "--model_name_or_path", str(PACKAGE / model), "--dataset_name", dataset,
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


if __name__ == "__main__":
    main()
