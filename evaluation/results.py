"""What results.json files say, as flat rows for tables and plots: the one place that knows how they are laid out.

A file holds the results of ``arith_puzzle.evaluation.score`` for one model and one config, or a mapping of such (a release's base and
adapter). ``Results`` below is one of them, or several of the same model on different configs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.configs import CONFIGS, SplitSpec
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval

Results = dict | list[dict]
BUDGETS = {"batch_size", "max_new_tokens"}
"""Of a decoding: what long puzzles need more or less of, without being asked in another way."""


def load_results(paths: list[str | Path]) -> dict[str, list[dict]]:
    """Label -> the results of one model, out of files; what differs only in the config stands under one label.

    A label is the last part of the results' name; where two models share it, or one was asked in two ways, the
    decoding's differing values follow.

    Raises:
        InputError: a file that cannot be read, is not JSON, or holds no results.
    """
    found: list[dict] = []
    for path in map(Path, paths):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(
                f"cannot read {path}: {error.strerror}; give a results.json of arith-puzzle score"
            ) from None
        except ValueError as error:
            raise InputError(f"{path} is not JSON: {error}; give a results.json of arith-puzzle score") from None
        parts = [content] if isinstance(content, dict) and "splits" in content else content
        parts = list(parts.values()) if isinstance(parts, dict) else parts
        if not parts or not all(isinstance(part, dict) and part.get("splits") and "name" in part for part in parts):
            raise InputError(f"{path} holds no results; give a results.json of arith-puzzle score")
        found += parts
    models: dict[str, list[dict]] = {}
    for results in found:
        models.setdefault(json.dumps(_model(results), sort_keys=True), []).append(results)
    names = [str(group[0]["name"]).rstrip("/").split("/")[-1] for group in models.values()]
    asked = [group[0].get("decoding", {}) for group in models.values()]
    keys = sorted(set().union(*asked) - BUDGETS)
    differing = [key for key in keys if len({json.dumps(each.get(key)) for each in asked}) > 1]
    labels: dict[str, list[dict]] = {}
    for name, decoding, group in zip(names, asked, models.values(), strict=True):
        same = names.count(name) > 1
        more = [f"{key} {decoding[key]}" for key in differing if same and key in decoding]
        label = ", ".join([name, *more])
        if label in labels:
            label += f" ({len(labels) + 1})"
        labels[label] = group
    return labels


def split_rows(results: dict[str, Results]) -> list[dict]:
    """A row per label, config and split: {"label", "config", "split", "place", "decoding", "hardware", "item"}.

    "place" is ``config/split``, or the split alone where the data has no configs.
    """
    return [
        {"label": label, "config": one.get("config"), "split": split,
         "place": f"{one['config']}/{split}" if one.get("config") else split, "decoding": one.get("decoding", {}),
         "hardware": one.get("hardware") or {}, "item": item}
        for label, group in results.items()
        for one in _each(group)
        for split, item in one["splits"].items()
    ]  # fmt: skip


def cells(results: Results) -> list[dict]:
    """pass@1 of one model for each N and V that were measured, each with its n and interval.

    ``train`` is left out, and ``validation`` where ``test`` is there: both are drawn as ``test`` is. Results of other
    tasks, which have no N, give no cells.

    Returns:
        [{"n": N, "v": V, "config", "split", "puzzles", "pass@1", "pass@1_ci95" (Wilson)}], by V, then N.

    Raises:
        InputError: a split that the project does not know, shares that contradict its rows, or a cell measured twice.
    """
    found: dict[tuple[int, int], dict] = {}
    for row in split_rows({"": results}):
        config, split, item = row["config"], row["split"], row["item"]
        others = {each["split"] for each in split_rows({"": results}) if each["config"] == config}
        if "by_n" not in item or split == "train" or (split == "validation" and "test" in others):
            continue
        spec = _spec(config, split)
        counts = {n: len(range(at, item["n"], len(spec.n_values))) for at, n in enumerate(spec.n_values)}
        rates = {int(n): rate for n, rate in item["by_n"].items()}
        whole = sum(counts[n] * rate for n, rate in rates.items() if n in counts) / item["n"]
        if not set(rates) <= set(counts) or abs(whole - item["pass@1"]) > 1e-6:
            raise InputError(
                f"{config}/{split}: pass@1 and by_n are not of its first {item['n']:,} rows; score it anew"
            )
        for n, rate in rates.items():
            if (n, spec.v) in found:
                before = found[n, spec.v]
                twice = f"{before['config']}/{before['split']} and {config}/{split}"
                raise InputError(f"N={n}, V={spec.v} is measured twice, by {twice}; give one of the two")
            interval = list(wilson_interval(rate * counts[n], counts[n]))
            measured = {"puzzles": counts[n], "pass@1": rate, "pass@1_ci95": interval}
            found[n, spec.v] = {"n": n, "v": spec.v, "config": config, "split": split} | measured
    return [found[key] for key in sorted(found, key=lambda key: key[::-1])]


def grid() -> tuple[list[int], list[int]]:
    """(every N from the least to the largest that the dataset has, every V that it has)."""
    specs = [spec for config in CONFIGS.values() for spec in config.splits.values()]
    sizes = [n for spec in specs for n in spec.n_values]
    return list(range(min(sizes), max(sizes) + 1)), sorted({spec.v for spec in specs})


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; ends with a line break."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def interval_text(interval: list[float]) -> str:
    """``0.664 to 0.704``."""
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def by_n_text(by_n: dict[str, float]) -> str:
    """``N=3: 0.812, N=4: 0.557``."""
    return ", ".join(f"N={n}: {value:.3f}" for n, value in by_n.items())


def sampled(item: dict) -> list[str]:
    """The keys of a split's other scores: pass@k for k above 1, maj1@k."""
    return [key for key in item if re.fullmatch(r"(pass|maj1)@\d+", key) and key != "pass@1"]


def _each(results: Results) -> list[dict]:
    return [results] if isinstance(results, dict) else results


def _model(results: dict) -> list:
    """What is scored and how it is asked, without the data: equal for two configs of one model."""
    sources = results.get("sources", {})
    decoding = {key: value for key, value in results.get("decoding", {}).items() if key not in BUDGETS}
    return [results["name"], sources.get("model"), sources.get("adapter"), decoding]


def _spec(config: str, split: str) -> SplitSpec:
    """The split's N and V; a config with other completions (``10m-canonical``) has the puzzles of its family's."""
    known = CONFIGS.get(str(config).split("-")[0])
    if known is None or split not in known.splits:
        raise InputError(f"{config}/{split} is no split of the dataset; known configs: {', '.join(CONFIGS)}")
    return known.splits[split]
