"""The results of ``arith_puzzle.evaluation.score``: the folder of a run, and what reports read from it.

``score.json`` identifies a run. It is written first, and is locked while a process scores. ``results.json`` holds the
finished results of one model on one config, and is written last; a release's file is a mapping of several (base and
adapter). Reports flatten such files into rows for tables and plots.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import LockedJson, write_json
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval

RESULTS = "results.json"
Results = dict | list[dict]
"""The results of one model: on one config, or a list of results on several configs."""
BUDGETS = {"batch_size", "max_new_tokens"}
"""Keys of "decoding" that depend on the length of the puzzles. They do not make another way to ask a model."""


def load_results(paths: list[str | Path]) -> dict[str, list[dict]]:
    """Read results files and group them by model. Results that differ only in the config share a label.

    A label is the last part of the model's name. If two groups have the same name, the differing values of "decoding"
    follow.

    Returns:
        label -> the results of one model, one for each config.

    Raises:
        InputError: a file cannot be read, is not JSON, or holds no results.
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
        if (
            not isinstance(parts, list)
            or not parts
            or not all(isinstance(part, dict) and part.get("splits") and "name" in part for part in parts)
        ):
            raise InputError(f"{path} holds no results; give a results.json of arith-puzzle score")
        found += [part | {"folder": str(path.parent)} for part in parts]
    models: dict[str, list[dict]] = {}
    for results in found:
        models.setdefault(json.dumps(_model(results), sort_keys=True), []).append(results)
    names = [str(group[0]["name"]).rstrip("/").split("/")[-1] for group in models.values()]
    decodings = [group[0].get("decoding", {}) for group in models.values()]
    keys = sorted(set().union(*decodings) - BUDGETS)
    differing = [key for key in keys if len({json.dumps(each.get(key)) for each in decodings}) > 1]
    labels: dict[str, list[dict]] = {}
    for name, decoding, group in zip(names, decodings, models.values(), strict=True):
        same = names.count(name) > 1
        more = [f"{key} {decoding[key]}" for key in differing if same and key in decoding]
        label = ", ".join([name, *more])
        if label in labels:
            label += f" ({len(labels) + 1})"
        labels[label] = group
    return labels


def split_rows(results: Mapping[str, Results]) -> list[dict]:
    """Return a row for each label, config and split.

    Returns:
        [{"label", "config", "split", "place", "decoding", "hardware", "item", "folder"}]. "place" is ``config/split``,
        or the split alone if the data has no configs. "item" holds the split's scores. "folder" is that of the file.
    """
    return [
        {"label": label, "config": one.get("config"), "split": split,
         "place": f"{one['config']}/{split}" if one.get("config") else split, "decoding": one.get("decoding", {}),
         "hardware": one.get("hardware") or {}, "item": item, "folder": one.get("folder")}
        for label, group in results.items()
        for one in _each(group)
        for split, item in one["splits"].items()
    ]  # fmt: skip


def cells(results: Results) -> list[dict]:
    """Return pass@1 of one model for each measured pair of N and V, with the number of puzzles and the interval.

    ``train`` is left out. ``validation`` is left out if ``test`` is there, which is drawn in the same way. Results of
    other tasks have no N and give no cells.

    Returns:
        [{"n": N, "v": V, "config", "split", "puzzles", "pass@1", "pass@1_ci95" (Wilson)}], sorted by V, then N.

    Raises:
        InputError: the split is unknown, pass@1 by N contradicts pass@1, or a cell was measured twice.
    """
    found: dict[tuple[int, int], dict] = {}
    for row in split_rows({"": results}):
        config, split, item = row["config"], row["split"], row["item"]
        others = {each["split"] for each in split_rows({"": results}) if each["config"] == config}
        if "by_n" not in item or split == "train" or (split == "validation" and "test" in others):
            continue
        v, counts = _sizes(config, split, item)
        rates = {int(n): rate for n, rate in item["by_n"].items()}
        whole = sum(counts[n] * rate for n, rate in rates.items() if n in counts) / item["n"]
        if not set(rates) <= set(counts) or abs(whole - item["pass@1"]) > 1e-6:
            raise InputError(
                f"{config}/{split}: pass@1 and by_n do not agree for its first {item['n']:,} rows; score it again"
            )
        for n, rate in rates.items():
            if (n, v) in found:
                other = found[n, v]
                twice = f"{other['config']}/{other['split']} and {config}/{split}"
                raise InputError(f"N={n}, V={v} is measured twice, by {twice}; give one of the two")
            interval = list(wilson_interval(rate * counts[n], counts[n]))
            measured = {"puzzles": counts[n], "pass@1": rate, "pass@1_ci95": interval}
            found[n, v] = {"n": n, "v": v, "config": config, "split": split} | measured
    return [found[key] for key in sorted(found, key=lambda key: key[::-1])]


def grid(points: Sequence[dict]) -> tuple[list[int], list[int]]:
    """Return (all N from the smallest to the largest, all V), of the dataset's configs and of ``points``."""
    specs = [spec for config in CONFIGS.values() for spec in config.splits.values()]
    sizes = [n for spec in specs for n in spec.n_values] + [point["n"] for point in points]
    return list(range(min(sizes), max(sizes) + 1)), sorted({spec.v for spec in specs} | {p["v"] for p in points})


def interval_text(interval: list[float]) -> str:
    """Return an interval as text: ``0.664 to 0.704``."""
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def by_n_text(by_n: dict[str, float]) -> str:
    """Return pass@1 by N as text: ``N=3: 0.812, N=4: 0.557``."""
    return ", ".join(f"N={n}: {value:.3f}" for n, value in by_n.items())


def sampled(item: dict) -> list[str]:
    """Return the keys of a split's scores over samples: pass@k for k above 1, and maj1@k."""
    return [key for key in item if re.fullmatch(r"(pass|maj1)@\d+", key) and key != "pass@1"]


def _each(results: Results) -> list[dict]:
    return [results] if isinstance(results, dict) else results


def _model(results: dict) -> list:
    """Return what identifies a model and the way it is asked. It is equal for results on two configs."""
    sources = results.get("sources", {})
    decoding = {key: value for key, value in results.get("decoding", {}).items() if key not in BUDGETS}
    return [results["name"], sources.get("model"), sources.get("adapter"), decoding]


def _sizes(config: str, split: str, item: dict) -> tuple[int, dict[int, int]]:
    """Return (V, number of scored puzzles of each N). V of rows of one's own is their largest number.

    Results of old versions do not state the sizes. A config with other completions (``10m-canonical``) has the puzzles
    of ``10m``.
    """
    known = CONFIGS.get(str(config).split("-")[0])
    spec = known.splits.get(split) if known else None
    if "puzzles_by_n" in item:
        return spec.v if spec else item["max_number"], {int(n): count for n, count in item["puzzles_by_n"].items()}
    if spec is None:
        raise InputError(f"{config}/{split} is not a split of the dataset; its configs are {', '.join(CONFIGS)}")
    return spec.v, {n: len(range(at, item["n"], len(spec.n_values))) for at, n in enumerate(spec.n_values)}


def lock_run_directory(out: Path, identity: dict) -> LockedJson:
    """Create ``out`` or open it again, check that it belongs to the run ``identity``, and lock it.

    Returns:
        The locked ``score.json``. Closing it releases the lock.

    Raises:
        InputError: the folder belongs to another run, another process is using it, or it is not writable.
    """
    file = LockedJson(out / "score.json", "scoring into")
    if file.content is None:  # the folder is new, or a process was killed while it wrote this file
        file.write(identity)
    elif _fingerprint(file.content) != _fingerprint(identity):
        file.close()
        raise InputError(f"{out} holds the scores of another run; give another --out, or delete it")
    return file


def finished_results(out: Path, identity: dict) -> dict:
    """Return the ``results.json`` of this run, or {} if there is none."""
    try:
        results = json.loads((out / RESULTS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return results if isinstance(results, dict) and _fingerprint(results) == _fingerprint(identity) else {}


def write_results(out: Path, results: dict) -> None:
    """Write ``results.json``, complete or not at all.

    Raises:
        InputError: the disk is full or not writable.
    """
    try:
        write_json(out / RESULTS, results)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; make room and repeat the command") from None


def _fingerprint(identity: dict) -> dict:
    """Return the values that two runs must share to be the same run.

    Model, adapter and dataset count by their content, so the path of a folder may change.
    """
    return {name: identity.get(name) for name in ("name", "task", "config", "limit", "decoding", "content")}
