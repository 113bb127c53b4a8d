"""Write what `publish --dry-run` prints into docs/publishing.md, from a release on this machine.

    python -m docs.transcript demo_cpu runs/arith-puzzle-arith-tiny-demo-lora

`make transcript` makes the release first. The Hub is an empty local one. Of each list only the beginning is shown.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import HfApi

from arith_puzzle.common.files import PACKAGE, write_text
from arith_puzzle.local_hub import running
from arith_puzzle.model_cards.shipped import published_with
from arith_puzzle.release.pipeline import Work
from arith_puzzle.release.publish import publish
from arith_puzzle.release.stage import stage
from arith_puzzle.training.recipe import Recipe, load_recipe

PAGE = PACKAGE.parent / "docs" / "publishing.md"
NAMESPACE = "your-name"
SHOWN = 3
"""How many lines of each list are shown."""
REPOS = 2
"""How many repos are shown."""


def dry_run(recipe: Recipe, *, dataset: Path, run: Path, scores: Path) -> list[str]:
    """The lines that ``publish --dry-run`` prints for a release that is new to the Hub."""
    said: list[str] = []
    with TemporaryDirectory() as folder:
        hub_root = Path(folder) / "hub"
        hub_root.mkdir()
        (hub_root / "tokens.json").write_text(json.dumps({"hf_mine": {"name": NAMESPACE, "role": "write"}}))
        out, along = Path(folder) / "stage", published_with(recipe)
        staged = stage(recipe, NAMESPACE, dataset=dataset, run=run, scores=scores, out=out, along=along)
        with running(hub_root) as hub:
            publish(staged, HfApi(endpoint=hub.endpoint, token="hf_mine"), dry_run=True, announce=said.append)
    return [*said, "dry run: nothing was changed"]


def shortened(lines: list[str]) -> list[str]:
    """The first REPOS repos and the collection, with SHOWN lines of each list; `...` stands for the rest."""
    starts = [at for at, line in enumerate(lines) if not line.startswith(" ")]
    *repos, collection, end = [lines[a:b] for a, b in itertools.pairwise([*starts, len(lines)])]
    shown = []
    for line in itertools.chain(*repos[:REPOS], ["..."], collection, end):
        listed = list(itertools.takewhile(lambda each: each.startswith("    "), reversed(shown)))
        if len(listed) < SHOWN or not line.startswith("    "):
            shown.append(line)
        elif len(listed) == SHOWN:
            shown.append("    ...")
    return shown


def filled(page: str, lines: list[str]) -> str:
    """The page with the dry run of ``lines``, and with what a second release says about its first repo."""
    first = lines[: next(at for at, line in enumerate(lines) if line.startswith("  tag ")) + 1]
    count = sum(line.startswith("    ") for line in first)
    again = [first[0].partition(", new")[0] + ", public)", f"  main: nothing to change, {count} files",
             first[-1].replace(": new", ": published")]  # fmt: skip
    for name, shown, indent in (("dry run", shortened(lines), 3), ("again", again, 2)):
        text = "".join(" " * indent + line + "\n" for line in ["```text", *shown, "```"])
        block = re.compile(rf"(<!-- {name}: begin .*-->\n).*?( *<!-- {name}: end -->)", re.DOTALL)
        page, found = block.subn(lambda marks, text=text: marks[1] + text + marks[2], page)
        assert found == 1, name
    return page


def main() -> None:
    """Fill the page."""
    recipe, work = load_recipe(sys.argv[1]), Work(Path(sys.argv[2]))
    lines = dry_run(recipe, dataset=work.dataset, run=work.run, scores=work.scores)
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), lines))


if __name__ == "__main__":
    main()
