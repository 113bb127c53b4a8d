"""The README's table against the paper, out of ``results/``: a cell that no file measures says so."""

from __future__ import annotations

import json
from pathlib import Path

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.evaluation.results import interval_text, table
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.training.recipe import load_recipe

SPLITS = ("test", "ood_numeric_100", "ood_numeric_1000", "ood_form")
"""The paper's benchmarks, as the dataset's configs of the ``paper`` family carry them."""
LARGER = ("ood_numeric_100", "ood_numeric_1000")
COLUMNS = ["in distribution", "V=100", "V=1000", "both sizes", "N=8"]
"""The paper has one figure for larger numbers of both sizes."""
RECIPES = ("paper_search_cpu", "paper_direct_cpu", "smollm2_135m_search_gpu", "smollm2_135m_gpu", "paper_openllama3b")
"""Recipes that are meant for these benchmarks."""
SAID = {
    "name": "open-llama-3B, LoRA (arXiv 2406.02100, as printed there)",
    "asked": "direct",
    "rows": "100,000,000",
    "cells": ["0.44", "", "", "0.33", "0.35"],
}
NOT_MEASURED = "not measured"
RULE = PACKAGE.parent / "benchmarks" / "results" / "search.json"
"""What ``python -m benchmarks.search`` found: how far the rule goes that answers of ``format: search`` follow."""


def _rule(found: dict) -> list[str]:
    tokens = load_recipe(RECIPES[0]).score.max_new_tokens
    items = {split: found["splits"][f"1m/{split}"] for split in SPLITS}
    cells = _cells({split: (item["by_tokens"][str(tokens)], item["n"]) for split, item in items.items()})
    name = f"no model: the rule of searches, followed faultlessly for {tokens:,} tokens"
    return [name, "search", "", *(f"{share:.3f} (n={n:,})" for share, n in cells)]


def _cells(found: dict[str, tuple[float, int]]) -> list[tuple[float, int] | None]:
    """(share, n) by split -> the same by COLUMNS, None where it is not measured; both sizes weigh by their rows."""
    both = [found.get(split) for split in LARGER]
    together = None
    if all(both):
        n = sum(each for _, each in both)
        together = (sum(share * each for share, each in both) / n, n)
    return [found.get("test"), *both, together, found.get("ood_form")]


def paper_table(results: Path) -> str:
    """Markdown: a line for the paper, one for the rule of searches, and one for each of RECIPES out of ``results/``."""
    lines = [[SAID["name"], SAID["asked"], SAID["rows"], *SAID["cells"]], _rule(json.loads(RULE.read_text()))]
    for name in RECIPES:
        recipe = load_recipe(name)
        folder = results / name
        measured = json.loads((folder / "results.json").read_text())["adapter"]["splits"] if folder.is_dir() else {}
        run = json.loads((folder / "run.json").read_text()) if folder.is_dir() else None
        rows = run and (run["recipe"]["dataset"]["rows"] or run["rows"])  # its drills are no puzzles of the dataset
        asked = "search" if recipe.score.format == "search" else "direct"
        cells = _cells({split: (item["pass@1"], item["n"]) for split, item in measured.items()})
        lines.append([f"`{name}`", asked, f"{rows:,}" if rows else "", *map(_cell, cells)])
    return table(["model", "answers", "training rows", *COLUMNS], lines)


def _cell(cell: tuple[float, int] | None) -> str:
    if cell is None:
        return NOT_MEASURED
    share, n = cell
    return f"**{share:.3f}** ({interval_text(wilson_interval(share * n, n))}; n={n:,})"
