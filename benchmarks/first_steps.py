"""The first steps of the search base's training: AdamW or Muon, with or without Fourier number embeddings.

Each arm is a short training of training/recipes/search_base.yaml. Four arms train on the recipe's rows. Four more
train on puzzles of three numbers only, which are nearly all arithmetic. No row is seen twice, so the mean loss of the
last steps is the loss on new rows.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from itertools import product
from pathlib import Path

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.markdown import table as markdown
from arith_puzzle.training.recipe import load_recipe

STEPS, LAST = 80, 20
KINDS = {"the recipe's": {"rows": 10_000}, "three numbers": {"rows": 30_000, "walk_share": 0.0, "sizes": [3]}}
"""Name of the rows -> what it changes in the recipe's section ``drills``."""
RATES = {"muon": 6.0e-3, None: 2.0e-3}
"""Optimizer -> learning rate. Muon's is the recipe's; AdamW's is that of an earlier base."""


def run(steps: int = STEPS) -> dict:
    """Train all arms; returns {"recipe", "steps", "last", "arms": [{"rows", "optimizer", "waves", "learning_rate",
    "tokens", "seconds", "first_loss", "last_loss", "hardware"}]}; losses in nats."""
    from arith_puzzle.training import tiny
    from arith_puzzle.training.sft import train

    recipe = load_recipe(PACKAGE / "training" / "recipes" / "search_base.yaml")
    sft = recipe.sft | {"max_steps": steps, "logging_steps": LAST, "warmup_steps": steps // 3, "save_strategy": "no"}
    arms, amplitude = [], tiny.AMPLITUDE
    for kind, optimizer, waves in product(KINDS, RATES, (True, False)):
        changed = dataclasses.replace(
            recipe,
            optimizer=optimizer,
            drills=dataclasses.replace(recipe.drills, **KINDS[kind]),
            sft=sft | {"learning_rate": RATES[optimizer]},
        )
        tiny.AMPLITUDE = amplitude if waves else 0.0
        try:
            with tempfile.TemporaryDirectory() as folder:
                record = json.loads((train(changed, Path(folder) / "run") / "run.json").read_text())
        finally:
            tiny.AMPLITUDE = amplitude
        losses = [entry["loss"] for entry in record["log"] if "loss" in entry]
        arms.append({
            "rows": kind, "optimizer": optimizer or "adamw", "waves": waves, "learning_rate": RATES[optimizer],
            "tokens": record["tokens_seen"], "seconds": record["seconds"], "first_loss": losses[0],
            "last_loss": losses[-1], "hardware": record["hardware"],
        })  # fmt: skip
    return {"recipe": recipe.name, "steps": steps, "last": LAST, "arms": arms}


def table(measured: dict) -> str:
    """Format the figures as a Markdown table."""
    last = f"loss of the last {measured['last']} steps"
    header = ["rows", "optimizer", "Fourier embeddings", "tokens", "seconds", last]
    return markdown(header, [
        [arm["rows"], arm["optimizer"], "yes" if arm["waves"] else "no", f"{arm['tokens']:,}", f"{arm['seconds']:.0f}",
         f"{arm['last_loss']:.3f}"]
        for arm in measured["arms"]
    ])  # fmt: skip
