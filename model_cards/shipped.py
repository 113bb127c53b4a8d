"""The trained adapters in ``results/``: their records, and the card with which a release publishes one of them.

Such an adapter needs no training and no scoring: the files beside its weights say how it was made and what it scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import ModelCardData

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE, file_sha256, read_json
from arith_puzzle.common.provenance import model_content
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.dataset_builder.search_traces import SEARCH_BOUND
from arith_puzzle.evaluation.results import RESULTS, interval_text, split_rows
from arith_puzzle.model_cards.licence import licence_text
from arith_puzzle.model_cards.render import ARXIV, fill, whole_card
from arith_puzzle.model_cards.seen import seen_table
from arith_puzzle.model_cards.values import method, model_index, result_values, splits_of, training_values
from arith_puzzle.model_cards.wording import describe_shift, describe_split
from arith_puzzle.training.recipe import Recipe, load_recipe

STRESS = "stress.json"
"""The results on the config ``stress``, beside RESULTS."""
DEMO_RECIPE, FOR_DEMO = "demo_cpu", ("paper_search_cpu",)
"""The recipe of ``make demo``, and the adapters that are published with it unless a release says otherwise."""
PROMPT = "3,6,7,51,58:4\n"
"""The paper's example, which is the example of the cards."""
SHIFTS = {
    "": "In distribution",
    "numbers": "Larger numbers",
    "sizes": "More numbers",
    "sizes and numbers": "More and larger numbers",
}


@dataclass(frozen=True)
class ShippedAdapter:
    """A trained adapter of the package.

    Attributes:
        name: of its folder in ``results/`` and of its recipe.
        recipe: the recipe that trained it.
        folder, base: the folders of the adapter's and of the base's weights.
        run, base_run: run.json of both trainings.
        results: results.json of each config on which it was scored. The first config is that of the training.
    """

    name: str
    recipe: Recipe
    folder: Path
    base: Path
    run: dict
    base_run: dict
    results: list[dict]

    @property
    def manifest(self) -> dict:
        """The splits of the configs that its cards describe, as in a dataset's manifest."""
        return {"configs": {each["config"]: {"splits": _splits(each["config"])} for each in self.results}}

    @property
    def note(self) -> str:
        """Its note in a collection: what it is, and its scores."""
        rows = split_rows({"": self.results[0]})
        scores = [f"{row['item']['pass@1']:.3f} ({interval_text(row['item']['pass@1_ci95'])}) on {row['place']}, "
                  f"n={row['item']['n']:,}" for row in rows]  # fmt: skip
        return f"A LoRA adapter that searches before it answers: hard to beat. pass@1 {'; '.join(scores)}"


def shipped_adapters() -> list[str]:
    """The names of all trained adapters of the package."""
    return sorted(path.parent.parent.name for path in (PACKAGE / "results").glob("*/adapter/adapter_config.json"))


def published_with(recipe: Recipe) -> tuple[str, ...]:
    """The names of the adapters that a release of the recipe publishes too, unless it says otherwise."""
    return FOR_DEMO if recipe.digest == load_recipe(DEMO_RECIPE).digest else ()


def read_shipped(name: str) -> ShippedAdapter:
    """Read the records of a trained adapter of the package.

    Raises:
        InputError: there is no such adapter, a file is missing, or the weights are not those that were scored.
    """
    if name not in shipped_adapters():
        raise InputError(f"no trained adapter {name!r} comes with the package; known: {', '.join(shipped_adapters())}")
    folder, recipe = PACKAGE / "results" / name, load_recipe(name)
    adapter, base = folder / "adapter", Path(recipe.base_path)
    files = [RESULTS, *([STRESS] if (folder / STRESS).is_file() else [])]
    contents = [read_json(folder / file) for file in files]
    results = [_in_order(content if "splits" in content else content["adapter"]) for content in contents]
    for each, file in zip(results, files, strict=True):
        if not _scored(each, adapter=adapter, base=base):
            raise InputError(f"{folder / file} is about other weights than those in {adapter} on {base}; score them")
    return ShippedAdapter(
        name, recipe, adapter, base, read_json(folder / "run.json"), read_json(base / "run.json"), results
    )


def shipped_card(names: Mapping, model: ShippedAdapter, *, example: dict, licence: dict) -> str:
    """The text of the adapter's README.md. It links to ``plots/`` beside it.

    Args:
        names: repo_id, base_id, base_revision, dataset_id, metric_id, demo_id.
        example: as in ``arith_puzzle.model_cards.render.adapter_card``: what the adapter writes for PROMPT.
        licence: of the base, from ``arith_puzzle.model_cards.licence``.
    """
    data = ModelCardData(
        **licence,
        library_name="peft",
        pipeline_tag="text-generation",
        base_model=names["base_id"],
        base_model_relation="adapter",
        datasets=[names["dataset_id"]],
        tags=["lora", "trl", method(model.run), "search", "arithmetic", "reasoning", ARXIV],
        **model_index(names, model.results),
    )
    first = model.results[0]
    splits = splits_of(model.manifest, first["config"])
    body = fill(
        "shipped_adapter",
        **names,
        **result_values({"adapter": model.results}, model.manifest),
        **training_values(model.run),
        can=list(_abilities(model, lambda share: share >= 0.5)),
        cannot=list(_abilities(model, lambda share: share < 0.5)),
        limit=[_at_limit(row) for row in split_rows({"": first})],
        config=first["config"],
        configs=[each["config"] for each in model.results],
        trained_on=describe_split(splits["train"]),
        seen=seen_table({"base": model.base_run, "adapter": model.run}, splits),
        drilled=(model.run["recipe"].get("drills") or {}).get("rows"),
        bound=SEARCH_BOUND,
        example=example,
        licence=licence_text(licence),
        max_new_tokens=first["decoding"]["max_new_tokens"],
    )
    return whole_card(data, body, "model")


def _in_order(results: dict) -> dict:
    """The results with the splits in the order of their config, and with the number of puzzles of each N.

    Results of old versions do not state that number. The sizes take turns in the rows of a config.
    """
    splits = {}
    for split, spec in CONFIGS[results["config"]].splits.items():
        if item := results["splits"].get(split):
            by_n = {str(n): len(range(at, item["n"], len(spec.n_values))) for at, n in enumerate(spec.n_values)}
            splits[split] = {"puzzles_by_n": by_n} | item
    return results | {"splits": splits}


def _abilities(model: ShippedAdapter, fits) -> Iterator[dict]:
    """What the card says about each split whose pass@1 ``fits``."""
    train = splits_of(model.manifest, model.results[0]["config"])["train"]
    for row in split_rows({"": model.results}):
        split, share = splits_of(model.manifest, row["config"])[row["split"]], row["item"]["pass@1"]
        if fits(share):
            yield {"shift": SHIFTS[describe_shift(split, train)], "what": describe_split(split), "share": share,
                   "n": row["item"]["n"], "place": row["place"]}  # fmt: skip


def _at_limit(row: dict) -> dict:
    item = row["item"]
    return {"place": row["place"], "share": item["at_token_limit"], "tokens": item["new_tokens"] / item["n"]}


def _splits(config: str) -> dict[str, dict]:
    """The splits of a shipped config, with the keys of a manifest that cards use. Nothing is built."""
    found = {}
    for name, spec in CONFIGS[config].splits.items():
        by_n = {str(n): len(range(at, spec.rows, len(spec.n_values))) for at, n in enumerate(spec.n_values)}
        found[name] = {"rows": spec.rows, "by_n": by_n, "v": spec.v, "at_least": spec.at_least}
    return found


def _scored(results: dict, *, adapter: Path, base: Path) -> bool:
    """Whether the results are about these weights. Results of old versions state the hash of the weights' file."""
    if content := results.get("content"):
        return (content["adapter"], content["model"]) == (model_content(str(adapter)), model_content(str(base)))
    files = {"adapter": adapter / "adapter_model.safetensors", "model": base / "model.safetensors"}
    return all(path.is_file() and results["sources"][key] == file_sha256(path) for key, path in files.items())
