"""A step of Muon on a CPU: torch's, in bfloat16, and ``Float32Muon``, in turn, on the matrices of the speedrun's model.

``arith_puzzle.training.muon.muon_class`` says which of them this CPU trains with.
"""

from __future__ import annotations

import time
from statistics import median

import torch
from torch.optim import Muon

from arith_puzzle.common.files import shipped
from arith_puzzle.common.markdown import table as markdown
from arith_puzzle.training.muon import Float32Muon, muon_class
from arith_puzzle.training.recipe import load_recipe
from arith_puzzle.training.tiny import build_tokenizer, init_model

KINDS = {"torch": Muon, "float32": Float32Muon}


def run(rounds: int = 7) -> dict:
    """Time both; returns {"recipe", "chosen", "rounds", "seconds": {kind: median of a step, float}, "ratio"}."""
    recipe = load_recipe(shipped("training/recipes/speedrun.yaml"))
    model = init_model(recipe.model.shape, build_tokenizer(pairs=True), recipe.seed)
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    for matrix in matrices:
        matrix.grad = torch.randn_like(matrix)
    optimizers = {name: kind(matrices, lr=1e-4, adjust_lr_fn="match_rms_adamw") for name, kind in KINDS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in optimizers}
    for _ in range(rounds + 1):  # the first round warms up
        for name, optimizer in optimizers.items():
            start = time.perf_counter()
            optimizer.step()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: round(median(values[1:]), 4) for name, values in seconds.items()}
    chosen = next(name for name, kind in KINDS.items() if kind is muon_class(matrices[0].device))
    return {"recipe": recipe.name, "chosen": chosen, "rounds": rounds, "seconds": medians,
            "ratio": round(medians["torch"] / medians["float32"], 1)}  # fmt: skip


def table(measured: dict) -> str:
    """Format the figures as a Markdown table."""
    rows = [(name, f"{1000 * seconds:.0f} ms") for name, seconds in measured["seconds"].items()]
    chosen = f"Ratio {measured['ratio']}; this CPU trains with {measured['chosen']}."
    return markdown(("Muon", "a step"), rows) + f"\n\n{chosen}"
