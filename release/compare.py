"""Compare the models of a release, and other models, on the same rows: the demo's table, and notes with scores.

The numbers are those of the answers that lie beside each results.json. A model that answered other rows is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.markdown import code
from arith_puzzle.evaluation.report import decoding_text, differing, paired, verdicts
from arith_puzzle.evaluation.results import RESULTS, interval_text, load_results, split_rows
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval

MAX_NOTE = 500
"""Maximum number of characters of a note in a collection on the Hub."""
REMEDY = "score it with the dataset and the limit of the release, one answer for each row, on"


def read_others(folders: Sequence[Path]) -> list[tuple[str, dict]]:
    """(name, results) of each folder.

    Args:
        folders: each is a folder that ``arith-puzzle score`` wrote, or the results.json in it.

    Raises:
        InputError: a folder has no results.
    """
    named = load_results([folder / RESULTS if folder.is_dir() else folder for folder in folders])
    return [(name, results) for name, group in named.items() for results in group]


def compare(released: Mapping[str, dict], scores: Path, folders: Sequence[Path] = ()) -> list[dict]:
    """Compare all models with the adapter, on each split of the release.

    Args:
        released: the results of "base" and "adapter", with the names to show.
        scores: the folder with their answers, in ``base/`` and ``adapter/``.
        folders: those of `read_others`. Each must have answers to the rows of the first split; the other splits are
            compared where it has them.

    Returns:
        [{"place": "config/split", "n", "models": the best one first}]. A model is {"name", "kind": "base", "adapter"
        or "other", "asked": how it was asked, as text, "pass@1", "pass@1_ci95", "by_n": {N: {"pass@1", "ci95", "n"}},
        "pair": None for the adapter, else {"difference", "only_model", "only_adapter", "p"}}. "difference" is the
        model's pass@1 less the adapter's; "p" is McNemar's, exact.

    Raises:
        InputError: a folder has no results, or no answers to the rows that the adapter answered.
    """
    others = read_others(folders)
    found: list[dict] = []
    for split, item in released["adapter"]["splits"].items():
        place = f"{released['adapter']['config']}/{split}"
        answered = []
        for who, one in released.items():
            row = {"split": split, "item": item, "decoding": one.get("decoding", {}), "folder": str(scores / who)}
            answered.append((who, one["name"].rpartition("/")[2], row, verdicts(row)))
        adapter = next(solved for who, _, _, solved in answered if who == "adapter")
        for name, results in others:
            row = next((row for row in split_rows({name: results}) if row["split"] == split), None)
            if row:
                answered.append(("other", name, row, _on_same_rows(row, place, adapter)))
            elif not found:
                raise InputError(f"--compare: {results['folder']} has no scores on the split {split}; {REMEDY} {place}")
        models = [_model(*each, adapter) for each in answered if each[-1] and not differing(each[-1], adapter)]
        models.sort(key=lambda model: -model["pass@1"])
        found.append({"place": place, "n": len(adapter), "models": models})
    return found


def _on_same_rows(row: dict, place: str, adapter: list) -> list:
    """The verdicts of another model, which must have answered the adapter's rows. ``row`` is one of `split_rows`."""
    solved, folder, split = verdicts(row), row["folder"], row["split"]
    if not solved:
        fault = f"has no answers to judge in generations-{split}.jsonl"
    elif differing(solved, adapter):
        fault = f"answered other rows of {split} than the release ({len(solved):,} / {len(adapter):,})"
    elif abs(sum(right for _, right in solved) / len(solved) - row["item"].get("pass@1", -1)) > 1e-6:
        fault = "has answers and results.json that do not agree"
    else:
        return solved
    raise InputError(f"--compare: {folder} {fault}; {REMEDY} {place}")


def _model(kind: str, name: str, row: dict, solved: list, adapter: list) -> dict:
    counts = Counter(len(puzzle[0]) for puzzle, _ in solved)
    rights = Counter(len(puzzle[0]) for puzzle, right in solved if right)
    by_n = {
        str(n): {"pass@1": rights[n] / count, "ci95": list(wilson_interval(rights[n], count)), "n": count}
        for n, count in sorted(counts.items())
    }
    pair = None
    if kind != "adapter":
        wins, losses, difference, p = paired(solved, adapter)
        pair = {"difference": difference, "only_model": wins, "only_adapter": losses, "p": p}
    right = rights.total()
    return {"name": name, "kind": kind, "asked": decoding_text(row["decoding"]), "pass@1": right / len(solved),
            "pass@1_ci95": list(wilson_interval(right, len(solved))), "by_n": by_n, "pair": pair}  # fmt: skip


def with_scores(notes: Mapping[str, str], compared: list[dict]) -> dict[str, str]:
    """The notes of a collection with pass@1 on the first split: each model's own, and in the demo's those of the table.

    Args:
        notes: repo kind -> what the repo is.
        compared: from `compare`. The demo's note lists as many of its models as there is room for.
    """
    first = next((table for table in compared if table["models"]), None)
    if first is None:
        return dict(notes)
    models, found = first["models"], dict(notes)
    scores = [f"{model['pass@1']:.3f} ({interval_text(model['pass@1_ci95'])})" for model in models]
    where = f"on {first['place']}, n={first['n']:,}"
    for model, score in zip(models, scores, strict=True):
        for kind in {"base": ["base"], "adapter": ["adapter", "merged"]}.get(model["kind"], []):
            found[kind] += f". pass@1 {score} {where}"
    text = f"{notes['demo']}. The tab Results has the table of {len(models)} models, with paired tests. pass@1 {where}:"
    lines = [f" {code(model['name'])} {score}" for model, score in zip(models, scores, strict=True)]
    fits = [";".join([*lines[:shown], *[" …"] * (shown < len(lines))]) for shown in range(len(lines) + 1)]
    found["demo"] = text + max((each for each in fits if len(text + each) <= MAX_NOTE), key=len)
    return found
