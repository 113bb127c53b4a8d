"""A report of what was measured: tables with n and 95% intervals, and plots, as PNG and as data.

python -m arith_puzzle.evaluation.report --results A/results.json B/results.json --run RUN/run.json --out DIR

Writes the plots, ``report.json`` (the data that each of them shows), and ``report.md``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_json, write_text
from arith_puzzle.evaluation.plots import plot_by_n, plot_heatmap, plot_loss, plot_reasons
from arith_puzzle.evaluation.results import (
    Results,
    by_n_text,
    cells,
    interval_text,
    sampled,
    split_rows,
    table,
)
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import REPORT_ORDER

__all__ = ["plot_by_n", "plot_heatmap", "plot_loss", "plot_reasons", "report"]


def report(results: dict[str, Results], out: Path, *, run: dict | None = None) -> dict:
    """Write report.md, its plots and report.json to ``out``.

    Args:
        results: label -> results.json, or several of one model on different configs.
        run: the training's run.json.

    Returns:
        {"tables": {title: Markdown}, "plots": {file: data}}, which is also report.json.

    Raises:
        InputError: results that contradict themselves, no room in ``out``, or no matplotlib.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        plots = {}
        mapped = {label: group for label, group in results.items() if cells(group)}
        if mapped:
            plots["by_n.png"] = plot_by_n(mapped, out / "by_n.png")
        for label, group in mapped.items():
            name = f"heatmap-{re.sub(r'[^a-z0-9]+', '-', label.lower()).strip('-')}.png"
            plots[name] = plot_heatmap(group, out / name, label=label)
        if any("reasons" in row["item"] for row in split_rows(results)):
            plots["reasons.png"] = plot_reasons(results, out / "reasons.png")
        if run:
            plots["loss.png"] = plot_loss(run["log"], out / "loss.png")
        tables = {"Scores": score_table(results)}
        if "reasons.png" in plots:
            tables["Verdicts"] = reason_table(results)
        tables["Cost"] = cost_table(results)
        if run:
            tables["Training"] = training_table(run)
        record = {"tables": tables, "plots": plots}
        pictures = "\n".join(f"![{CAPTIONS[name.split('-')[0].removesuffix('.png')]}]({name})\n" for name in plots)
        text = "".join(f"## {title}\n\n{body}\n" for title, body in tables.items())
        write_text(out / "report.md", f"# Report\n\n{text}## Plots\n\n{pictures}")
        write_json(out / "report.json", record)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; give another --out") from None
    return record


CAPTIONS = {
    "by_n": "pass@1 by N with 95% Wilson intervals, a panel per V",
    "heatmap": "pass@1 over N and V with half of its 95% interval and n; hatched cells are not measured",
    "reasons": "share of answers for each verdict",
    "loss": "training loss over steps",
}


def score_table(results: dict[str, Results]) -> str:
    """n, pass@1, its interval, pass@1 by N; lenient, pass@k and maj1@k where some split has them."""
    rows = split_rows(results)
    others = sorted({key for row in rows for key in sampled(row["item"])}, key=lambda key: (key[0], len(key), key))
    lenient = any("pass@1_lenient" in row["item"] for row in rows)
    header = ["model", "split", "asked", "n", "pass@1", "95% interval", "by N"]
    header += ["lenient pass@1"] * lenient + others
    lines = []
    for row in rows:
        item = row["item"]
        line = [f"`{row['label']}`", f"`{row['place']}`", _asked(row["decoding"]), f"{item['n']:,}"]
        line += [f"**{item['pass@1']:.3f}**", interval_text(item["pass@1_ci95"]), by_n_text(item.get("by_n", {}))]
        if lenient:
            line.append(_number(item.get("pass@1_lenient"), item.get("pass@1_lenient_ci95")))
        lines.append(line + [_number(item.get(key), item.get(f"{key}_ci95")) for key in others])
    return table(header, lines)


def reason_table(results: dict[str, Results]) -> str:
    """The share of answers for each reason that occurs."""
    rows = [row for row in split_rows(results) if "reasons" in row["item"]]
    met = {reason for row in rows for reason in row["item"]["reasons"]}
    order = [reason for reason in REPORT_ORDER if reason in met] + sorted(met - set(REPORT_ORDER))
    lines = [
        [f"`{row['label']}`", f"`{row['place']}`", f"{row['item']['n']:,}"]
        + [f"{row['item']['reasons'].get(reason, 0):.1%}" for reason in order]
        for row in rows
    ]
    return table(["model", "split", "n", *[f"`{reason}`" for reason in order]], lines)


def cost_table(results: dict[str, Results]) -> str:
    """Throughput of the answers, and what they ran on, as far as the results say."""
    lines = []
    for row in split_rows(results):
        item, decoding = row["item"], row["decoding"]
        machine = _machine(row["hardware"])
        rates = [_rate(item.get(key)) for key in ("answers_per_second", "tokens_per_second", "seconds")]
        lines.append([f"`{row['label']}`", f"`{row['place']}`", *rates,
                      str(decoding.get("batch_size", "")), str(decoding.get("dtype", "")), machine])  # fmt: skip
    return table(["model", "split", "answers/s", "tokens/s", "seconds", "batch", "dtype", "hardware"], lines)


def training_table(run: dict) -> str:
    """What the training was: rows, steps, parameters, seconds, machine, mean loss."""
    machine = _machine(run["hardware"])
    steps = max(record.get("step", 0) for record in run["log"])
    line = [f"{run['rows']:,}", f"{steps:,}", f"{run['trainable_parameters']:,} of {run['parameters']:,}",
            f"{run['seconds']:,.0f}", f"{run['train_loss']:.3f}", machine]  # fmt: skip
    return table(["rows", "steps", "trained parameters", "seconds", "mean loss", "hardware"], [line])


def _asked(decoding: dict) -> str:
    """``symbolic, greedy, 0-shot``; what is not said is left out."""
    parts = [decoding.get("format"), decoding.get("strategy")]
    if decoding.get("samples", 1) > 1:
        parts.append(f"{decoding['samples']} samples")
    if "shots" in decoding:
        parts.append(f"{decoding['shots']}-shot")
    parts += [said for key, said in (("chain_of_thought", "chain of thought"), ("chat", "chat")) if decoding.get(key)]
    return ", ".join(str(part) for part in parts if part)


def _machine(hardware: dict) -> str:
    """``device cpu, cpu_count 2``; results of older versions say nothing."""
    known = [f"{key} {value}" for key, value in sorted(hardware.items()) if value is not None]
    return ", ".join(known) or "not recorded"


def _number(value: float | None, interval: list[float] | None = None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" + (f" ({interval_text(interval)})" if interval else "")


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def read_run(path: Path | None) -> dict | None:
    if path is None:
        return None
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; give a run.json of arith-puzzle train") from None
    if not isinstance(run, dict) or "log" not in run:
        raise InputError(f"{path} holds no training's log; give a run.json of arith-puzzle train")
    return run
