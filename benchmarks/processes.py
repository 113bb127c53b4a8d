"""A training step on a CPU: one process with one thread, one with two threads, and two processes with one thread each.

Each arm is a short training of training/recipes/demo_cpu.yaml in a separate process, with the same rows a step.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import shipped
from arith_puzzle.common.markdown import table as markdown
from arith_puzzle.common.strict_yaml import read_yaml

STEPS = 50
ARMS = {"one process, one thread": (1, 1), "one process, two threads": (1, 2), "two processes, one thread each": (2, 1)}
"""Arm -> its processes, and the threads of each."""


def run(dataset: str, steps: int = STEPS) -> dict:
    """Train all arms on a folder with the config starter; returns {"recipe", "steps", "seconds": {arm: float}}.

    The seconds are those of the training loop, without the start of the processes.
    """
    raw = read_yaml(shipped("training/recipes/demo_cpu.yaml"), "recipe")
    rows = raw["processes"] * raw["sft"]["per_device_train_batch_size"]
    seconds = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for arm, (processes, threads) in ARMS.items():
            sft = raw["sft"] | {
                "max_steps": steps, "per_device_train_batch_size": rows // processes, "save_strategy": "no",
                "report_to": "none",
            }  # fmt: skip
            recipe, out = folder / "recipe.yaml", folder / arm.replace(" ", "-")
            recipe.write_text(yaml.safe_dump(raw | {"processes": processes if processes > 1 else None, "sft": sft}))
            command = [sys.executable, "-m", "arith_puzzle.cli", "train", str(recipe), "--dataset",
                       str(Path(dataset).resolve()), "--out", str(out)]  # fmt: skip
            environment = os.environ | {"OMP_NUM_THREADS": str(threads), "ARITH_PUZZLE_CACHE": str(folder / "cache")}
            if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode:
                raise InputError(f"the training with {arm} failed; its own message is above")
            seconds[arm] = json.loads((out / "run.json").read_text())["seconds"]
    return {"recipe": raw["name"], "steps": steps, "seconds": seconds}


def table(measured: dict) -> str:
    """Format the figures as a Markdown table."""
    first = next(iter(measured["seconds"].values()))
    steps = measured["steps"]
    rows = [[arm, f"{taken / steps:.3f}", f"{first / taken:.2f}"] for arm, taken in measured["seconds"].items()]
    return markdown(["arm", "seconds a step", "speed, relative to the first"], rows)
