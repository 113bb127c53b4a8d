"""The README's table against the paper, out of ``results/``: a cell that no file measures says so."""

from __future__ import annotations

import json
from pathlib import Path

from training.measured import interval_text, table
from training.recipe import ROOT, load_recipe

SPLITS = {
    "test": "in distribution",
    "ood_numeric_100": "V=100",
    "ood_numeric_1000": "V=1000",
    "ood_form": "N=8",
}
"""The paper's benchmarks, as the dataset's configs of the ``paper`` family carry them."""
RECIPES = ("paper_search_cpu", "paper_direct_cpu", "smollm2_135m_search_gpu", "smollm2_135m_gpu", "paper_openllama3b")
"""Recipes that are meant for these benchmarks."""
SAID = {
    "name": "open-llama-3B, LoRA (arXiv 2406.02100, as printed there)",
    "asked": "direct",
    "rows": "100,000,000",
    "cells": ["0.44", "0.33, both sizes together", "0.33, both sizes together", "0.35"],
}
NOT_MEASURED = "not measured"
RULE = ROOT / "benchmarks" / "results" / "search.json"
"""What ``python -m benchmarks.search`` found: how far the rule goes that answers of ``format: search`` follow."""


def _rule(found: dict) -> list[str]:
    tokens = load_recipe(ROOT / "training" / "recipes" / f"{RECIPES[0]}.yaml").score.max_new_tokens
    items = [found["splits"][f"1m/{split}"] for split in SPLITS]
    name = f"no model: the rule of searches, followed faultlessly for {tokens:,} tokens"
    return [name, "search", "", *(f"{item['by_tokens'][str(tokens)]:.3f} (n={item['n']:,})" for item in items)]


def paper_table(results: Path) -> str:
    """Markdown: a line for the paper, one for the rule of searches, and one for each of RECIPES out of ``results/``."""
    lines = [[SAID["name"], SAID["asked"], SAID["rows"], *SAID["cells"]], _rule(json.loads(RULE.read_text()))]
    for name in RECIPES:
        recipe = load_recipe(ROOT / "training" / "recipes" / f"{name}.yaml")
        folder = results / name
        measured = json.loads((folder / "results.json").read_text())["adapter"]["splits"] if folder.is_dir() else {}
        run = json.loads((folder / "run.json").read_text()) if folder.is_dir() else None
        rows = run and (run["recipe"]["dataset"]["rows"] or run["rows"])  # its drills are no puzzles of the dataset
        asked = "search" if recipe.score.format == "search" else "direct"
        lines.append(
            [f"`{name}`", asked, f"{rows:,}" if rows else "", *(_cell(measured.get(split)) for split in SPLITS)]
        )
    return table(["model", "answers", "training rows", *SPLITS.values()], lines)


def _cell(item: dict | None) -> str:
    if item is None:
        return NOT_MEASURED
    return f"**{item['pass@1']:.3f}** ({interval_text(item['pass@1_ci95'])}; n={item['n']:,})"
