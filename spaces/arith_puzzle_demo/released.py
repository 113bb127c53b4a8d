"""The scores of the released models: results.json and scaling.json, from the adapters' repos on the Hub or folders."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from backend import Settings, one_line
from logic import Unavailable

from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval

SPLITS = (
    "test", "ood_numeric_100", "ood_numeric_1000", "ood_form", "n9", "n10", "n12", "n15", "v10000", "v100000"
)  # fmt: skip
"""The evaluation splits of our datasets, in the order in which they are shown. Other splits come after them."""
MAX_BYTES = 4_000_000


class Results:
    """The results. They are read once, when they are first needed. After a failure the next call tries again."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._read: dict | None = None
        self._reading = threading.Lock()

    def read(self) -> dict:
        """Read the results.

        Returns:
            {"scores": [{"model", "config", "split", "n", "pass@1", "pass@1_ci95", "by_n": {N: {"pass@1", "ci95", "n"}},
            "pass@k": {…}, "reasons"}], "scaling": scaling.json or None, "splits": those with a score, and
            the other ones to score on of these configs of the dataset; "missing": those without a score, "source",
            "comparison": the tables of ``arith_puzzle.release.compare.compare``}.
            The interval of an N is None if the number of its puzzles is not known.

        Raises:
            Unavailable: no results are set, or they cannot be read.
        """
        with self._reading:
            if self._read is None:
                self._read = self._find()
            return self._read

    def _find(self) -> dict:
        chosen = self.settings
        places = self._places()
        if not places:
            raise Unavailable("no results are set for this page")
        source = places[0][0]
        try:
            found = [
                _in_folder(Path(place)) if Path(place).is_dir() else self._from_hub(place, revision)
                for place, revision in places
            ]
            files = {"results": [file for each in found for file in each["results"]], "scaling": found[0]["scaling"]}
            counts = _counts(self._manifest())
            compared = _compared(_load(Path(chosen.comparison))) if chosen.comparison else []
            scores = [_score(run, split, counts) for file in files["results"] for run, split in _runs(file)]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable(f"the results could not be read: {one_line(error)}") from None
        if not scores:
            raise Unavailable(f"there is no results.json in {source}")
        measured = {score["split"] for score in scores}
        configs = {score["config"] for score in scores}
        had = {split for config, split in counts if config in configs} - {"train", "validation"}
        order = {split: place for place, split in enumerate(SPLITS)}
        splits = sorted(measured | had, key=lambda split: (order.get(split, 99), split))
        scores.sort(key=lambda score: (score["config"], splits.index(score["split"]), score["adapted"], score["model"]))
        return {
            "scores": scores,
            "scaling": _curve(files["scaling"]),
            "comparison": compared,
            "splits": splits,
            "missing": [split for split in splits if split not in measured],
            "source": source,
        }

    def _places(self) -> list[tuple[str, str | None]]:
        """(folder or repo, revision) of each model; its own, which may be missing, comes first."""
        chosen = self.settings
        own = chosen.results or chosen.adapter or chosen.model
        places = [(own, chosen.adapter_revision)] if own else []
        return places + [(each.adapter, each.adapter_revision) for each in chosen.along if not chosen.results]

    def _from_hub(self, repo: str, revision: str | None) -> dict:
        return {
            "results": [self._download(repo, "results.json", revision)],
            "scaling": self._download(repo, "scaling.json", revision, optional=True),
        }

    def _download(
        self, repo: str, name: str, revision: str | None, *, optional: bool = False, kind: str = "model"
    ) -> dict | None:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        try:
            return _load(Path(hf_hub_download(repo, name, repo_type=kind, revision=revision)))
        except EntryNotFoundError:
            if optional:
                return None
            raise

    def _manifest(self) -> dict | None:
        """The dataset's manifest, which states the number of puzzles of each N; None if there is none."""
        source = self.settings.dataset
        if not source:
            return None
        if Path(source).is_dir():
            path = Path(source) / "manifest.json"
            return _load(path) if path.is_file() else None
        revision = self.settings.dataset_revision
        return self._download(source, "manifest.json", revision, optional=True, kind="dataset")


def _in_folder(folder: Path) -> dict:
    """The files of a folder and of its subfolders."""
    found = [path for path in (folder / "results.json", *sorted(folder.glob("*/results.json"))) if path.is_file()]
    scaling = [path for path in (folder / "scaling.json", *sorted(folder.glob("*/scaling.json"))) if path.is_file()]
    return {"results": [_load(path) for path in found], "scaling": _load(scaling[0]) if scaling else None}


def _load(path: Path) -> dict:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.name} has more than {MAX_BYTES} bytes")
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return value


def _curve(scaling: dict | None) -> dict | None:
    """The parts of scaling.json that the page needs, with their types checked."""
    if scaling is None:
        return None
    series = []
    for each in scaling["series"]:
        points = [
            {"rows": int(point["rows"]), "pass@1": float(point["pass@1"]), "n": int(point["n"]),
             "pass@1_ci95": [float(bound) for bound in point["pass@1_ci95"]]}
            for point in each["points"]
        ]  # fmt: skip
        fit = each.get("fit")
        if fit:
            fit = {key: float(fit[key]) for key in ("slope_per_decade", "intercept")} | {
                "slope_ci95": [float(bound) for bound in fit["slope_ci95"]]
            }
        series.append({"name": str(each["name"]), "split": str(each["split"]), "points": points, "fit": fit})
    return {"series": series}


def _compared(file: dict) -> list[dict]:
    """The tables of comparison.json, with the types checked."""
    return [
        {"place": str(table["place"]), "n": int(table["n"]), "models": list(map(_compared_model, table["models"]))}
        for table in file["splits"]
    ]


def _compared_model(model: dict) -> dict:
    pair = model["pair"] and {
        "difference": float(model["pair"]["difference"]), "only_model": int(model["pair"]["only_model"]),
        "only_adapter": int(model["pair"]["only_adapter"]), "p": float(model["pair"]["p"]),
    }  # fmt: skip
    by_n = {
        str(n): {"pass@1": float(item["pass@1"]), "n": int(item["n"]), "ci95": [float(bound) for bound in item["ci95"]]}
        for n, item in model["by_n"].items()
    }
    return {
        **{key: str(model[key]) for key in ("name", "kind", "asked")},
        "pass@1": float(model["pass@1"]),
        "pass@1_ci95": [float(bound) for bound in model["pass@1_ci95"]],
        "by_n": by_n,
        "pair": pair,
    }


def _runs(file: dict) -> list[tuple[dict, str]]:
    """All (run, split) pairs of a results.json, which holds one run, or several, such as ``base`` and ``adapter``."""
    runs = [file] if "splits" in file else [run for run in file.values() if run]
    return [(run, split) for run in runs for split in run["splits"]]


def _counts(manifest: dict | None) -> dict[tuple[str, str], dict[str, int]]:
    """(config, split) -> N -> number of puzzles."""
    configs = (manifest or {}).get("configs", {})
    return {
        (config, name): split["by_n"]
        for config, content in configs.items()
        for name, split in content["splits"].items()
    }


def _score(run: dict, split: str, counts: dict) -> dict:
    item = run["splits"][split]
    known = item.get("puzzles_by_n") or counts.get((run["config"], split), {})
    if sum(known.values()) != item["n"]:  # the score is of a part of the split, or of another dataset
        known = {n: item["n"] for n in item["by_n"]} if len(item["by_n"]) == 1 else {}
    by_n = {}
    for n, rate in sorted(item["by_n"].items(), key=lambda pair: int(pair[0])):
        total = known.get(n)
        by_n[n] = {
            "pass@1": float(rate),
            "n": total,
            "ci95": list(wilson_interval(rate * total, total)) if total else None,
        }
    return {
        "model": run["name"],
        "adapted": run.get("adapter") is not None,
        "config": run["config"],
        "split": split,
        "n": int(item["n"]),
        "pass@1": float(item["pass@1"]),
        "pass@1_ci95": [float(bound) for bound in item["pass@1_ci95"]],
        "pass@k": {key: float(value) for key, value in item.items() if key.startswith("pass@") and "_" not in key},
        "by_n": by_n,
        "reasons": {str(reason): float(share) for reason, share in item["reasons"].items()},
    }
