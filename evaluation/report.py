"""Write a report of scores: ``report.md`` with tables, plots, and ``report.json`` with the data of both."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import read_json, write_json, write_text
from arith_puzzle.common.markdown import code_cell, table
from arith_puzzle.evaluation.plots import plot_by_n, plot_heatmap, plot_reasons, plot_training
from arith_puzzle.evaluation.results import Results, by_n_text, cells, interval_text, sampled, split_rows
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import REPORT_ORDER
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, verify
from arith_puzzle.metrics.read_answers import read_answers

CAPTIONS = {
    "by_n": "pass@1 by N with 95% Wilson intervals, a panel for each V",
    "heatmap": "pass@1 over N and V, with half the width of its 95% interval and n; hatched cells are not measured",
    "reasons": "share of answers for each verdict",
    "loss": "training loss over steps",
    "reward": "pass@1 of the samples, their length, the share of groups without a signal, and the entropy, over steps",
}
"""Plot -> its text for readers who cannot see it."""


def report(results: Mapping[str, Results], out: Path, *, run: dict | None = None) -> dict:
    """Write ``report.md``, ``report.json`` and the plots to the folder ``out``.

    Args:
        results: label -> the content of a results.json, or of several for one model on different configs.
        run: the content of the training's run.json; adds its loss and a table.

    Returns:
        The content of report.json: {"tables": {title: Markdown}, "plots": {file: data}}.

    Raises:
        InputError: the results contradict each other, ``out`` is not writable or has a report of something else, or
            matplotlib is missing.
    """
    earlier = out / "report.json"
    if earlier.exists() and set(read_json(earlier)) != {"tables", "plots"}:
        raise InputError(f"{earlier} is not a report of this command; give another --out")
    if (out / "report.md").exists() and not earlier.exists():
        raise InputError(f"{out} has a report.md of something else; give another --out")
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
            name, drawn = plot_training(run["log"], out)
            plots[name] = drawn
        tables = {"Scores": score_table(results)}
        if "reasons.png" in plots:
            tables["Verdicts"] = reason_table(results)
        paired = paired_table(results)
        if paired:
            tables["Pairs"] = paired
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


def score_table(results: Mapping[str, Results]) -> str:
    """Return the table of scores: n, pass@1 with its interval and by N; lenient pass@1, pass@k, maj1@k if measured."""
    rows = split_rows(results)
    others = sorted({key for row in rows for key in sampled(row["item"])}, key=lambda key: (key[0], len(key), key))
    lenient = any("pass@1_lenient" in row["item"] for row in rows)
    header = ["model", "split", "decoding", "n", "pass@1", "95% interval", "by N"]
    header += ["lenient pass@1"] * lenient + others
    lines = []
    for row in rows:
        item = row["item"]
        line = [code_cell(row["label"]), code_cell(row["place"]), decoding_text(row["decoding"]), f"{item['n']:,}"]
        line += [f"**{item['pass@1']:.3f}**", interval_text(item["pass@1_ci95"]), by_n_text(item.get("by_n", {}))]
        if lenient:
            line.append(_number(item.get("pass@1_lenient"), item.get("pass@1_lenient_ci95")))
        lines.append(line + [_number(item.get(key), item.get(f"{key}_ci95")) for key in others])
    return table(header, lines)


def reason_table(results: Mapping[str, Results]) -> str:
    """Return the table of verdicts: the share of answers for each reason that occurs."""
    rows = [row for row in split_rows(results) if "reasons" in row["item"]]
    present = {reason for row in rows for reason in row["item"]["reasons"]}
    order = [reason for reason in REPORT_ORDER if reason in present] + sorted(present - set(REPORT_ORDER))
    lines = [
        [code_cell(row["label"]), code_cell(row["place"]), f"{row['item']['n']:,}"]
        + [f"{row['item']['reasons'].get(reason, 0):.1%}" for reason in order]
        for row in rows
    ]
    return table(["model", "split", "n", *[f"`{reason}`" for reason in order]], lines)


def paired_table(results: Mapping[str, Results]) -> str:
    """Return the table of paired tests: any two models on the same rows of a split, or "" if there are none.

    A pair needs the answers of both, ``generations-<split>.jsonl`` beside results.json, one for each puzzle. The
    p-value is McNemar's, exact: under the hypothesis that both models are equally good, each row that only one of them
    solves is equally likely to be of either. Two models that answered different rows are not compared.
    """
    lines = []
    rows = [(row, verdicts(row)) for row in split_rows(results)]
    for at, (one, first) in enumerate(rows):
        for other, second in rows[at + 1 :]:
            if one["place"] != other["place"] or not first or not second:
                continue
            line = [code_cell(each) for each in (one["label"], other["label"], one["place"])]
            if differing(first, second):
                lines.append([*line, f"{len(first):,} / {len(second):,}", "different rows: not compared", "", "", ""])
                continue
            wins, losses, difference, p = paired(first, second)
            lines.append([*line, f"{len(first):,}", f"{difference:+.3f}", f"{wins:,}", f"{losses:,}", p_text(p)])
    header = ["A", "B", "split", "n", "A - B", "only A", "only B", "p (McNemar, exact)"]
    return table(header, lines) if lines else ""


def mcnemar(wins: int, losses: int) -> float:
    """The two-sided p-value of McNemar's exact test: a binomial test of ``wins`` among wins and losses, at 1/2."""
    n, least = wins + losses, min(wins, losses)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(least + 1)) / 2**n)


def paired(first: list[tuple[tuple, bool]], second: list[tuple[tuple, bool]]) -> tuple[int, int, float, float]:
    """Compare two lists of `verdicts` on the same puzzles.

    Returns:
        (puzzles that only the first solves, puzzles that only the second solves, difference of pass@1, p of `mcnemar`)
    """
    both = [(a, b) for (_, a), (_, b) in zip(first, second, strict=True)]
    wins, losses = both.count((True, False)), both.count((False, True))
    return wins, losses, (wins - losses) / len(both), mcnemar(wins, losses)


def p_text(p: float) -> str:
    """A p-value as text. A float cannot hold the smallest ones."""
    return f"{p:.2g}" if p >= 1e-99 else "< 1e-99"


def differing(first: list[tuple[tuple, bool]], second: list[tuple[tuple, bool]]) -> bool:
    """Whether two lists of `verdicts` are of different puzzles, or of the same ones in another order."""
    return [puzzle for puzzle, _ in first] != [puzzle for puzzle, _ in second]


def verdicts(row: dict) -> list[tuple[tuple, bool]]:
    """Judge the answers to a split, which lie beside results.json.

    Args:
        row: one of ``arith_puzzle.evaluation.results.split_rows``.

    Returns:
        (puzzle, whether it is solved) for each row; empty if the answers are not there, or are not to puzzles. A puzzle
        is (numbers, target, rules).
    """
    path = Path(row["folder"] or "") / f"generations-{row['split']}.jsonl"
    if not row["folder"] or not path.is_file():
        return []
    found = []
    for _, answer, fault in read_answers(path):
        if answer is None or fault or "response" not in answer:
            return []
        numbers, target, rules = answer["numbers"], answer["target"], rules_of(answer)
        solved = verify(numbers, target, answer["response"], **rules).correct
        found.append(((tuple(numbers), target, *rules.items()), solved))
    return found


def cost_table(results: Mapping[str, Results]) -> str:
    """Return the table of costs: throughput and hardware of each split, as far as they are recorded."""
    lines = []
    for row in split_rows(results):
        item, decoding = row["item"], row["decoding"]
        machine = _machine(row["hardware"])
        rates = [_rate(item.get(key)) for key in ("answers_per_second", "tokens_per_second", "seconds")]
        lines.append([code_cell(row["label"]), code_cell(row["place"]), *rates,
                      str(decoding.get("batch_size") or ""), decoding.get("dtype") or "", machine])  # fmt: skip
    return table(["model", "split", "answers/s", "tokens/s", "seconds", "batch", "dtype", "hardware"], lines)


def training_table(run: dict) -> str:
    """Return the table of the training: rows, steps, parameters, seconds, mean loss and hardware."""
    machine = _machine(run["hardware"])
    steps = max(record.get("step", 0) for record in run["log"])
    drawn = "rows" if "rows" in run else "samples"  # samples of reinforcement learning
    line = [f"{run[drawn]:,}", f"{steps:,}", f"{run['trainable_parameters']:,} of {run['parameters']:,}",
            f"{run['seconds']:,.0f}", f"{run['train_loss']:.3f}", machine]  # fmt: skip
    return table([drawn, "steps", "trained parameters", "seconds", "mean loss", "hardware"], [line])


def decoding_text(decoding: dict) -> str:
    """Return how a model was asked, as text: ``symbolic, greedy, 0-shot``. Missing values are left out."""
    parts = [decoding.get("format"), decoding.get("strategy")]
    if decoding.get("samples", 1) > 1:
        parts.append(f"{decoding['samples']} samples")
    if "shots" in decoding:
        parts.append(f"{decoding['shots']}-shot")
    parts += [key.replace("_", " ") for key in ("chain_of_thought", "chat") if decoding.get(key)]
    return ", ".join(str(part) for part in parts if part)


def _machine(hardware: dict) -> str:
    """Return the hardware as text: ``cpu_count 2, device cpu``. Results of old versions have none."""
    known = [f"{key} {value}" for key, value in sorted(hardware.items()) if value is not None]
    return ", ".join(known) or "not recorded"


def _number(value: float | None, interval: list[float] | None = None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" + (f" ({interval_text(interval)})" if interval else "")


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def read_run(path: Path | None) -> dict | None:
    """Read a training's run.json; None gives None. Raises InputError if it cannot be read or has no log."""
    if path is None:
        return None
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; give a run.json of arith-puzzle train") from None
    if not isinstance(run, dict) or "log" not in run:
        raise InputError(f"{path} has no log of a training; give a run.json of arith-puzzle train")
    return run
