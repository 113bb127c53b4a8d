"""The speedrun: from nothing to a model that passes the paper's score in distribution, in as little time as possible.

Three commands run one after another in an empty folder: build the rows, train from scratch, and score the first ROWS
puzzles of ``1m/test``. docs/speedrun.md has the rules and the runs so far.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.markdown import table as markdown
from arith_puzzle.model_cards.paper_table import PAPER
from arith_puzzle.training.recipe import load_recipe

ROWS = 2000
GOAL = next(score.share for score in PAPER.scores if score)
"""The paper's pass@1 in distribution, with 100 million training rows."""
PAGE = PACKAGE.parent / "docs" / "speedrun.md"
RUNS = PACKAGE.parent / "results" / "speedrun"
BEGIN, END = "<!-- runs -->\n", "<!-- /runs -->"


def run(recipe: str = "speedrun") -> dict:
    """Run the commands; returns {"date", "recipe", "answers", "commands", "seconds": {step: s}, "total",
    "n", "pass@1", "pass@1_ci95", "parameters", "hardware"}.

    Raises:
        InputError: the score is not above GOAL, so this is no run.
    """
    section = load_recipe(recipe).score
    commands = {
        "build": ["build", "--config", "1m", "--out", "arith-puzzle"],
        "train": ["train", recipe, "--dataset", "arith-puzzle", "--out", "model"],
        "score": [
            "score", "--model", "model", "--dataset", "arith-puzzle", "--config", "1m", "--split", "test", "--limit",
            str(ROWS), "--format", section.format, "--max-new-tokens", str(section.max_new_tokens), "--batch-size",
            str(section.batch_size), "--out", "score",
        ],
    }  # fmt: skip
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for step, arguments in commands.items():
            start = time.monotonic()
            subprocess.run([sys.executable, "-m", "arith_puzzle.cli", *arguments], cwd=folder, check=True)
            seconds[step] = round(time.monotonic() - start, 1)
        trained = json.loads((Path(folder) / "model" / "run.json").read_text())
        scored = json.loads((Path(folder) / "score" / "results.json").read_text())["splits"]["test"]
    if scored["pass@1"] <= GOAL:
        raise InputError(f"{scored['pass@1']:.3f} does not pass {GOAL}; train longer")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "recipe": recipe,
        "answers": "search" if section.format == "search" else "direct",
        "commands": [" ".join(["arith-puzzle", *arguments]) for arguments in commands.values()],
        "seconds": seconds,
        "total": round(sum(seconds.values()), 1),
        **{key: scored[key] for key in ("n", "pass@1", "pass@1_ci95")},
        "parameters": trained["parameters"],
        "hardware": trained["hardware"],
    }


def table(*measured: dict) -> str:
    """Format runs as a Markdown table, the first one first. A file in RUNS also says what "changed"."""
    header = ["date", "minutes", "build, train, score (s)", "pass@1", "parameters", "answers", "what changed"]
    return markdown(header, [
        [one["date"], f"{one['total'] / 60:.1f}", ", ".join(f"{one['seconds'][s]:.0f}" for s in one["seconds"]),
         f"{one['pass@1']:.3f} [{one['pass@1_ci95'][0]:.3f}, {one['pass@1_ci95'][1]:.3f}] (n={one['n']:,})",
         f"{one['parameters']:,}", one["answers"], one.get("changed", "")]
        for one in measured
    ])  # fmt: skip


def filled(page: str) -> str:
    """The page with the table of all runs in RUNS."""
    runs = [json.loads(path.read_text()) for path in sorted(RUNS.glob("*.json"))]
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table(*runs) + END + rest.partition(END)[2]
