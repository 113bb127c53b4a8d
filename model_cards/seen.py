"""The cards' table of all puzzles and equations that a model was trained on, its base included.

What is not in the table is out of distribution: more numbers, larger numbers, or other operations.
"""

from __future__ import annotations

from arith_puzzle.common.markdown import code_cell, table
from arith_puzzle.dataset_builder.search_traces import SEARCH_BOUND
from arith_puzzle.model_cards.wording import joined
from arith_puzzle.training.data.pretraining_mix import DRILL_LIMIT, PUZZLE_SIZES, PUZZLE_V, WALK_SIZES

BOUNDED = f"products and dividends up to {SEARCH_BOUND}"
SEARCHED = f"with a search; {BOUNDED}"


def seen_table(runs: dict[str, dict | None], splits: dict) -> str:
    """A Markdown table with a row for each kind of training rows.

    Args:
        runs: model -> its run.json; None for a model that this project did not train. A base comes before its adapter.
        splits: of the dataset of the runs, from its manifest.
    """
    rows = []
    for model, run in runs.items():
        if run is None:
            rows.append([model, "what its authors state", "", "", ""])
            continue
        recipe = run["recipe"]
        began = recipe["model"].get("adapter")
        if began is None and recipe.get("dataset") is None:  # a base that was trained further; an adapter's is above it
            began = recipe["model"].get("base")
        if began:
            rows.append([model, f"all that {code_cell(began.rpartition('/')[2])} saw, with which it began", "", "", ""])
        if recipe.get("drills"):
            rows += [[model, *row] for row in _drills(recipe["drills"])]
        if recipe.get("dataset"):
            rows.append([model, *_dataset(run, splits)])
    return table(["model", "trained on", "N", "numbers up to", "operations"], rows)


def _drills(drills: dict) -> list[list[str]]:
    """The rows of a pretraining mix. A run.json may lack the limit, V and the sizes: then the defaults hold."""
    rows, searches = drills["rows"], drills.get("format") == "search"
    limit = f"{drills.get('limit') or DRILL_LIMIT:,}"
    shares = ("drill_share", "walk_share", "list_share")
    equations, walks, lists = (round(rows * (drills.get(key) or 0)) for key in shares)
    found = []
    if equations:
        found.append([f"{equations:,} single equations", "", f"{limit}, also negative", "+ - * /"])
    if walks:
        sizes = f"{min(WALK_SIZES)} to {max(WALK_SIZES)}"
        found.append([f"{walks:,} fragments of searches", sizes, limit, f"+ - * /, {SEARCHED}"])
    if lists:
        found.append([f"{lists:,} lists to sort", "", limit, ""])
    if rows > equations + walks + lists:
        sizes = joined(map(str, sorted(set(drills.get("sizes") or PUZZLE_SIZES))))
        few = f", solved within {drills['attempts']} attempts" if drills.get("attempts") else ""
        operations = f"+ - * /, {SEARCHED}" if searches else "+ - * /"
        place = f"{rows - equations - walks - lists:,} puzzles of `train`{few}"
        found.append([place, sizes, f"{drills.get('v') or PUZZLE_V:,}", operations])
    return found


def _dataset(run: dict, splits: dict) -> list[str]:
    section = run["recipe"]["dataset"]
    drills = (run["recipe"].get("drills") or {}).get("rows", 0)
    rows = run["puzzles"] if "puzzles" in run else run["rows"] - drills
    place = f"{rows:,} rows of `{section['config']}/{section['split']}`"
    if section["split"] not in splits:
        return [place, "", "", ""]
    split = splits[section["split"]]
    operations = " ".join(split.get("operations") or "+-*/")
    bounded = f"; {BOUNDED}"
    hows = {"search": f", {SEARCHED}", "procedure": bounded, "first_attempt": bounded}
    how = hows.get(section.get("format"), "")
    return [place, joined(split["by_n"]), f"{split['v']:,}", operations + how]
