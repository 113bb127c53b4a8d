"""What waves for figures (arith_puzzle.training.tiny) and Muon (arith_puzzle.training.muon) do for the base's first steps.

python -m benchmarks.first_steps [--json FILE]

Four short trainings of training/recipes/search_base.yaml, one after another: with and without each; and four on
puzzles of three numbers alone, which are nearly all arithmetic. No row is seen twice, so the mean loss of the last
steps is that of rows which are new.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from itertools import product
from pathlib import Path

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.evaluation.results import table as markdown
from arith_puzzle.training.recipe import load_recipe
from benchmarks.command import command

STEPS, LAST = 80, 20
KINDS = {"the recipe's": {"rows": 10_000}, "three numbers": {"rows": 30_000, "walk_share": 0.0, "sizes": [3]}}
"""Rows, by ``drills`` of the recipe."""
RATES = {"muon": 6.0e-3, None: 2.0e-3}
"""Learning rates: Muon's is the recipe's, the other that of the base before this one."""


def run(steps: int = STEPS) -> dict:
    """{"steps", "arms": [{"rows", "optimizer", "waves", "learning_rate", "tokens", "seconds", "first_loss",
    "last_loss", "hardware"}]}; losses in nats."""
    from arith_puzzle.training import tiny
    from arith_puzzle.training.sft import train

    recipe = load_recipe(PACKAGE / "training" / "recipes" / "search_base.yaml")
    sft = recipe.sft | {"max_steps": steps, "logging_steps": LAST, "warmup_steps": steps // 3, "save_strategy": "no"}
    arms, amplitude = [], tiny.WAVE
    for kind, optimizer, waves in product(KINDS, RATES, (True, False)):
        changed = dataclasses.replace(
            recipe,
            optimizer=optimizer,
            drills=dataclasses.replace(recipe.drills, **KINDS[kind]),
            sft=sft | {"learning_rate": RATES[optimizer]},
        )
        tiny.WAVE = amplitude if waves else 0.0
        try:
            with tempfile.TemporaryDirectory() as folder:
                record = json.loads((train(changed, Path(folder) / "run") / "run.json").read_text())
        finally:
            tiny.WAVE = amplitude
        losses = [entry["loss"] for entry in record["log"] if "loss" in entry]
        arms.append({
            "rows": kind, "optimizer": optimizer or "adamw", "waves": waves, "learning_rate": RATES[optimizer],
            "tokens": record["tokens_seen"], "seconds": record["seconds"], "first_loss": losses[0],
            "last_loss": losses[-1], "hardware": record["hardware"],
        })  # fmt: skip
    return {"recipe": recipe.name, "steps": steps, "last": LAST, "arms": arms}


def table(measured: dict) -> str:
    """Markdown."""
    last = f"loss of the last {measured['last']} steps"
    header = ["rows", "optimizer", "figures begin as waves", "tokens", "seconds", last]
    return markdown(header, [
        [arm["rows"], arm["optimizer"], "yes" if arm["waves"] else "no", f"{arm['tokens']:,}", f"{arm['seconds']:.0f}",
         f"{arm['last_loss']:.3f}"]
        for arm in measured["arms"]
    ])  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    return command("first_steps", __doc__, run, table, argv)


if __name__ == "__main__":
    sys.exit(main())
