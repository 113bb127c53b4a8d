"""Write what the pages show of the results: docs/result.png, and the generated blocks of README.md and docs/scale.md.

    python -m docs.generate [--check]

Every figure comes from results/ and benchmarks/results/. With --check nothing is written, and the exit status is 1 if a
block is stale. The larger tables of docs/results.md are written by arith_puzzle.model_cards.readme.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

from arith_puzzle.common.files import PACKAGE, write_text
from arith_puzzle.evaluation.plots import COLOURS, DPI, STYLE, WIDTH
from arith_puzzle.evaluation.results import table
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from benchmarks import scale

ROOT = PACKAGE.parent
README, PICTURE = ROOT / "README.md", ROOT / "docs" / "result.png"
AXES = {
    "in distribution": ("test",),
    "larger numbers": ("ood_numeric_100", "ood_numeric_1000"),
    "N=8": ("ood_form",),
}
"""The paper's three benchmarks -> the splits of config ``1m`` that measure them here."""
PAPER = dict(zip(AXES, (0.44, 0.33, 0.35), strict=True))
"""Greedy pass@1 of OpenLLaMA 3B after 100 M rows, as printed in arXiv 2406.02100."""
OURS = {"`paper_search_cpu`": "search", "`paper_direct_cpu`": "direct"}
"""Results of this project that the short table shows -> how the model answers."""


class Score(NamedTuple):
    """pass@1 over ``n`` rows."""

    share: float
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval."""
        return wilson_interval(self.share * self.n, self.n)


def scores(splits: dict[str, dict], share: str = "pass@1") -> dict[str, Score]:
    """{axis: Score} from {split: {share, "n"}}; the splits of an axis weigh by their rows."""
    found = {}
    for axis, names in AXES.items():
        n = sum(splits[name]["n"] for name in names)
        found[axis] = Score(sum(splits[name][share] * splits[name]["n"] for name in names) / n, n)
    return found


def measured(name: str) -> tuple[dict[str, Score], dict]:
    """The scores of the adapter in ``results/<name>``, and the run.json of its training."""
    folder = ROOT / "results" / name.strip("`")
    splits = json.loads((folder / "results.json").read_text())["adapter"]["splits"]
    return scores(splits), json.loads((folder / "run.json").read_text())


def oracle() -> dict[str, Score]:
    """What the search procedure scores when it is executed exactly, within the adapter's limit of 4,000 tokens."""
    splits = json.loads((ROOT / "benchmarks" / "results" / "search.json").read_text())["splits"]
    return scores(
        {name.removeprefix("1m/"): item | {"share": item["by_tokens"]["4000"]} for name, item in splits.items()},
        "share",
    )


def sentence() -> str:
    """The result in one sentence."""
    found, run = measured("paper_search_cpu")
    ours = " / ".join(f"{score.share:.3f}" for score in found.values())
    theirs = " / ".join(f"{share:.2f}" for share in PAPER.values())
    return (
        f"A model of {run['parameters'] / 1e6:.1f} M parameters, trained on a CPU to search before it answers, solves\n"
        f"**{ours}** of the puzzles ({' / '.join(AXES)}).\n"
        f"The paper's model of 3 B parameters solves {theirs}.\n"
    )


def short_table() -> str:
    """The paper, the oracle and our two adapters on the three benchmarks, in Markdown."""
    printed = [f"{share:.2f}" for share in PAPER.values()]
    rows = [["OpenLLaMA 3B, LoRA (the paper)", "direct", "100,000,000", *printed]]
    rows.append(["oracle: the search procedure, executed exactly", "search", "", *map(_cell, oracle().values())])
    for name, way in OURS.items():
        found, run = measured(name)
        trained = run["recipe"]["dataset"]["rows"] or run["rows"]
        rows.append([f"{name}, {run['parameters'] / 1e6:.1f} M", way, f"{trained:,}", *map(_cell, found.values())])
    return table(["model", "answers", "training rows", *AXES], rows)


def _cell(score: Score) -> str:
    low, high = score.interval
    return f"{score.share:.3f} ({low:.3f} to {high:.3f}; n={score.n:,})"


def draw(path: Path) -> None:
    """Draw the paper's scores beside ours, with 95% intervals, as a PNG whose bytes depend on the figures alone."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ours, run = measured("paper_search_cpu")
    bars = (
        ("the paper: OpenLLaMA 3B, 100 M rows", [Score(share, 0) for share in PAPER.values()], COLOURS[4]),
        (f"here: {run['parameters'] / 1e6:.1f} M parameters, trained on a CPU", list(ours.values()), COLOURS[0]),
    )
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(WIDTH, 3.6), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for at, (label, values, colour) in enumerate(bars):
            x = [place + 0.38 * (at - 0.5) for place in range(len(AXES))]
            axes.bar(x, [score.share for score in values], width=0.36, color=colour, label=label)
            for place, score in zip(x, values, strict=True):
                if score.n:
                    axes.vlines(place, *score.interval, color="black", linewidth=1.5)
                text = f"{score.share:.3f}" if score.n else f"{score.share:.2f}"
                axes.text(place, score.share - 0.03, text, ha="center", va="top", color="white" if at else "black")
        for place, score in enumerate(oracle().values()):
            label = "oracle: the search procedure, executed exactly" if not place else None
            ends = (place - 0.38, place + 0.38)
            axes.hlines(score.share, *ends, color="black", linestyle=":", linewidth=1.5, label=label)
        names = [f"{axis}\nour n = {score.n:,}" for axis, score in ours.items()]
        axes.set_xticks(range(len(AXES)), names)
        axes.set(ylim=(0, 1.08), ylabel="puzzles solved (greedy pass@1)")
        axes.grid(axis="x", visible=False)
        figure.legend(loc="outside lower center", ncols=1)
        figure.savefig(path, format="png", metadata={"Software": None})


def filled(page: str, blocks: dict[str, str]) -> str:
    """The page with the text between ``<!-- NAME: begin (make readme) -->`` and ``<!-- NAME: end -->`` replaced."""
    for name, content in blocks.items():
        begin, end = f"<!-- {name}: begin (make readme) -->\n", f"<!-- {name}: end -->\n"
        before, rest = page.split(begin)
        page = before + begin + content + end + rest.split(end)[1]
    return page


def main() -> int:
    """Write everything, or check the blocks; returns the exit status."""
    readme, page = README.read_text(encoding="utf-8"), scale.PAGE.read_text(encoding="utf-8")
    pages = {
        README: (readme, filled(readme, {"headline": sentence(), "short": short_table()})),
        scale.PAGE: (page, scale.filled(page, json.loads(scale.MEASURED.read_text()))),
    }
    stale = [path for path, (is_there, wanted) in pages.items() if is_there != wanted]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale; run: make readme", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        write_text(path, pages[path][1])
    draw(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
