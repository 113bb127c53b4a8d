"""The project's plots, as PNG files. The same data give the same bytes.

A plot function returns the data that it draws, so that the numbers can be published with the picture. Backgrounds are
opaque, because pages may be dark. Colours are readable without colour vision: those of Okabe and Ito
(https://jfly.uni-koeln.de/color/) and the map cividis (https://doi.org/10.1371/journal.pone.0199239). Markers also
differ in shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.results import Results, cells, grid, split_rows
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import REPORT_ORDER

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = "osD^vPX*"
REASON_COLOURS = {
    "ok": COLOURS[2], "too_long": "#999999", "illegal_characters": "#555555", "malformed_equation": "#CC79A7",
    "malformed_expression": "#CC79A7", "wrong_equation_count": "#F0E442", "unavailable_operand": "#E69F00",
    "unused_number": "#F0E442", "division_by_zero": "#000000", "inexact_division": "#56B4E9", "wrong_result": "#D55E00",
    "wrong_target": "#0072B2", "unused_result": "#F0E442",
}  # fmt: skip
WIDTH = 8.0
"""In inches. With DPI this gives 1,280 pixels, which is sharp at the width of a card."""
DPI = 160
BLANK: dict[str, Any] = {"facecolor": "#f0f0f0", "edgecolor": "#a0a0a0", "hatch": "///"}
STYLE = {"font.family": "DejaVu Sans", "font.size": 10, "axes.titlesize": 10, "axes.grid": True, "grid.alpha": 0.3,
         "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "figure.facecolor": "white", "savefig.facecolor": "white", "legend.fontsize": 9}  # fmt: skip


def plot_loss(log: list[dict], path: Path) -> list[dict]:
    """Plot the training loss over steps, and the evaluation loss if the log has one.

    Args:
        log: "log" of ``run.json``: the trainer's records.

    Returns:
        The drawn points: [{"step", "loss" or "eval_loss"}].

    Raises:
        InputError: the log has no loss.
    """
    points = [
        {"step": record["step"], key: record[key]} for record in log for key in ("loss", "eval_loss") if key in record
    ]
    if not points:  # fewer steps than sft.logging_steps: the mean of all steps
        points = [{"step": record["step"], "loss": record["train_loss"]} for record in log if "train_loss" in record]
    if not points:
        raise InputError("the run's log has no loss; train with sft.logging_steps below the number of steps")

    def draw(figure) -> None:
        axes = figure.subplots()
        for key, name, colour in (("loss", "training", COLOURS[0]), ("eval_loss", "evaluation", COLOURS[1])):
            drawn = [point for point in points if key in point]
            if drawn:
                x, y = [point["step"] for point in drawn], [point[key] for point in drawn]
                axes.plot(x, y, color=colour, label=f"{name}, {len(drawn)} means", marker="." if len(y) < 60 else None)
        axes.set(yscale="log", xlabel="step", ylabel="loss on completions, nats per token (log scale)")
        last = points[-1]
        axes.set_title(f"Loss: {last.get('loss', last.get('eval_loss')):.3f} at step {last['step']:,}")
        axes.legend()

    _save(draw, path, height=3.6)
    return points


def plot_training(log: list[dict], folder: Path) -> tuple[str, list[dict]]:
    """Plot a training's curves to ``folder``: of reinforcement learning as ``reward.png``, of others as ``loss.png``.

    Args:
        log: "log" of ``run.json``.

    Returns:
        (name of the file, the drawn points)
    """
    if any("reward" in record for record in log):
        return "reward.png", _plot_reward(log, folder / "reward.png")
    return "loss.png", plot_loss(log, folder / "loss.png")


def _plot_reward(log: list[dict], path: Path) -> list[dict]:
    panels = {
        "rewards/reward/mean": "pass@1 of the samples",
        "reward": "mean reward",
        "completions/mean_length": "mean length, tokens",
        "frac_reward_zero_std": "groups without a signal",
        "entropy": "entropy, nats per token",
    }
    points = [{"step": record["step"]} | {key: record[key] for key in panels} for record in log if "reward" in record]
    if all(point["reward"] == point["rewards/reward/mean"] for point in points):
        del panels["reward"]  # without a second reward the two are the same

    def draw(figure) -> None:
        for axes, (key, name) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
            axes.plot([point["step"] for point in points], [point[key] for point in points], color=COLOURS[0])
            axes.set(xlabel="step", title=name)

    _save(draw, path, height=3.0)
    return points


def plot_by_n(results: Mapping[str, Results], path: Path) -> list[dict]:
    """Plot pass@1 by N with 95% Wilson intervals: a panel for each V, a marker for each label.

    Returns:
        The rows of ``arith_puzzle.evaluation.results.cells``, each with its "label".

    Raises:
        InputError: no result has a score by N.
    """
    points = [{"label": label} | cell for label, group in results.items() for cell in cells(group)]
    if not points:
        raise InputError("nothing to plot by N: no evaluation split of puzzles was scored; run arith-puzzle score")
    bounds = sorted({point["v"] for point in points})
    columns = min(len(bounds), 3)
    lines = -(-len(bounds) // columns)

    def draw(figure) -> None:
        panels = list(figure.subplots(lines, columns, sharey=True, squeeze=False).flat)
        for panel in panels[len(bounds) :]:
            panel.remove()
        for panel, v in zip(panels, bounds, strict=False):
            here = [point for point in points if point["v"] == v]
            for at, label in enumerate(results):
                drawn = [point for point in here if point["label"] == label]
                x = [point["n"] + 0.12 * (at - (len(results) - 1) / 2) for point in drawn]
                _interval_marks(panel, x, drawn, "pass@1", at, label)
            sizes = sorted({point["n"] for point in here})
            panel.set(ylim=(-0.02, 1.02), xticks=sizes, xlim=(sizes[0] - 0.6, sizes[-1] + 0.6), xlabel="N")
            panel.set_title(f"V = {v:,}\n{_n_text([point['puzzles'] for point in here])}")
            panel.grid(axis="x", visible=False)
        for line in range(lines):
            figure.axes[line * columns].set_ylabel("pass@1")
        figure.suptitle("pass@1 by N, 95% intervals (Wilson)", fontsize=11)
        _legend_below(figure, figure.axes[0])

    _save(draw, path, height=0.9 + 2.7 * lines)
    return points


def plot_reasons(results: Mapping[str, Results], path: Path) -> list[dict]:
    """Plot the share of answers for each reason of the verifier: a stacked bar for each label and split.

    Returns:
        [{"label", "split" (``config/split``), "n", "reasons"}].

    Raises:
        InputError: no result has reasons.
    """
    bars = [
        {"label": row["label"], "split": row["place"], "n": row["item"]["n"], "reasons": row["item"]["reasons"]}
        for row in split_rows(results)
        if "reasons" in row["item"]
    ]
    if not bars:
        raise InputError("nothing to plot by reason: these are not results on puzzles; score some with --task puzzle")
    met = {reason for bar in bars for reason in bar["reasons"]}
    order = [reason for reason in ("ok", *REPORT_ORDER[:-1]) if reason in met] + sorted(met - set(REPORT_ORDER))

    def draw(figure) -> None:
        axes = figure.subplots()
        left = [0.0] * len(bars)
        for at, reason in enumerate(order):
            shares = [bar["reasons"].get(reason, 0.0) for bar in bars]
            colour = REASON_COLOURS.get(reason, COLOURS[at % len(COLOURS)])
            axes.barh(range(len(bars)), shares, left=left, color=colour, label=reason, edgecolor="white", linewidth=0.6)
            left = [start + share for start, share in zip(left, shares, strict=True)]
        names = [f"{bar['label']}\n{bar['split']}, n = {bar['n']:,}" for bar in bars]
        axes.set_yticks(range(len(bars)), names, fontsize=8)
        axes.set(
            xlim=(0, 1),
            ylim=(len(bars) - 0.4, -0.6),
            xlabel="share of answers",
            title="Verdicts: ok, or the first rule that is broken",
        )
        axes.grid(axis="y", visible=False)
        _legend_below(figure, axes)

    _save(draw, path, height=1.6 + 0.45 * len(bars))
    return bars


def plot_heatmap(results: Results, path: Path, *, label: str) -> list[dict]:
    """Plot pass@1 of one model over N and V. Cells that were not measured are hatched.

    Returns:
        The rows of ``arith_puzzle.evaluation.results.cells``.

    Raises:
        InputError: no result has a score by N.
    """
    points = cells(results)
    if not points:
        raise InputError(
            "nothing to plot by N and V: no evaluation split of puzzles was scored; run arith-puzzle score"
        )
    sizes, bounds = grid(points)

    def draw(figure) -> None:
        import numpy as np
        from matplotlib import colormaps
        from matplotlib.patches import Patch, Rectangle

        axes = figure.subplots()
        values = np.full((len(bounds), len(sizes)), np.nan)
        for point in points:
            values[bounds.index(point["v"]), sizes.index(point["n"])] = point["pass@1"]
        edges = np.arange(len(sizes) + 1) - 0.5, np.arange(len(bounds) + 1) - 0.5
        for row, column in np.argwhere(np.isnan(values)):
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **BLANK, linewidth=0))
        image = axes.pcolormesh(*edges, np.ma.masked_invalid(values), cmap=colormaps["cividis"], vmin=0, vmax=1,
                                edgecolor="white", linewidth=1)  # fmt: skip
        for point in points:
            at = sizes.index(point["n"]), bounds.index(point["v"])
            low, high = point["pass@1_ci95"]
            text = f"{point['pass@1']:.2f}\n±{(high - low) / 2:.2f}\n{point['puzzles']:,}"
            colour = "black" if point["pass@1"] > 0.5 else "white"
            axes.text(*at, text, ha="center", va="center", fontsize=7.5, color=colour, linespacing=1.15)
        axes.set_xticks(range(len(sizes)), [str(n) for n in sizes])
        axes.set_yticks(range(len(bounds)), [f"{v:,}" for v in bounds])
        axes.set(xlabel="N (count of given numbers)", ylabel="V (largest given number)")
        axes.set_title(f"{label}\neach cell: pass@1, half width of its 95% interval (Wilson), n")
        axes.grid(visible=False)
        figure.legend(handles=[Patch(**BLANK, label="not measured")], loc="outside lower left")
        figure.colorbar(image, ax=axes, label="pass@1", fraction=0.03, pad=0.02)

    _save(draw, path, height=1.5 + 0.58 * len(bounds))
    return points


def plot_scaling(series: list[dict], path: Path, *, score: str = "pass@1", title: str) -> None:
    """Plot scores against training rows on a log axis, with the fits and their 95% bands within the measured range.

    If all points have the same number of rows, there is no curve. Then each series has a line of its own.

    Args:
        series: entries of "series" in scaling.json: {"name", "points", "fit"}.
        score: the key of the score in a point; ``<score>_ci95`` is its interval.
    """
    points = [point for item in series for point in item["points"]]
    sizes = {point["rows"] for point in points}
    counts = _n_text([point["n"] for point in points])
    most = max(point[f"{score}_ci95"][1] for point in points)
    top = next((each for each in (0.1, 0.25, 0.5) if most <= each), 1)

    def draw(figure) -> None:
        axes = figure.subplots()
        for at, item in enumerate(series):
            label = item["name"] + (f": {_slope_text(item['fit'])}" if item["fit"] else ": no fit")
            _interval_marks(axes, [point["rows"] for point in item["points"]], item["points"], score, at, label)
            if item["fit"]:
                rows, low, middle, high = zip(*item["fit"]["band"], strict=True)
                colour = COLOURS[at % len(COLOURS)]
                axes.plot(rows, middle, color=colour)
                axes.fill_between(rows, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.set(xscale="log", ylim=(-0.02 * top, 1.02 * top), xlabel="training rows (log scale)", ylabel=score)
        axes.set_title(f"{title}\n{counts}; bars: 95% Wilson intervals; band: 95% interval of the fitted line")
        _legend_below(figure, axes, columns=1)

    def draw_lines(figure) -> None:
        axes = figure.subplots()
        for at, item in enumerate(series):
            values = [point[score] for point in item["points"]]
            axes.errorbar(values, [at] * len(values), xerr=_errors(item["points"], score), linestyle="none", marker="o",
                          markersize=5, capsize=3, color=COLOURS[0])  # fmt: skip
        axes.set_yticks(range(len(series)), [item["name"] for item in series])
        axes.set(xlim=(-0.02 * top, 1.02 * top), ylim=(len(series) - 0.4, -0.6), xlabel=score)
        axes.set_title(f"{title}, {min(sizes):,} training rows\n{counts}; bars: 95% Wilson intervals")

    if len(sizes) == 1:
        _save(draw_lines, path, height=1.4 + 0.3 * len(series))
    else:
        _save(draw, path, height=3.9 + 0.2 * len(series))


def _slope_text(fit: dict) -> str:
    low, high = fit["slope_ci95"]
    return f"{fit['slope_per_decade']:+.3f} [{low:+.3f}, {high:+.3f}] per tenfold increase in rows"


def _n_text(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return f"n = {low:,} per point" if low == high else f"n = {low:,} to {high:,} per point"


def _interval_marks(axes, x: list[float], points: list[dict], score: str, at: int, label: str) -> None:
    y = [point[score] for point in points]
    axes.errorbar(x, y, yerr=_errors(points, score), linestyle="none", marker=MARKERS[at % len(MARKERS)], markersize=5,
                  capsize=3, color=COLOURS[at % len(COLOURS)], label=label)  # fmt: skip


def _errors(points: list[dict], score: str) -> list[list[float]]:
    """Return [distances from the points down to the intervals' lower ends, and up to their upper ends]."""
    below = [max(point[score] - point[f"{score}_ci95"][0], 0) for point in points]
    return [below, [max(point[f"{score}_ci95"][1] - point[score], 0) for point in points]]


def _legend_below(figure, axes, columns: int = 3) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def _save(draw: Callable, path: Path, *, height: float) -> None:
    """Draw a figure and write it. The user's matplotlib settings, the display and the date have no effect."""
    try:
        from matplotlib import style
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("plots need matplotlib; run: pip install matplotlib") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.tmp")
    with style.context(["default", STYLE]):
        figure = Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        figure.savefig(partial, format="png", metadata={"Software": None})
    partial.rename(path)
