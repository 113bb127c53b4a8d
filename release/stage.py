"""Stage a release: one complete folder per Hub repo, with cards rendered from what the run wrote.

Nothing here talks to a Hub. The same inputs give the same bytes, so publishing twice changes nothing.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from dataset_builder.errors import InputError
from dataset_builder.loading_script import stage_script
from model_cards.render import adapter_card, base_card, check_card, dataset_card
from training.recipe import ROOT, Recipe

TAG = f"v{version('arith-puzzle')}"
SCRIPT_FOLDER = "dataset-script"
"""The folder for the dataset repo's revision ``script``; on ``main`` it would break ``load_dataset``."""
COLLECTION_TITLE = "arith-puzzle: data, verifier, models, demo"

SPACE_MODULES = (
    "dataset_builder/__init__.py",
    "dataset_builder/errors.py",
    "dataset_builder/puzzle.py",
    "dataset_builder/solve.py",
    "metrics/__init__.py",
    "metrics/arith_puzzle_verifier/__init__.py",
    "metrics/arith_puzzle_verifier/verify.py",
    "training/__init__.py",
    "training/inference.py",
)
"""What the demo's Space imports from the rest of the checkout; staged beside its app, byte for byte."""

_CACHES = shutil.ignore_patterns("__pycache__", "*.pyc", ".gradio")


@dataclass(frozen=True)
class Repo:
    """A repo to publish: ``kind`` is its folder's name in the stage, ``type`` the Hub's repo type."""

    kind: str
    type: str
    id: str


def plan(recipe: Recipe, namespace: str) -> list[Repo]:
    """The repos of a release in the order in which they are published: what others refer to comes first."""
    own_base = Path(recipe.base_path).is_dir()
    repos = [
        Repo("base", "model", f"{namespace}/{Path(recipe.base_path).name}") if own_base else None,
        Repo("dataset", "dataset", f"{namespace}/arith-puzzle"),
        Repo("metric", "space", f"{namespace}/arith_puzzle_verifier"),
        Repo("adapter", "model", f"{namespace}/{recipe.name}"),
        Repo("demo", "space", f"{namespace}/arith-puzzle-demo"),
    ]
    return [repo for repo in repos if repo]


def stage(recipe: Recipe, namespace: str, *, dataset: Path, run: Path, scores: Path, out: Path) -> Path:
    """Write all folders below ``out``, and ``out/release.json`` with the plan. An older stage is replaced.

    Args:
        dataset: as ``build`` wrote it. run: the training's folder. scores: with ``base/`` and ``adapter/``.

    Raises:
        InputError: an input is missing, or a card lacks a required field.
    """
    if recipe.lora is None:
        raise InputError(f"a release publishes a LoRA adapter; the recipe {recipe.name!r} has no 'lora' section")
    repos = plan(recipe, namespace)
    ids = {f"{repo.kind}_id": repo.id for repo in repos}
    ids.setdefault("base_id", recipe.model.base)
    manifest, run_record = _read(dataset / "manifest.json"), _read(run / "run.json")
    results = {who: _hub_results(_read(scores / who / "results.json"), ids) for who in ("base", "adapter")}
    example = _first_row(scores)

    partial = out.with_name(out.name + ".tmp")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)

    shutil.copytree(dataset, partial / "dataset", ignore=shutil.ignore_patterns(".*"))
    (partial / "dataset" / "README.md").write_text(dataset_card(manifest, ids["dataset_id"], ids["metric_id"]))

    stage_script(partial / SCRIPT_FOLDER, ids["dataset_id"])

    metric = partial / "metric"
    shutil.copytree(ROOT / "metrics" / "arith_puzzle_verifier", metric, ignore=_CACHES)
    card = (metric / "README.md").read_text().replace("<namespace>", namespace)
    check_card(card, "space")
    (metric / "README.md").write_text(card)

    _stage_adapter(partial / "adapter", ids, recipe, run, run_record, scores, results, example)
    if "base" in {repo.kind for repo in repos}:
        _copy_model(Path(recipe.base_path), partial / "base")
        names = {"repo_id": ids["base_id"]} | {key: ids[key] for key in ("adapter_id", "dataset_id", "metric_id")}
        (partial / "base" / "README.md").write_text(
            base_card(names, _read(partial / "base" / "run.json"), results["base"])
        )
        _write_json(partial / "base" / "results.json", results["base"])

    _stage_demo(partial / "demo", ids, recipe)
    _write_json(
        partial / "release.json",
        {"tag": TAG, "namespace": namespace, "collection": COLLECTION_TITLE, "repos": [asdict(r) for r in repos]},
    )
    shutil.rmtree(out, ignore_errors=True)
    partial.rename(out)
    return out


def read_plan(staged: Path) -> tuple[dict, list[Repo]]:
    """A stage's ``release.json`` and its repos. Raises InputError if ``staged`` is not a whole stage."""
    record = _read(staged / "release.json")
    return record, [Repo(**repo) for repo in record["repos"]]


def _stage_adapter(folder, ids, recipe, run, run_record, scores, results, example) -> None:
    _copy_model(run, folder)
    config = _read(folder / "adapter_config.json")
    config["base_model_name_or_path"] = ids["base_id"]
    # PEFT leaves the revision open; ours is the tag that is published with the base
    config["revision"] = TAG if Path(recipe.base_path).is_dir() else recipe.model.revision
    _write_json(folder / "adapter_config.json", config)
    _write_json(folder / "results.json", results)
    for who in ("base", "adapter"):
        for path in sorted((scores / who).glob("generations-*.jsonl")):
            target = folder / "generations" / f"{who}-{path.name.removeprefix('generations-')}"
            target.parent.mkdir(exist_ok=True)
            shutil.copy(path, target)
    names = {"repo_id": ids["adapter_id"]} | {key: ids[key] for key in ("base_id", "dataset_id", "metric_id")}
    (folder / "README.md").write_text(adapter_card(names, run_record, results["base"], results["adapter"], example))


def _copy_model(run: Path, folder: Path) -> None:
    """Weights, tokenizer and records of a run; not its curves' database, checkpoints or claim."""
    folder.mkdir()
    for path in sorted(run.iterdir()):
        if path.suffix in (".json", ".safetensors", ".jinja", ".model") and path.name != "recipe.json":
            shutil.copy(path, folder)


def _stage_demo(folder: Path, ids: dict, recipe: Recipe) -> None:
    shutil.copytree(ROOT / "spaces" / "arith_puzzle_demo", folder, ignore=_CACHES)
    for module in SPACE_MODULES:
        target = folder / module
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / module, target)
    check_card((folder / "README.md").read_text(), "space")
    _write_json(
        folder / "settings.json",
        {
            "adapter": ids["adapter_id"],
            "adapter_revision": TAG,
            "dataset": ids["dataset_id"],
            "dataset_revision": TAG,
            "config": recipe.dataset.config,
            "split": recipe.score.splits[0],
        },
    )


def _hub_results(results: dict, ids: dict) -> dict:
    """Results with Hub ids in place of this machine's folders."""
    adapter = results["adapter"] is not None
    return results | {
        "name": ids["adapter_id"] if adapter else ids["base_id"],
        "model": ids["base_id"],
        "adapter": ids["adapter_id"] if adapter else None,
        "dataset": ids["dataset_id"],
    }


def _first_row(scores: Path) -> dict:
    """The first scored puzzle, for the card's snippet."""
    from dataset_builder.puzzle import symbolic_prompt

    path = sorted((scores / "adapter").glob("generations-*.jsonl"))[0]
    with path.open() as file:
        row = json.loads(file.readline())
    return {"prompt": symbolic_prompt(row["numbers"], row["target"])}


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing; run the stage that writes it first (arith-puzzle --help)") from None
    except ValueError:
        raise InputError(f"{path} is not JSON; delete it and run the stage that writes it") from None


def _write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
