"""Compare our scores (`results/`) and the oracle's with those in the paper, in two tables and one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.markdown import table
from arith_puzzle.evaluation.results import interval_text
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval
from arith_puzzle.training.recipe import load_recipe

SPLITS = ("test", "ood_numeric_100", "ood_numeric_1000", "ood_form")
"""The splits of the dataset that follow the paper's benchmarks."""
LARGER = ("ood_numeric_100", "ood_numeric_1000")
COLUMNS = ["in distribution", "V=100", "V=1000", "both sizes", "N=8"]
"""The columns of the large table. The paper has one score for larger numbers, of both sizes together."""
BENCHMARKS = {"in distribution": 0, "larger numbers": 3, "N=8": 4}
"""The paper's three benchmarks -> the columns that measure them here."""
RECIPES = (
    "paper_search_cpu", "direct_cpu", "paper_direct_cpu", "smollm2_135m_search_gpu", "smollm2_135m_gpu",
    "paper_openllama3b",
)  # fmt: skip
"""The recipes for these benchmarks."""
MEASURED = RECIPES[:2]
NOT_MEASURED = "not measured"
ORACLE = PACKAGE.parent / "benchmarks" / "results" / "search.json"
"""Scores of the search procedure of ``format: search`` itself, from ``python -m benchmarks search``."""


class Score(NamedTuple):
    """pass@1 over ``n`` rows; ``n`` is None for a figure that the paper prints."""

    share: float
    n: int | None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval of a measured score."""
        assert self.n is not None, "a printed figure has no interval"
        return wilson_interval(self.share * self.n, self.n)


class Line(NamedTuple):
    """A line of the tables: ``scores`` has an entry for each of COLUMNS, None where there is no score."""

    name: str
    answers: str
    rows: int | None
    scores: list[Score | None]


PAPER = Line(
    "OpenLLaMA 3B, LoRA (arXiv 2406.02100, as printed there)", "direct", 100_000_000,
    [Score(0.44, None), None, None, Score(0.33, None), Score(0.35, None)],
)  # fmt: skip


def oracle() -> Line:
    """The search procedure, executed exactly for as many tokens as the adapter that searches may write."""
    tokens = load_recipe(RECIPES[0]).score.max_new_tokens
    splits = json.loads(ORACLE.read_text())["splits"]
    items = {split: splits[f"1m/{split}"] for split in SPLITS}
    scores = _scores({split: Score(item["by_tokens"][str(tokens)], item["n"]) for split, item in items.items()})
    return Line(f"oracle: the search procedure, executed exactly ({tokens:,} tokens)", "search", None, scores)


def measured(results: Path, name: str) -> Line:
    """The model of a recipe, from its folder below ``results``."""
    recipe, folder = load_recipe(name), results / name
    answers = "search" if recipe.score.format == "search" else "direct"
    if not folder.is_dir():
        return Line(f"`{name}`", answers, None, [None] * len(COLUMNS))
    found = json.loads((folder / "results.json").read_text())
    splits = (found["adapter"] or found)["splits"]  # an adapter beside its base, or one model
    run = json.loads((folder / "run.json").read_text())
    rows = run["recipe"]["dataset"]["rows"] or run["rows"]  # drills are not rows of the dataset
    scores = _scores({split: Score(item["pass@1"], item["n"]) for split, item in splits.items()})
    return Line(f"`{name}`", answers, rows, scores)


def million_parameters(results: Path, name: str) -> str:
    """The number of parameters of a recipe's base and adapter together, as text: ``1.8 M``."""
    return f"{json.loads((results / name / 'run.json').read_text())['parameters'] / 1e6:.1f} M"


def paper_table(results: Path) -> str:
    """The large Markdown table: the paper, the oracle, and each of RECIPES, on every split."""
    lines = [PAPER, oracle(), *(measured(results, name) for name in RECIPES)]
    absent = {PAPER.name: ""}
    cells = [[_cell(score, absent.get(line.name, NOT_MEASURED)) for score in line.scores] for line in lines]
    return _table(COLUMNS, lines, cells)


def short_table(results: Path) -> str:
    """The short Markdown table: the paper, the oracle and our measured recipes on the paper's three benchmarks."""
    ours = [measured(results, name) for name in MEASURED]
    sized = [line._replace(name=f"{line.name}, {million_parameters(results, name)}")
             for name, line in zip(MEASURED, ours, strict=True)]  # fmt: skip
    lines = [PAPER, oracle(), *sized]
    cells = [[_cell(line.scores[at], NOT_MEASURED) for at in BENCHMARKS.values()] for line in lines]
    return _table(list(BENCHMARKS), lines, cells)


def headline(results: Path) -> str:
    """The result in one sentence, and the paper's beside it."""

    def shares(line: Line, digits: int) -> str:
        found = [line.scores[at] for at in BENCHMARKS.values()]
        return " / ".join(f"{score.share:.{digits}f}" for score in found if score)

    size, ours = million_parameters(results, RECIPES[0]), measured(results, RECIPES[0])
    return (
        f"A model of {size} parameters, trained on a CPU to search before it answers, solves\n"
        f"**{shares(ours, 3)}** of the puzzles ({' / '.join(BENCHMARKS)}).\n"
        f"The paper's model of 3 B parameters solves {shares(PAPER, 2)}.\n"
    )


def _scores(found: dict[str, Score]) -> list[Score | None]:
    """A score for each of COLUMNS, from those of the splits. Both sizes weigh by their rows."""
    both = [found[split] for split in LARGER if split in found]
    together = None
    if len(both) == len(LARGER):
        n = sum(score.n for score in both)
        together = Score(sum(score.share * score.n for score in both) / n, n)
    return [found.get("test"), *(found.get(split) for split in LARGER), together, found.get("ood_form")]


def _cell(score: Score | None, absent: str) -> str:
    if score is None:
        return absent
    if score.n is None:
        return f"{score.share:.2f}"
    return f"**{score.share:.3f}** ({interval_text(score.interval)}; n={score.n:,})"


def _table(columns: list[str], lines: list[Line], cells: list[list[str]]) -> str:
    rows = [
        [line.name, line.answers, f"{line.rows:,}" if line.rows else "", *each]
        for line, each in zip(lines, cells, strict=True)
    ]
    return table(["model", "answers", "training rows", *columns], rows)
