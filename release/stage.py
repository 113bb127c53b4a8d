"""Stage a release: write one complete folder for each Hub repo, with cards rendered from the run's files.

Staging does not talk to a Hub. The same inputs give the same bytes, so publishing them again changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.common.files import PACKAGE, read_json, shipped, write_json, write_text
from arith_puzzle.dataset_builder.loading_script import stage_script
from arith_puzzle.evaluation.plots import plot_by_n, plot_loss, plot_reasons, plot_training
from arith_puzzle.model_cards import benchmark, render
from arith_puzzle.model_cards.check import check_card
from arith_puzzle.model_cards.licence import base_licence, copy_notices
from arith_puzzle.model_cards.shipped import read_shipped
from arith_puzzle.release.compare import with_scores
from arith_puzzle.release.imports import copy_imported
from arith_puzzle.release.inputs import Inputs, check_recipe
from arith_puzzle.release.own_data import own_card
from arith_puzzle.release.stage_shipped import copy_model, stage_shipped_adapter, stage_shipped_base
from arith_puzzle.training.recipe import Recipe, load_recipe

TAG = f"v{version('arith-puzzle')}"
SCRIPT_FOLDER = "dataset-script"
"""The folder for the dataset repo's revision ``script``. On ``main`` these files would break ``load_dataset``."""
COLLECTION_TITLE = "arith-puzzle: data, verifier, models, demo"
PAPER = "2406.02100"
NOTES = {
    "dataset": "The puzzles, with their solutions",
    "base": "The base that the adapter adapts",
    "adapter": "The trained LoRA adapter, with its scores",
    "merged": "Base and adapter as one model",
    "metric": "The verifier, for `evaluate` and inspect-ai",
    "demo": "Try a puzzle: the model's answer, line by line",
    "environment": "The puzzle as an environment for reinforcement learning, for OpenEnv and TRL",
    "aug-gsm8k": "GSM8K augmented: new questions, checked solutions",
    "gsm8k-metric": "The metric for answers to GSM8K, for `evaluate`",
}
"""Repo kind -> its note in the collection, in the collection's order. The paper comes before all of them. A release
adds the scores."""

DEMO, METRIC, INSPECT_TASK = "spaces/arith_puzzle_demo", "metrics/arith_puzzle_verifier", "evaluation/inspect_task"
ENVIRONMENT = "environments/openenv"
"""Folders of the package that are pushed."""
ORIGINAL_CARD = "README.original.md"
"""What the card of a base that this project did not train is called beside the card that the release writes."""
CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".gradio")


@dataclass(frozen=True)
class Repo:
    """A repo to publish. ``kind`` is the name of its folder in the stage, ``type`` is the Hub's repo type.

    An adapter of the package that is published too, and its base, have the kinds ``adapter.NAME`` and ``base.NAME``.
    """

    kind: str
    type: str
    id: str

    @property
    def role(self) -> str:
        """The kind without the name of an adapter of the package."""
        return self.kind.partition(".")[0]

    @property
    def shipped(self) -> str:
        """The name of the adapter of the package to which the repo belongs; empty if it belongs to the recipe."""
        return self.kind.partition(".")[2]


def plan(recipe: Recipe, namespace: str, *, merged: bool = False, along: Sequence[str] = ()) -> list[Repo]:
    """The repos of a release in the order of publishing: a repo comes before those that refer to it.

    Args:
        along: names of adapters of the package that are published too. A base that the recipe has itself comes once.

    Raises:
        InputError: there is no such adapter, or the recipe's own has the same name.
    """
    own_base = Path(recipe.base_path).is_dir()
    ours = recipe.name.startswith("arith-puzzle-")
    repos = [
        Repo("base", "model", f"{namespace}/{Path(recipe.base_path).name}") if own_base else None,
        Repo("dataset", "dataset", f"{namespace}/{Path(recipe.dataset.path).name}"),
        Repo("metric", "space", f"{namespace}/arith_puzzle_verifier"),
        Repo("environment", "space", f"{namespace}/arith-puzzle-env"),
        Repo("adapter", "model", f"{namespace}/{recipe.name}"),
        Repo("merged", "model", f"{namespace}/{recipe.name}-merged") if merged else None,
        *_shipped_repos(recipe, namespace, along),
        Repo("demo", "space", f"{namespace}/{'arith-puzzle' if ours else recipe.name}-demo"),
    ]
    return [repo for repo in repos if repo]


def _shipped_repos(recipe: Recipe, namespace: str, along: Sequence[str]) -> list[Repo]:
    found, bases = [], {Path(recipe.base_path).resolve()}
    for name in dict.fromkeys(along):
        model = read_shipped(name)
        if model.recipe.name == recipe.name:
            raise InputError(f"--with {name}: the release publishes {recipe.name} itself; leave it out")
        if model.base.resolve() not in bases:
            bases.add(model.base.resolve())
            found.append(Repo(f"base.{name}", "model", f"{namespace}/{model.base.name}"))
        found.append(Repo(f"adapter.{name}", "model", f"{namespace}/{model.recipe.name}"))
    return found


def check_repo_ids(repos: Iterable[Repo]) -> None:
    """Raise InputError if the Hub accepts no repo of such an id: characters that are wrong, or two of one name."""
    repos = list(repos)
    names = [(repo.type, repo.id.lower()) for repo in repos if not repo.kind.endswith("script")]
    for kind, name in names:
        if names.count((kind, name)) > 1:
            raise InputError(f"two repos of the release are called {name}; give the recipe another name than its base")
    for repo in repos:
        try:
            validate_repo_id(repo.id)
        except HFValidationError as error:
            raise InputError(f"{repo.id!r} is not a valid name of a Hub repo: {first_line(error)}") from None


def stage(
    recipe: Recipe, namespace: str, *, dataset: Path, run: Path, scores: Path, out: Path, merged: bool = False,
    stated_licence: str | None = None, others: Sequence[Path] = (), along: Sequence[str] = (),
) -> Path:  # fmt: skip
    """Write all folders below ``out``, and ``out/release.json`` with the plan. An older stage is replaced.

    Args:
        recipe: the recipe that was trained.
        namespace: the user or organisation that will own the repos.
        dataset: the folder that ``build`` wrote.
        run: the folder of the training run.
        scores: a folder with the scores in ``base/`` and ``adapter/``.
        out: the folder to write.
        merged: also stage base and adapter as one model.
        stated_licence: id of the base's licence, if the base's card has none.
        others: folders with the scores of other models on the same rows, for the demo's table.
        along: names of adapters of the package that are published too. The demo begins with the first.

    Returns:
        ``out``.

    Raises:
        InputError: an input is missing or was made from another one, `check_recipe` refuses the recipe, the base's
            licence is unknown, another model answered other rows, or a card breaks a rule of
            ``arith_puzzle.model_cards.check``.
    """
    check_recipe(recipe)
    licence = base_licence(recipe.base_path, recipe.model.revision, stated=stated_licence)
    repos = plan(recipe, namespace, merged=merged, along=along)
    ids = {f"{repo.kind}_id": repo.id for repo in repos}
    inputs = Inputs(recipe, ids, TAG, licence, dataset=dataset, run=run, scores=scores, others=others, along=along)
    stagers = {
        repo: partial(_SHIPPED[repo.role], repo_id=repo.id, model=inputs.along[repo.shipped], inputs=inputs)
        if repo.shipped
        else partial(_STAGERS[repo.kind], inputs=inputs)
        for repo in repos
    }
    notes = {"dataset": NOTES["dataset"]}
    for name, model in inputs.along.items():
        notes |= {f"adapter.{name}": model.note, f"base.{name}": f"The base of {model.recipe.name}"}
    notes = with_scores(notes | NOTES, inputs.compared)
    return write_stage(out, namespace, stagers, PAPER, "The paper that introduced the puzzle", recipe, notes)


def write_stage(
    out: Path, namespace: str, stagers: dict[Repo, Callable[[Path], None]], paper: str, note: str,
    recipe: Recipe | None = None, notes: Mapping[str, str] = NOTES,
) -> Path:  # fmt: skip
    """Replace ``out`` by a complete stage, or leave it unchanged if an error occurs.

    Args:
        stagers: for each repo, in the order of publishing, the function that fills its folder.
        paper: arXiv id of the paper that goes into the collection.
        note: the paper's note in the collection.
        recipe: what was trained, if anything. Publishing compares it.
        notes: those of the repos, as NOTES.

    Raises:
        InputError: a stager raises it, or a card breaks a rule of ``arith_puzzle.model_cards.check``.
    """
    check_repo_ids(stagers)
    items = [{"item_type": "paper", "item_id": paper, "note": note}, *collection_items(list(stagers), notes)]
    unfinished = out.with_name(out.name + ".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        for repo, fill in stagers.items():
            folder = unfinished / repo.kind
            try:
                fill(folder)
                check_card((folder / "README.md").read_text(encoding="utf-8"), repo.type, folder)
            except InputError as error:
                raise InputError(f"staging {repo.id}: {error}") from None
        write_json(
            unfinished / "release.json",
            {"tag": TAG, "namespace": namespace, "collection": COLLECTION_TITLE,
             "recipe_digest": recipe and recipe.digest, "repos": [asdict(repo) for repo in stagers],
             "collection_items": items},
        )  # fmt: skip
        shutil.rmtree(out, ignore_errors=True)
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return out


def collection_items(repos: list[Repo], notes: Mapping[str, str] = NOTES) -> list[dict]:
    """The collection's items, in its order: the arguments of ``HfApi.add_collection_item`` except the slug."""
    by_kind = {repo.kind: repo for repo in repos}
    return [
        {"item_type": by_kind[kind].type, "item_id": by_kind[kind].id, "note": note}
        for kind, note in notes.items()
        if kind in by_kind
    ]


def read_plan(staged: Path) -> tuple[dict, list[Repo]]:
    """A stage's ``release.json`` and its repos. Raises InputError if ``staged`` is not a complete stage."""
    record = read_json(staged / "release.json")
    return record, [Repo(**repo) for repo in record["repos"]]


def _stage_dataset(folder: Path, inputs: Inputs) -> None:
    shutil.copytree(inputs.dataset, folder, ignore=shutil.ignore_patterns(".*"))
    metric_id = inputs.ids["metric_id"]
    if inputs.manifest.get("own"):
        splits = inputs.manifest["configs"][inputs.recipe.dataset.config]["splits"].values()
        write_text(folder / "README.md", str(own_card(inputs.dataset, sum(item["rows"] for item in splits))))
        write_json(folder / "manifest.json", inputs.manifest)
        return
    manifest = inputs.manifest | ({"default": "1m"} if "1m" in inputs.manifest["configs"] else {})
    write_text(folder / "README.md", render.dataset_card(manifest, inputs.ids["dataset_id"], metric_id))
    write_text(folder / "eval.yaml", benchmark.eval_yaml(inputs.manifest, metric_id))
    stage_script(folder.with_name(SCRIPT_FOLDER), inputs.ids["dataset_id"])


def stage_metric(folder: Path, inputs: Inputs) -> None:
    """The metric's folder. It also contains the inspect-ai task, with the modules that the task imports."""
    shutil.copytree(PACKAGE / METRIC, folder, ignore=CACHES)
    shutil.copytree(PACKAGE / INSPECT_TASK, folder / "inspect_task", ignore=CACHES)
    copy_imported(PACKAGE / INSPECT_TASK, folder / "inspect_task")
    card = render.space_card(
        (folder / "README.md").read_text(), inputs.placeholders(), datasets=[inputs.ids["dataset_id"]]
    )
    write_text(folder / "README.md", card)


def _stage_environment(folder: Path, inputs: Inputs) -> None:
    shutil.copytree(PACKAGE / ENVIRONMENT, folder, ignore=CACHES)
    copy_imported(PACKAGE / ENVIRONMENT, folder)
    names = inputs.placeholders() | {"repo_id": inputs.ids["environment_id"]}
    text = (folder / "README.md").read_text()
    write_text(folder / "README.md", render.space_card(text, names, datasets=[inputs.ids["dataset_id"]]))


def study_of(recipe_digest: str, *, placed: Path) -> Path | None:
    """The scaling study for the demo: the file ``placed`` if it exists, else the one of ``results/`` on this recipe."""
    if placed.is_file():
        return placed
    for path in sorted((PACKAGE / "results").glob("*/scaling.json")):
        recipe = shipped(read_json(path)["study"]["recipe"])
        if recipe.is_file() and load_recipe(recipe).digest == recipe_digest:
            return path
    return None


def _stage_adapter(folder: Path, inputs: Inputs) -> None:
    copy_model(inputs.run, folder)
    config = read_json(folder / "adapter_config.json")
    config |= {"base_model_name_or_path": inputs.ids["base_id"], "revision": inputs.base_revision}
    write_json(folder / "adapter_config.json", config)
    for who in ("base", "adapter"):
        for path in sorted((inputs.scores / who).glob("generations-*.jsonl")):
            target = folder / "generations" / f"{who}-{path.name.removeprefix('generations-')}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)
    record, results = inputs.run_record(), inputs.results
    write_json(folder / "run.json", record)
    write_json(folder / "results.json", results)
    scaling = study_of(record["recipe_digest"], placed=inputs.scores / "scaling.json")
    if scaling is not None:
        shutil.copy(scaling, folder / "scaling.json")
    _write_eval_results(folder, inputs.ids["adapter_id"], inputs, results["adapter"])
    plot_by_n(results, folder / "plots" / "by_n.png")
    plot_reasons(results, folder / "plots" / "reasons.png")
    plot_training(record["log"], folder / "plots")
    if inputs.own_base:
        copy_notices(inputs.recipe.base_path, folder)
    card = render.adapter_card(
        inputs.names("adapter"), record, results["base"], results["adapter"],
        base_run=inputs.base_record(), manifest=inputs.manifest, example=inputs.example, licence=inputs.licence,
    )  # fmt: skip
    write_text(folder / "README.md", card)


def _stage_base(folder: Path, inputs: Inputs) -> None:
    source, results = Path(inputs.recipe.base_path), inputs.results["base"]
    copy_model(source, folder)
    copy_notices(str(source), folder)
    write_json(folder / "results.json", results)
    _write_eval_results(folder, inputs.ids["base_id"], inputs, results)
    names, shared = inputs.names("base"), {"manifest": inputs.manifest, "licence": inputs.licence}
    record = inputs.base_record()
    if record is None:
        (folder / "run.json").unlink(missing_ok=True)  # it may name folders of this machine
        original = ORIGINAL_CARD if (source / "README.md").is_file() else None
        if original:
            shutil.copy(source / "README.md", folder / original)
        card = render.given_base_card(names, results, example=inputs.example, original=original, **shared)
    else:
        write_json(folder / "run.json", record)
        plot_loss(record["log"], folder / "plots" / "loss.png")
        card = render.base_card(names, record, results, config=read_json(folder / "config.json"), **shared)
    write_text(folder / "README.md", card)


def _stage_merged(folder: Path, inputs: Inputs) -> None:
    from arith_puzzle.evaluation.merge import merge_adapter

    merge_adapter(
        str(inputs.run), folder, base=inputs.recipe.base_path, name=inputs.ids["base_id"],
        revision=None if inputs.own_base else inputs.base_revision, prompts=[inputs.example["prompt"]],
    )  # fmt: skip
    copy_notices(inputs.recipe.base_path, folder, None if inputs.own_base else inputs.base_revision)
    card = render.merged_card(
        inputs.names("merged") | {"adapter_revision": TAG}, inputs.run_record(), inputs.results["adapter"],
        manifest=inputs.manifest, example=inputs.example, licence=inputs.licence,
    )  # fmt: skip
    write_text(folder / "README.md", card)


def _stage_demo(folder: Path, inputs: Inputs) -> None:
    shutil.copytree(PACKAGE / DEMO, folder, ignore=CACHES)
    copy_imported(PACKAGE / DEMO, folder)
    ids, answers = inputs.ids, inputs.recipe.score.format
    names = inputs.placeholders() | {"repo_id": ids["demo_id"]}
    shipped = [inputs.shipped_names(model) | {"format": model.recipe.score.format} for model in inputs.along.values()]
    along = [{"adapter": each["adapter_id"], "adapter_revision": TAG, "format": each["format"]} for each in shipped]
    models = [each[key] for each in (*shipped, ids) for key in ("adapter_id", "base_id")]
    card = render.space_card((folder / "README.md").read_text(), names, models=list(dict.fromkeys(models)),
                             datasets=[ids["dataset_id"]])  # fmt: skip
    write_text(folder / "README.md", card)
    write_json(folder / "comparison.json", {"splits": inputs.compared})
    write_json(
        folder / "settings.json",
        {
            "adapter": ids["adapter_id"],
            "adapter_revision": TAG,
            "dataset": ids["dataset_id"],
            "dataset_revision": TAG,
            "config": inputs.recipe.dataset.config,
            "split": inputs.first_split,
            "comparison": "comparison.json",
            **({"along": along} if along else {}),
            **({} if answers == "symbolic" else {"format": answers}),
            **({"rules": inputs.example["rules"]} if inputs.example["rules"] else {}),
            **({"chat": asdict(inputs.recipe.chat)} if inputs.recipe.chat else {}),
        },
    )


_STAGERS = {
    "base": _stage_base,
    "dataset": _stage_dataset,
    "metric": stage_metric,
    "environment": _stage_environment,
    "adapter": _stage_adapter,
    "merged": _stage_merged,
    "demo": _stage_demo,
}
_SHIPPED = {"base": stage_shipped_base, "adapter": stage_shipped_adapter}
"""Role of the repo of an adapter of the package -> what stages it."""


def _write_eval_results(folder: Path, repo_id: str, inputs: Inputs, results: dict) -> None:
    if inputs.manifest.get("own"):
        return  # only the project's own splits are a benchmark
    path = folder / benchmark.RESULTS_FILE
    path.parent.mkdir()
    write_text(path, benchmark.eval_results(repo_id, inputs.ids["dataset_id"], results))
