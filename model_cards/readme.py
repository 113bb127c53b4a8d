"""The README's results, out of ``results/``: python -m model_cards.readme [--take WORK NAME | --check]

``results/<name>/`` holds what a release run wrote: the adapter repo's results.json and run.json, which --take copies
out of a release's folder. The block between the two markers of README.md is rendered from them; with --check nothing
is written and a stale block is status 1.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from training.recipe import ROOT

BEGIN, END = "<!-- results: begin (make readme) -->\n", "<!-- results: end -->\n"


def render(results: Path) -> str:
    """The block's Markdown: one table row per model, split and run below ``results``."""
    lines = [
        "| model | parameters | split | n | pass@1 | 95% interval | by N | training |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for folder in sorted(path.parent for path in results.glob("*/results.json")):
        scores, run = json.loads((folder / "results.json").read_text()), json.loads((folder / "run.json").read_text())
        for who in ("base", "adapter"):
            for split, item in scores[who]["splits"].items():
                low, high = item["pass@1_ci95"]
                by_n = ", ".join(f"N={n}: {value:.3f}" for n, value in item["by_n"].items())
                trained = run["trainable_parameters"] if who == "adapter" else None
                cost = f"{run['rows']:,} rows, {run['seconds']:.0f} s on {run['hardware']['device']}"
                name = scores[who]["name"].split("/")[-1]
                lines.append(
                    f"| `{name}` | {f'{trained:,} trained' if trained else f'{_base_size(run):,}'} "
                    f"| `{scores[who]['config']}/{split}` | {item['n']:,} | **{item['pass@1']:.3f}** "
                    f"| {low:.3f} to {high:.3f} | {by_n} | {cost if trained else 'the base alone'} |"
                )
    return "\n".join(lines) + "\n"


def _base_size(run: dict) -> int:
    return run["parameters"] - run["trainable_parameters"]


def main() -> int:
    """Rewrite README.md, or check it; returns the exit status."""
    readme = ROOT / "README.md"
    if sys.argv[1:2] == ["--take"]:
        work, name = sys.argv[2:]
        target = ROOT / "results" / name
        target.mkdir(parents=True, exist_ok=True)
        for file in ("results.json", "run.json"):
            shutil.copyfile(Path(work) / "stage" / "adapter" / file, target / file)
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    text = before + BEGIN + render(ROOT / "results") + END + after
    if "--check" in sys.argv[1:]:
        if text != readme.read_text(encoding="utf-8"):
            print("README.md: the results are stale; run: make readme", file=sys.stderr)
            return 1
        return 0
    readme.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
