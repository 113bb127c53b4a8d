"""What a release is made from: the files that build, train and score wrote, with Hub ids in place of folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.evaluation.options import command_line
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.training.recipe import Recipe

RELEASED = ("symbolic", "natural", "search")
"""The formats of arith_puzzle.dataset_builder.formats whose answers the cards know how to ask for and to read."""


def check_recipe(recipe: Recipe) -> None:
    """Raise InputError if the recipe makes no adapter that a release can publish."""
    for section in ("dataset", "lora"):
        if getattr(recipe, section) is None:
            raise InputError(
                f"a release publishes a LoRA adapter; the recipe {recipe.name!r} has no {section!r} section"
            )
    if recipe.score.format not in RELEASED:
        raise InputError(
            f"a release's cards say how to read answers in the formats {', '.join(RELEASED)}; score.format of "
            f"{recipe.name!r} is {recipe.score.format}: train and score without a release"
        )
    if recipe.dataset.format != recipe.score.format:
        raise InputError(
            f"an adapter is scored as it was trained; in the recipe {recipe.name!r} dataset.format is "
            f"{recipe.dataset.format} and score.format {recipe.score.format}: make them the same"
        )


class Inputs:
    """Read once, before anything is staged.

    Args:
        ids: "adapter_id", "dataset_id" and so on; "base_id" where the base is published too.
        tag: of what is published.
        dataset, run, scores: as ``arith_puzzle.release.stage.stage`` takes them.

    Raises:
        InputError: a file that is missing or not JSON.
    """

    def __init__(self, recipe: Recipe, ids: Mapping[str, str], tag: str, *, dataset: Path, run: Path, scores: Path):
        self.recipe, self.dataset, self.run, self.scores = recipe, dataset, run, scores
        self.ids, self.tag = dict(ids), tag
        self.namespace = self.ids["dataset_id"].split("/")[0]
        self.own_base = "base_id" in self.ids
        self.ids.setdefault("base_id", recipe.model.base)
        # PEFT leaves the base's revision open; that of ours is the tag that is published with it
        self.base_revision = tag if self.own_base else recipe.model.revision
        self.manifest = read_json(dataset / "manifest.json")
        self.results = {who: self._hub_results(read_json(scores / who / "results.json")) for who in ("base", "adapter")}
        adapter = self.results["adapter"]
        self.example = _first_answer(scores / "adapter", next(iter(adapter["splits"])), adapter["decoding"]["format"])

    def names(self, kind: str) -> dict:
        """What a model's card calls the release's repos."""
        own = {"repo_id": self.ids[f"{kind}_id"], "base_revision": self.base_revision or "main"}
        return {"merged_id": None} | self.ids | own

    def run_record(self) -> dict:
        """The adapter's run.json with Hub ids."""
        record = read_json(self.run / "run.json")
        recipe = record["recipe"]
        if self.own_base and recipe["model"].get("base"):
            recipe["model"]["base"] = self.ids["base_id"]
        if recipe.get("dataset"):
            recipe["dataset"]["path"] = self.ids["dataset_id"]
        return record

    def base_record(self) -> dict:
        """Our own base's run.json. The base that it was trained on from, if any, is no repo of the release.

        Raises:
            InputError: it was trained on something else than drills, of which its card tells.
        """
        path = Path(self.recipe.base_path) / "run.json"
        record = read_json(path)
        if not record["recipe"].get("drills"):
            raise InputError(
                f"{path}: a base's card tells of its drills, and this run had none; publish that base by itself and "
                "give its Hub id as model.base"
            )
        model = record["recipe"]["model"]
        if model.get("base") and Path(model["base"]).is_absolute():
            model["base"] = Path(model["base"]).name
        return record

    def _hub_results(self, results: dict) -> dict:
        adapter = results["adapter"] is not None
        results = results | {
            "name": self.ids["adapter_id"] if adapter else self.ids["base_id"],
            "model": self.ids["base_id"],
            "adapter": self.ids["adapter_id"] if adapter else None,
            "dataset": self.ids["dataset_id"],
            "model_revision": self.base_revision,
            "adapter_revision": self.tag if adapter else None,
        }
        if "command" in results:  # with this machine's folders
            results["command"] = command_line(results, "score")
        return results


def _first_answer(scores: Path, split: str, prompt_format: str) -> dict:
    """The first scored puzzle of a split with its answer and verdict, for the cards' snippets.

    "answer" is what was judged; "raw" all that the model said, which is more where it searches first.
    """
    with (scores / f"generations-{split}.jsonl").open(encoding="utf-8") as file:
        row = json.loads(file.readline())
    numbers, target = row["numbers"], row["target"]
    answer = row["response"] if "response" in row else row["responses"][0]
    raw = row.get("raw", answer)
    return {
        "numbers": numbers,
        "target": target,
        "prompt": FORMATS[prompt_format].prompt(numbers, target),
        "answer": answer,
        "raw": raw if isinstance(raw, str) else raw[0],
        "verdict": verify(numbers, target, answer).reason,
    }


def read_json(path: Path) -> dict:
    """A file that an earlier stage wrote. Raises InputError if it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing; run the stage that writes it first (arith-puzzle --help)") from None
    except ValueError:
        raise InputError(f"{path} is not JSON; delete it and run the stage that writes it") from None
