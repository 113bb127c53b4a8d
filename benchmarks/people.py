"""What people find hard: how well our labels predict people's results on the 1,362 games of 24.

The games, with the share of people who solved each and their mean time, are the file ``24.csv`` of
princeton-nlp/tree-of-thought-llm. The labels are those of ``arith_puzzle.dataset_builder.solver.labels``; games that
need fractions have no solution under them. Beside them stands the number of play-outs that reach the target, for small
and for any intermediate results. Spearman's rank correlation, with a 95% interval from resampled games.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.markdown import table as markdown
from arith_puzzle.dataset_builder.solver.labels import count_solutions, difficulty_rows, playouts

BOUND, SMALL = 600, 30
"""Bounds on intermediate results: the dataset's for V=60, and the one of 24, 30, 48 and 100 that predicts best."""
RESAMPLES = 2000


def run(games: Path) -> dict:
    """Compute the correlations.

    Returns:
        {"games", "unsolved" (by exact division), "spearman": {measure: {label: {"value", "ci95"}}}}; the measures are
        "solve rate" and "mean time".

    Args:
        games: path of 24.csv.
    """
    try:
        with games.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        numbers = np.array([list(map(int, row["Puzzles"].split())) for row in rows])
        measures = {
            "solve rate": np.array([float(row["Solved rate"].rstrip("%")) for row in rows]),
            "mean time": np.array([float(row["AMT (s)"]) for row in rows]),
        }
    except (OSError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"--games {games} is not 24.csv of tree-of-thought-llm: {error}") from None
    targets = np.full(len(rows), 24)
    labels = {
        "difficulty": difficulty_rows(numbers, targets, bound=BOUND),
        "num_solutions": count_solutions(numbers, targets, bound=BOUND),
        "winning play-outs": playouts(numbers, targets, bound=BOUND)[0],
        f"winning play-outs, results within ±{SMALL}": playouts(numbers, targets, bound=SMALL)[0],
    }
    frame = pd.DataFrame(measures | labels)
    drawn = np.random.default_rng(0).integers(0, len(rows), (RESAMPLES, len(rows)))
    resampled = [frame.iloc[at].corr(method="spearman") for at in drawn]
    value = frame.corr(method="spearman")
    spearman = {
        measure: {
            label: {
                "value": round(float(value[measure][label]), 3),
                "ci95": [
                    round(float(end), 3)
                    for end in np.quantile([each[measure][label] for each in resampled], (0.025, 0.975))
                ],
            }
            for label in labels
        }
        for measure in measures
    }
    return {"games": len(rows), "unsolved": int((labels["num_solutions"] == 0).sum()), "spearman": spearman}


def table(measured: dict) -> str:
    """The correlations as Markdown."""
    lines = [
        [measure, label, f"{found['value']:.3f}", f"{found['ci95'][0]:.3f} to {found['ci95'][1]:.3f}"]
        for measure, labels in measured["spearman"].items()
        for label, found in labels.items()
    ]
    return markdown(["people's", "our label", "Spearman", "95% interval"], lines)
