"""Read the inputs of a release, the files that build, train and score wrote, and replace local paths by Hub ids."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256, read_json
from arith_puzzle.common.provenance import dataset_content, model_content
from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.evaluation.options import command_line
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, verify
from arith_puzzle.model_cards.shipped import ShippedAdapter, read_shipped
from arith_puzzle.release.compare import compare
from arith_puzzle.release.own_data import describe, own_dataset
from arith_puzzle.training.data.token_cache import split_content
from arith_puzzle.training.recipe import Recipe

RELEASED = ("symbolic", "natural", "search")
"""The formats of ``arith_puzzle.dataset_builder.formats`` that the cards can explain."""


READ_AS = {"procedure": "symbolic", "first_attempt": "symbolic"}
"""Format of training rows -> the released format that has the same prompts and the same form of answers."""


def check_recipe(recipe: Recipe) -> None:
    """Raise InputError if the recipe does not make an adapter that a release can publish."""
    for section in ("dataset", "lora"):
        if getattr(recipe, section) is None:
            raise InputError(
                f"a release publishes a LoRA adapter, and the recipe {recipe.name!r} has no {section!r} section; add it"
            )
    if recipe.score.format not in RELEASED:
        raise InputError(
            f"the cards of a release explain the formats {', '.join(RELEASED)}, and score.format of {recipe.name!r} is "
            f"{recipe.score.format}; train and score it without a release"
        )
    if READ_AS.get(recipe.dataset.format, recipe.dataset.format) != recipe.score.format:
        raise InputError(
            f"an adapter is scored in the format of its training, and in the recipe {recipe.name!r} dataset.format is "
            f"{recipe.dataset.format} and score.format is {recipe.score.format}; make them equal"
        )


def check_splits(recipe: Recipe, splits: Collection[str]) -> None:
    """Raise InputError if the recipe trains or scores on a split that its dataset's config lacks."""
    section = recipe.dataset
    for key, split in (("dataset.split", section.split), *(("score.splits", name) for name in recipe.score.splits)):
        if split not in splits:
            raise InputError(f"{recipe.name}: {key} names {split!r}, and {section.config} has {', '.join(splits)}; "
                             f"correct {key}, or add the split to the data")  # fmt: skip


def check_origin(recipe: Recipe, results: Mapping[str, dict], *, dataset: Path, run: Path, scores: Path) -> None:
    """Check that run and scores were made from the recipe, the base and the rows that would be published with them.

    Args:
        results: the results.json of "base" and "adapter".
        dataset, run, scores: folders, as in ``arith_puzzle.release.stage.stage``.

    Raises:
        InputError: they were made from something else.
    """
    record, section = read_json(run / "run.json"), recipe.dataset
    if record.get("recipe_digest") != recipe.digest:
        raise InputError(f"{run} holds another recipe's run; give that recipe, or train this one in another --work")
    trained = record.get("content", {})
    base = trained.get("base")
    if Path(recipe.base_path).is_dir():
        base = model_content(recipe.base_path)
    elif not str(base).startswith(f"{recipe.base_path}@"):
        base = None
    for what, found in (("base", base), ("dataset", split_content(section, str(dataset)))):
        if trained.get(what) != found or found is None:
            raise InputError(f"the run in {run} was made from another {what} than there is now; put that {what} back, "
                             "or train in another --work")  # fmt: skip
    rows = dataset_content(str(dataset), section.config)
    wanted = {"base": {"model": base, "adapter": None, "dataset": rows}}
    wanted["adapter"] = wanted["base"] | {"adapter": model_content(str(run))}
    for who, result in results.items():
        folder = scores / who
        other = [what for what, found in wanted[who].items() if result.get("content", {}).get(what) != found]
        other += [what for what, value in (("config", result.get("config") == section.config),
                                           ("format", result["decoding"]["format"] == recipe.score.format))
                  if not value]  # fmt: skip
        for split, item in result["splits"].items():
            answers = folder / f"generations-{split}.jsonl"
            if not answers.is_file() or file_sha256(answers) != item.get("generations_sha256"):
                other.append(f"file {answers.name}")
        if other:
            raise InputError(f"the scores in {folder} are of another {other[0]} than there is now; delete that folder, "
                             "and score again")  # fmt: skip


class Inputs:
    """All inputs, read once before anything is staged.

    Args:
        ids: the Hub ids: "adapter_id", "dataset_id" and so on, and "base_id" if the base is published too.
        tag: the version's tag.
        licence: of the base, from ``arith_puzzle.model_cards.licence``.
        dataset, run, scores, others, along: as in ``arith_puzzle.release.stage.stage``.

    Raises:
        InputError: a file is missing or not JSON, `check_origin` refuses the run or the scores, `compare` refuses a
            folder of ``others``, or `read_shipped` a name of ``along``.
    """

    def __init__(
        self, recipe: Recipe, ids: Mapping[str, str], tag: str, licence: dict, *, dataset: Path, run: Path,
        scores: Path, others: Sequence[Path] = (), along: Sequence[str] = (),
    ):  # fmt: skip
        self.licence = licence
        self.recipe, self.dataset, self.run, self.scores = recipe, dataset, run, scores
        self.ids, self.tag = dict(ids), tag
        self.namespace = self.ids["dataset_id"].split("/")[0]
        self.own_base = "base_id" in self.ids
        self.ids.setdefault("base_id", recipe.model.base)
        # PEFT does not record the base's revision. A base of ours is published with this tag.
        self.base_revision = tag if self.own_base else recipe.model.revision
        self.manifest = (
            describe(dataset, recipe.dataset.config) if own_dataset(recipe) else read_json(dataset / "manifest.json")
        )
        results = {who: read_json(scores / who / "results.json") for who in ("base", "adapter")}
        check_origin(recipe, results, dataset=dataset, run=run, scores=scores)
        self.results = {who: self._hub_results(each) for who, each in results.items()}
        self.first_split = next(iter(self.results["adapter"]["splits"]))
        self.compared = compare(self.results, scores, others)
        self.example = _first_answer(recipe, scores / "adapter", self.first_split)
        self.along = {name: read_shipped(name) for name in along}

    def names(self, kind: str) -> dict:
        """The names that a model's card needs: its own id, and those of the other repos."""
        own = {"repo_id": self.ids[f"{kind}_id"], "base_revision": self.base_revision or "main"}
        return {"merged_id": None} | self.ids | own

    def shipped_names(self, model: ShippedAdapter) -> dict:
        """The names that the cards of an adapter of the package and of its base need, except their own id."""
        own = {"adapter_id": f"{self.namespace}/{model.recipe.name}", "base_id": f"{self.namespace}/{model.base.name}"}
        return (
            {key: self.ids[key] for key in ("dataset_id", "metric_id", "demo_id")} | own | {"base_revision": self.tag}
        )

    def placeholders(self) -> dict[str, str]:
        """What the README.md of a Space has in angle brackets."""
        return {"namespace": self.namespace, "dataset": self.ids["dataset_id"],
                "config": self.recipe.dataset.config, "split": self.first_split}  # fmt: skip

    def run_record(self) -> dict:
        """The adapter's run.json, with Hub ids."""
        record = read_json(self.run / "run.json")
        return hub_run(record, self.ids["base_id"] if self.own_base else None, self.ids["dataset_id"])

    def base_record(self) -> dict | None:
        """The run.json of a base that was trained on drills; None of other bases.

        The release does not publish the model that this base was trained from, if any, so its path is shortened.
        """
        path = Path(self.recipe.base_path) / "run.json"
        record = read_json(path) if path.is_file() else {"recipe": {}}
        if not record["recipe"].get("drills"):
            return None
        model = record["recipe"]["model"]
        if model.get("base") and Path(model["base"]).is_absolute():
            model["base"] = Path(model["base"]).name
        return record

    def _hub_results(self, results: dict) -> dict:
        return hub_results(
            results | {"dataset": self.ids["dataset_id"]}, adapter_id=self.ids["adapter_id"], tag=self.tag,
            base_id=self.ids["base_id"], base_revision=self.base_revision,
        )  # fmt: skip


def hub_results(results: dict, *, adapter_id: str, tag: str, base_id: str, base_revision: str | None) -> dict:
    """A results.json with the Hub ids and revisions of its models."""
    adapter = results["adapter"] is not None
    results = results | {
        "name": adapter_id if adapter else base_id,
        "model": base_id,
        "adapter": adapter_id if adapter else None,
        "model_revision": base_revision,
        "adapter_revision": tag if adapter else None,
    }
    if "command" in results:  # it names folders of this machine
        results["command"] = command_line(results, "score")
    return results


def hub_run(record: dict, base_id: str | None, dataset_id: str | None = None) -> dict:
    """A run.json with the Hub ids of the base and of the dataset. None leaves a name as it is."""
    recipe = record["recipe"]
    sections = {key: dict(recipe[key]) for key in ("model", "dataset") if recipe.get(key)}
    if base_id and sections["model"].get("base"):
        sections["model"]["base"] = base_id
    if dataset_id and "dataset" in sections:
        sections["dataset"]["path"] = dataset_id
    return record | {"recipe": recipe | sections}


def _first_answer(recipe: Recipe, scores: Path, split: str) -> dict:
    """The first scored puzzle of a split, with its answer and verdict, for the cards' snippets.

    "answer" is the part that was judged. "raw" is all that the model wrote. It is longer if the model searches first.
    "messages" and "template_kwargs" are of a chat; None and {} without. "own_eos": an answer ends by another token than
    the base's.
    """
    with (scores / f"generations-{split}.jsonl").open(encoding="utf-8") as file:
        row = json.loads(file.readline())
    numbers, target = row["numbers"], row["target"]
    answer = row["response"] if "response" in row else row["responses"][0]
    raw = row.get("raw", answer)
    prompt, chat = FORMATS[recipe.score.format].question(row), recipe.chat
    return {
        "numbers": numbers,
        "target": target,
        "prompt": prompt,
        "messages": chat.messages(prompt) if chat else None,
        "template_kwargs": chat.template_kwargs if chat else {},
        "own_eos": bool(chat or recipe.model.eos_token),
        "answer": answer,
        "raw": raw if isinstance(raw, str) else raw[0],
        "rules": rules_of(row),
        "verdict": verify(numbers, target, answer, **rules_of(row)).reason,
    }
