"""The README's results, out of ``results/``: python -m arith_puzzle.model_cards.readme [--take WORK NAME | --check]

``results/<name>/`` holds what a release run wrote: the adapter repo's results.json and run.json, which --take copies
out of a release's folder. The blocks between the markers of README.md are rendered from them; with --check nothing
is written and a stale block is status 1.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.evaluation.results import by_n_text, interval_text, split_rows, table
from arith_puzzle.model_cards.paper_table import paper_table
from arith_puzzle.model_cards.tables import other_scores
from arith_puzzle.model_cards.wording import asked

ROOT = PACKAGE.parent

BLOCKS = {name: (f"<!-- {name}: begin (make readme) -->\n", f"<!-- {name}: end -->\n") for name in ("results", "paper")}


def render(results: Path) -> str:
    """The block's Markdown: one table row per model, split and run below ``results``."""
    rows = []
    for folder in sorted(path.parent for path in results.glob("*/run.json")):
        scores, run = json.loads((folder / "results.json").read_text()), json.loads((folder / "run.json").read_text())
        if "base" not in scores:  # no release; paper_table shows it
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
    ways = len({asked(row["decoding"]) for row in rows}) > 1
    header = ["model", "parameters", "split", "n", "pass@1", "95% interval", "by N", *others]
    lines = []
    for row in rows:
        item = row["item"]
        line = [f"`{row['label']}`", row["size"], f"`{row['place']}`", f"{item['n']:,}",
                f"**{item['pass@1']:.3f}**", interval_text(item["pass@1_ci95"]), by_n_text(item["by_n"])]  # fmt: skip
        line += [f"{item[key]:.3f}" if key in item else "" for key in others]
        lines.append(line + [row["training"]] + [asked(row["decoding"])] * ways)
    return table([*header, "training", *["asked"] * ways], lines)


def main() -> int:
    """Rewrite README.md, or check it; returns the exit status."""
    readme = ROOT / "README.md"
    if sys.argv[1:2] == ["--take"]:
        work, name = sys.argv[2:]
        target = ROOT / "results" / name
        target.mkdir(parents=True, exist_ok=True)
        for file in ("results.json", "run.json"):
            shutil.copyfile(Path(work) / "stage" / "adapter" / file, target / file)
    text = readme.read_text(encoding="utf-8")
    for name, content in (("results", render(ROOT / "results")), ("paper", paper_table(ROOT / "results"))):
        begin, end = BLOCKS[name]
        before, rest = text.split(begin)
        text = before + begin + content + end + rest.split(end)[1]
    if "--check" in sys.argv[1:]:
        if text != readme.read_text(encoding="utf-8"):
            print("README.md: the results are stale; run: make readme", file=sys.stderr)
            return 1
        return 0
    readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
