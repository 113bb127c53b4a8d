"""Draw docs/result.png, and write the tables of docs/scale.md and docs/speedrun.md from the measured files.

    python -m docs.generate

The blocks of README.md and docs/results.md are written by arith_puzzle.model_cards.readme; `make readme` runs both.
"""

from __future__ import annotations

import json
from pathlib import Path

from arith_puzzle.common.files import PACKAGE, write_text
from arith_puzzle.evaluation.plots import COLOURS, DPI, STYLE, WIDTH
from arith_puzzle.model_cards.paper_table import (
    BENCHMARKS,
    PAPER,
    RECIPES,
    Line,
    Score,
    measured,
    million_parameters,
    oracle,
)
from benchmarks import scale, speedrun

ROOT = PACKAGE.parent
RESULTS, PICTURE = ROOT / "results", ROOT / "docs" / "result.png"


def benchmarks_of(line: Line) -> list[Score]:
    """The line's scores on the paper's three benchmarks."""
    return [score for score in (line.scores[at] for at in BENCHMARKS.values()) if score]


def draw(path: Path) -> None:
    """Draw the paper's scores beside ours, with 95% intervals, as a PNG whose bytes depend on the figures alone."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ours = benchmarks_of(measured(RESULTS, RECIPES[0]))
    bars = (
        ("the paper: OpenLLaMA 3B, 100 M rows", benchmarks_of(PAPER), COLOURS[4], "black"),
        (f"here: {million_parameters(RESULTS, RECIPES[0])} parameters, trained on a CPU", ours, COLOURS[0], "white"),
    )
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(WIDTH, 3.6), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for at, (label, scores, colour, ink) in enumerate(bars):
            x = [place + 0.38 * (at - 0.5) for place in range(len(scores))]
            axes.bar(x, [score.share for score in scores], width=0.36, color=colour, label=label)
            for place, score in zip(x, scores, strict=True):
                if score.n:
                    axes.vlines(place, *score.interval, color="black", linewidth=1.5)
                text = f"{score.share:.3f}" if score.n else f"{score.share:.2f}"
                axes.text(place, score.share - 0.03, text, ha="center", va="top", color=ink)
        for place, score in enumerate(benchmarks_of(oracle())):
            label = "oracle: the search procedure, executed exactly" if not place else None
            ends = (place - 0.38, place + 0.38)
            axes.hlines(score.share, *ends, color="black", linestyle=":", linewidth=1.5, label=label)
        names = [f"{name}\nour n = {score.n:,}" for name, score in zip(BENCHMARKS, ours, strict=True)]
        axes.set_xticks(range(len(names)), names)
        axes.set(ylim=(0, 1.08), ylabel="puzzles solved (greedy pass@1)")
        axes.grid(axis="x", visible=False)
        figure.legend(loc="outside lower center", ncols=1)
        figure.savefig(path, format="png", metadata={"Software": None})


def main() -> None:
    """Write all of them."""
    page = scale.PAGE.read_text(encoding="utf-8")
    write_text(scale.PAGE, scale.filled(page, json.loads(scale.MEASURED.read_text())))
    write_text(speedrun.PAGE, speedrun.filled(speedrun.PAGE.read_text(encoding="utf-8")))
    draw(PICTURE)


if __name__ == "__main__":
    main()
