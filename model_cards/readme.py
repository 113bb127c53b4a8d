"""Write the result tables and the headline in README.md and docs/*.md, from ``results/`` and the oracle's scores.

    python -m arith_puzzle.model_cards.readme [--check | --take WORK NAME]

A block stands between two markers, such as ``<!-- results: begin (make readme) -->`` and ``<!-- results: end -->``, in
exactly one of the pages. With --check nothing is written, and a block that is not up to date gives exit status 1.
--take first copies the adapter's results.json and run.json from the stage in the release folder WORK to results/NAME.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE, write_text
from arith_puzzle.common.markdown import table
from arith_puzzle.evaluation.results import by_n_text, interval_text, split_rows
from arith_puzzle.metrics.audit import audit_table, suite_table, wording_table
from arith_puzzle.model_cards.paper_table import headline, paper_table, short_table
from arith_puzzle.model_cards.tables import other_scores
from arith_puzzle.model_cards.wording import describe_decoding

ROOT = PACKAGE.parent

BEGIN, END = "<!-- {}: begin (make readme) -->\n", "<!-- {}: end -->\n"


def render(results: Path) -> str:
    """A Markdown table of the releases below ``results``: a row for each model and split."""
    rows = []
    for folder in sorted(path.parent for path in results.glob("*/run.json")):
        scores, run = json.loads((folder / "results.json").read_text()), json.loads((folder / "run.json").read_text())
        if "base" not in scores:  # not a release; paper_table shows it
            continue
        base = run["parameters"] - run["trainable_parameters"]
        cost = f"{run['rows']:,} rows, {run['seconds']:.0f} s on {run['hardware']['device']}"
        for who, size, training in (
            ("base", f"{base:,}", "the base alone"),
            ("adapter", f"{run['trainable_parameters']:,} trained", cost),
        ):
            label = scores[who]["name"].split("/")[-1]
            rows += [row | {"size": size, "training": training} for row in split_rows({label: scores[who]})]
    others = other_scores(rows)
    ways = len({describe_decoding(row["decoding"]) for row in rows}) > 1
    header = ["model", "parameters", "split", "n", "pass@1", "95% interval", "by N", *others]
    lines = []
    for row in rows:
        item = row["item"]
        line = [f"`{row['label']}`", row["size"], f"`{row['place']}`", f"{item['n']:,}",
                f"**{item['pass@1']:.3f}**", interval_text(item["pass@1_ci95"]), by_n_text(item["by_n"])]  # fmt: skip
        line += [f"{item[key]:.3f}" if key in item else "" for key in others]
        line += [row["training"]] + [describe_decoding(row["decoding"])] * ways
        if line not in lines:  # releases may share a base
            lines.append(line)
    return table([*header, "training", *["settings"] * ways], lines)


def audited(results: Path) -> str:
    """The tables of `arith-puzzle audit` on stored answers, from ``audit/reasoning_gym_eval.json``."""
    files = json.loads((results / "audit" / "reasoning_gym_eval.json").read_text())["files"]
    return f"{audit_table(files)}\n{wording_table(files)}"


def scorers(results: Path) -> str:
    """The table of `arith-puzzle audit --scorer`, from ``audit/scorer_*.json``."""
    found = [json.loads(path.read_text()) for path in sorted((results / "audit").glob("scorer_*.json"))]
    return suite_table({f"`{each['scorer']}`": each["kinds"] for each in found})


ARMS = {
    "start": "the adapter before",
    "sft": "more supervised fine-tuning",
    "rft": "rejection sampling (RFT)",
    "grpo": "GRPO",
}
"""Folders of ``grpo_tiny_cpu/`` -> the trainings that they hold."""


def reinforced(results: Path) -> str:
    """The table of reinforcement learning beside other trainings, from ``grpo_tiny_cpu/``.

    A folder has the scores, greedy.json and samples.json, and of a training its run.json. That of RFT also has
    drawn.json, the scores of the samples that it selects from. Minutes are the training's CPU time over all cores, so
    that they do not depend on what else ran, and the seconds of the drawing.
    """
    lines = []
    for arm, name in ARMS.items():
        folder = results / "grpo_tiny_cpu" / arm
        found = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
        seconds = found["drawn"]["splits"]["train"]["seconds"] if "drawn" in found else 0
        if "run" in found:
            seconds += found["run"]["cpu_seconds"] / found["run"]["hardware"]["cpu_count"]
        one, many = found["greedy"]["splits"]["test"], found["samples"]["splits"]["test"]
        score = f"**{one['pass@1']:.3f}** ({interval_text(one['pass@1_ci95'])})"
        lines.append([name, f"{seconds / 60:.1f}" if seconds else "", score, f"{many['pass@8']:.3f}"])
    header = ["training", "minutes", "greedy pass@1", "pass@8"]
    return table(header, lines)


def printed(results: Path) -> str:
    """What ``make demo`` prints for each stage, from ``demo_cpu/``. The folder is that of the demo's recipe."""
    run, scores = (json.loads((results / "demo_cpu" / f"{name}.json").read_text()) for name in ("run", "results"))
    folder = f"runs/{run['recipe']['name']}"
    item = scores["adapter"]["splits"]["test"]
    low, high = item["pass@1_ci95"]
    sizes = ", ".join(f"N={n} {share:.3f}" for n, share in item["by_n"].items())
    return "\n".join([
        "```text",
        f"[1/6] build   {folder}/arith-puzzle: train 300,000, validation 1,000, test 2,000",
        f"[2/6] train   {folder}/train: {run['rows']:,} rows, {run['seconds']:.0f} s, loss {run['train_loss']:.3f}",
        f"[3/6] score   adapter on starter/test: pass@1 {item['pass@1']:.3f} [{low:.3f}, {high:.3f}], n={item['n']} "
        f"({sizes}), …",
        "[4/6] stage   …",
        "[5/6] publish …",
        "[6/6] check   all files equal the staged ones; dataset, metric, environment, models, demo and the cards' "
        "snippets work",
        "```",
        "",
    ])  # fmt: skip


def main() -> int:
    """Write the tables, or check them. Returns the exit status."""
    if sys.argv[1:2] == ["--take"]:
        work, name = sys.argv[2:]
        target = ROOT / "results" / name
        target.mkdir(parents=True, exist_ok=True)
        for file in ("results.json", "run.json"):
            shutil.copyfile(Path(work) / "stage" / "adapter" / file, target / file)
    stale = False
    blocks = {"results": render, "paper": paper_table, "headline": headline, "short": short_table,
              "audit": audited, "scorers": scorers, "grpo": reinforced, "demo": printed}  # fmt: skip
    for name, write in blocks.items():
        content = write(ROOT / "results")
        page = find_page(name, [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
        text = page.read_text(encoding="utf-8")
        filled = fill(text, name, content)
        if filled == text:
            continue
        if "--check" in sys.argv[1:]:
            print(f"{page.relative_to(ROOT)}: the block '{name}' is not up to date; run: make readme", file=sys.stderr)
            stale = True
        else:
            write_text(page, filled)
    return int(stale)


def find_page(name: str, pages: list[Path]) -> Path:
    """The page that has the markers of a table. Raises InputError if none or several have them."""
    found = [page for page in pages if BEGIN.format(name) in page.read_text(encoding="utf-8")]
    if len(found) != 1:
        marker = BEGIN.format(name).strip()
        raise InputError(f"exactly one page must have the marker {marker!r}, not {len(found)}; add or remove it")
    return found[0]


def fill(text: str, name: str, content: str) -> str:
    """The text of a page with a table between the markers of that name."""
    begin, end = BEGIN.format(name), END.format(name)
    before, rest = text.split(begin)
    return before + begin + content + end + rest.split(end, 1)[1]


if __name__ == "__main__":
    sys.exit(main())
