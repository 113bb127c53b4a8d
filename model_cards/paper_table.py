"""Make the table that sets our scores (`results/`) and the oracle's beside the paper's printed ones."""

from __future__ import annotations

import json
from pathlib import Path

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.evaluation.results import interval_text, table
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.training.recipe import load_recipe

SPLITS = ("test", "ood_numeric_100", "ood_numeric_1000", "ood_form")
"""The splits of the dataset that follow the paper's benchmarks."""
LARGER = ("ood_numeric_100", "ood_numeric_1000")
COLUMNS = ["in distribution", "V=100", "V=1000", "both sizes", "N=8"]
"""The table's columns. The paper has one score for larger numbers, of both sizes together."""
RECIPES = ("paper_search_cpu", "paper_direct_cpu", "smollm2_135m_search_gpu", "smollm2_135m_gpu", "paper_openllama3b")
"""The recipes for these benchmarks."""
PAPER = {
    "name": "open-llama-3B, LoRA (arXiv 2406.02100, as printed there)",
    "answers": "direct",
    "rows": "100,000,000",
    "cells": ["0.44", "", "", "0.33", "0.35"],
}
NOT_MEASURED = "not measured"
ORACLE = PACKAGE.parent / "benchmarks" / "results" / "search.json"
"""Scores of the search procedure of ``format: search`` itself, from ``python -m benchmarks.search``."""


def _oracle(found: dict) -> list[str]:
    tokens = load_recipe(RECIPES[0]).score.max_new_tokens
    items = {split: found["splits"][f"1m/{split}"] for split in SPLITS}
    cells = _cells({split: (item["by_tokens"][str(tokens)], item["n"]) for split, item in items.items()})
    name = f"oracle: the search procedure, executed exactly ({tokens:,} tokens)"
    return [name, "search", "", *(f"{share:.3f} (n={n:,})" for share, n in cells)]


def _cells(found: dict[str, tuple[float, int]]) -> list[tuple[float, int] | None]:
    """(share, n) for each of COLUMNS, from those of the splits. None: not measured. Both sizes weigh by their rows."""
    both = [found.get(split) for split in LARGER]
    together = None
    if all(both):
        n = sum(each for _, each in both)
        together = (sum(share * each for share, each in both) / n, n)
    return [found.get("test"), *both, together, found.get("ood_form")]


def paper_table(results: Path) -> str:
    """A Markdown table: a row for the paper, a row for the oracle, and a row for each of RECIPES."""
    oracle = _oracle(json.loads(ORACLE.read_text()))
    lines = [[PAPER["name"], PAPER["answers"], PAPER["rows"], *PAPER["cells"]], oracle]
    for name in RECIPES:
        recipe = load_recipe(name)
        folder = results / name
        measured = json.loads((folder / "results.json").read_text())["adapter"]["splits"] if folder.is_dir() else {}
        run = json.loads((folder / "run.json").read_text()) if folder.is_dir() else None
        rows = run and (run["recipe"]["dataset"]["rows"] or run["rows"])  # drills are not rows of the dataset
        answers = "search" if recipe.score.format == "search" else "direct"
        cells = _cells({split: (item["pass@1"], item["n"]) for split, item in measured.items()})
        lines.append([f"`{name}`", answers, f"{rows:,}" if rows else "", *map(_cell, cells)])
    return table(["model", "answers", "training rows", *COLUMNS], lines)


def _cell(cell: tuple[float, int] | None) -> str:
    if cell is None:
        return NOT_MEASURED
    share, n = cell
    return f"**{share:.3f}** ({interval_text(wilson_interval(share * n, n))}; n={n:,})"
