"""Run a whole release, from recipe to check, in six steps. A step whose result exists is skipped.

`build_dataset` and `write_card` need only the core dependencies, because ``arith-puzzle build`` uses them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from arith_puzzle.common import files
from arith_puzzle.common.errors import InputError
from arith_puzzle.training.launch import launch
from arith_puzzle.training.recipe import Recipe

STEPS = ("build", "train", "score", "stage", "publish", "check")


class Work:
    """The paths of a release's parts.

    Args:
        root: the folder of the release.
        stage: name of the folder for the stage.
        dataset: folder of the rows, if the release does not build them.
    """

    def __init__(self, root: Path, stage: str = "stage", dataset: Path | None = None):
        self.root = root
        self.dataset = dataset or root / "arith-puzzle"
        self.run = root / "train"
        self.scores = root / "score"
        self.stage = root / stage
        self.checked = root / "checked.json"

    def claim(self) -> contextlib.AbstractContextManager:
        """Lock the folder for the block. Raises InputError if another process works in it."""
        return files.locked(self.root, "working in")


def say(step: str, text: str) -> None:
    """Print a line about a step on standard output."""
    print(f"[{STEPS.index(step) + 1}/{len(STEPS)}] {step:<8}{text}", flush=True)


def build_dataset(config: str, out: Path, *, seed: int | None, workers: int, **completions: object) -> dict:
    """Build a config and write the dataset's local card. Returns the manifest."""
    from arith_puzzle.dataset_builder.shards import build

    return build(config, out, seed=seed, workers=workers, finish=write_card, **completions)


def build_with_executor(config: str, out: str, executor: str, **options) -> dict | None:
    """Build a config by tasks of datatrove, to any address. Returns the manifest, or None if a job writes it later."""
    from arith_puzzle.dataset_builder.distributed.executors import build

    if "time" in options:
        options["time_limit"] = options.pop("time")
    return build(config, out, executor=executor, finish=write_card, **options)


def collect_dataset(config: str, out: str, **options) -> dict:
    """Write the manifest and card of a dataset whose shards all exist. Returns the manifest."""
    from arith_puzzle.dataset_builder.distributed.executors import collect

    return collect(config, out, finish=write_card, **options)


def write_card(manifest: dict, place) -> None:
    """Write the dataset's local card beside its manifest.

    Args:
        manifest: of the dataset.
        place: its folder, a Path or an ``arith_puzzle.dataset_builder.distributed.remote.Remote``.
    """
    from arith_puzzle.model_cards.render import dataset_card

    card, text = place / "README.md", dataset_card(manifest, place.name)
    if not card.is_file() or card.read_text() != text:
        _write(card, text)


def make_default(name: str, out: str) -> None:
    """Make a built config the one that ``load_dataset`` takes if none is named: in the manifest, and in the card.

    Args:
        name: name of the config in the manifest.
        out: folder or fsspec address of the dataset.
    """
    from arith_puzzle.dataset_builder.shards import building

    place = Path(out)
    if "://" in out:
        from arith_puzzle.dataset_builder.distributed.remote import place_of

        place = place_of(out)
    with building(place):
        manifest = json.loads((place / "manifest.json").read_text()) | {"default": name}
        _write(place / "manifest.json", json.dumps(manifest, indent=1) + "\n")
        write_card(manifest, place)


def _write(path, text: str) -> None:
    if isinstance(path, Path):
        files.write_text(path, text)
        return
    from arith_puzzle.dataset_builder.distributed.remote import write_text

    write_text(path, text)


def score_models(recipe: Recipe, work: Work) -> dict[str, dict]:
    """Score the base and the adapter on the recipe's splits. Returns {"base": results, "adapter": results}.

    Raises:
        InputError: the adapter gives the same answers as its base, so there is nothing to release.
    """
    from arith_puzzle.evaluation.score import score, summary

    results = {}
    few = min(filter(None, (recipe.score.base_limit, recipe.score.limit)), default=None)
    for who, adapter, limit in (("base", None, few), ("adapter", str(work.run), recipe.score.limit)):
        results[who] = score(
            recipe.base_path, adapter, str(work.dataset), recipe.dataset.config, recipe.score.splits, work.scores / who,
            prompt_format=recipe.score.format, batch_size=recipe.score.batch_size,
            max_new_tokens=recipe.score.max_new_tokens, name=who, model_revision=recipe.model.revision,
            limit=limit, chat=recipe.chat,
        )  # fmt: skip
        say("score", summary(results[who]))
    if all(_same_answers(work, split) for split in results["adapter"]["splits"]):
        raise InputError(f"the adapter in {work.run} answers every scored row as its base does, so it does nothing; "
                         "train it longer, or at a higher sft.learning_rate")  # fmt: skip
    return results


def _same_answers(work: Work, split: str) -> bool:
    """Whether the adapter answers the rows that its base answers as the base does."""
    base, adapter = (
        (work.scores / who / f"generations-{split}.jsonl").read_text().splitlines() for who in ("base", "adapter")
    )
    return adapter[: len(base)] == base


def release(
    recipe_path: Path,
    recipe: Recipe,
    work: Work,
    *,
    to: str,
    namespace: str | None,
    private: bool,
    merged: bool = False,
    stated_licence: str | None = None,
    others: Sequence[Path] = (),
    along: Sequence[str] = (),
) -> None:
    """Run all steps in order.

    Args:
        recipe_path, recipe: the recipe's file, and its content.
        work: the folders of the release.
        to: "local" or "hub".
        namespace: the user or organisation that will own the repos. None: the token's user.
        private: keep repos without a published version private.
        merged: also publish base and adapter as one model.
        stated_licence: id of the base's licence, if the base's card has none.
        others: folders with the scores of other models, for the demo's table.
        along: names of adapters of the package that are published too.

    Raises:
        InputError: bad input, in any step.
        CheckFailed: what is published is not what was staged.
    """
    from huggingface_hub import constants

    from arith_puzzle.common.provenance import check_no_pattern
    from arith_puzzle.dataset_builder.configs import find_config
    from arith_puzzle.model_cards.licence import base_licence
    from arith_puzzle.model_cards.shipped import read_shipped
    from arith_puzzle.release.compare import read_others
    from arith_puzzle.release.diff import require_free_names
    from arith_puzzle.release.hub import connect
    from arith_puzzle.release.inputs import check_recipe, check_splits
    from arith_puzzle.release.own_data import describe, own_card, own_dataset
    from arith_puzzle.release.publish import namespace_of, publish
    from arith_puzzle.release.stage import TAG, check_repo_ids, plan, stage

    if constants.HF_HUB_OFFLINE:
        raise InputError("a release publishes to a Hub, and HF_HUB_OFFLINE is set; unset it")
    check_no_pattern(work.root)
    check_recipe(recipe)
    read_others(others)
    check_repo_ids(plan(recipe, namespace or "local", merged=merged, along=along))
    base_licence(recipe.base_path, recipe.model.revision, stated=stated_licence)
    config = recipe.dataset.config
    if own_dataset(recipe):
        if not (work.dataset / "manifest.json").is_file():
            own_card(work.dataset)
        manifest = describe(work.dataset, config)
        splits = manifest["configs"][config]["splits"]
    else:
        name, content = find_config(config)
        if name != config:
            raise InputError(f"{recipe.name}: dataset.config is a name, not a file; build {config} into a folder, and "
                             f"give dataset.path that folder and dataset.config {name!r}")  # fmt: skip
        splits = content.splits
    check_splits(recipe, splits)
    trained = (work.run / "run.json").is_file()
    with destination(to, work.root) as (api, _):
        owner = namespace or namespace_of(api)
        repos = plan(recipe, owner, merged=merged, along=along)
        weights = {"base": Path(recipe.base_path)}
        for name in along:
            model = read_shipped(name)
            weights |= {f"base.{name}": model.base, f"adapter.{name}": model.folder}
        with connect(api) as hub:
            require_free_names(hub, repos, TAG, weights=weights, again=trained or to == "local")
    if not own_dataset(recipe):
        manifest = build_dataset(config, work.dataset, seed=recipe.dataset.seed, workers=2)
    counts = {name: item["rows"] for name, item in manifest["configs"][config]["splits"].items()}
    say("build", f"{work.dataset}: " + ", ".join(f"{name} {rows:,}" for name, rows in counts.items()))

    status = launch(recipe_path, out=work.run, dataset=work.dataset)
    if status:
        raise InputError(f"training ended with status {status}; its own message is above")
    run = json.loads((work.run / "run.json").read_text())
    say("train", f"{work.run}: {run['rows']:,} rows, {run['seconds']:.0f} s, loss {run['train_loss']:.3f}")

    score_models(recipe, work)
    with destination(to, work.root) as (api, token):
        stage(recipe, owner, dataset=work.dataset, run=work.run, scores=work.scores, out=work.stage,
              merged=merged, stated_licence=stated_licence, others=others, along=along)  # fmt: skip
        say("stage", f"{work.stage}: {', '.join(sorted(p.name for p in work.stage.iterdir() if p.is_dir()))}")
        published = publish(work.stage, api, private=private, move_tags=to == "local")
        say("publish", f"{api.endpoint}/collections/{published['collection']}")
        check_published(work, api.endpoint, published, token=token if private else None, shared=to == "hub")


def check_published(work: Work, endpoint: str, published: dict, *, token: str | None, shared: bool) -> None:
    """Check what was published, unless an earlier check has passed for the same commits."""
    from arith_puzzle.release.check import check

    seen = hashlib.sha256(json.dumps(published, sort_keys=True).encode()).hexdigest()
    if work.checked.is_file() and json.loads(work.checked.read_text())["published"] == seen:
        say("check", "these commits have been checked already")
        return
    check(work.stage, endpoint, token=token, shared=shared)
    work.checked.write_text(json.dumps({"published": seen, "commits": published}, indent=1) + "\n")
    say(
        "check",
        "all files equal the staged ones; dataset, metric, environment, models, demo and the cards' snippets work",
    )


@contextlib.contextmanager
def destination(to: str, root: Path, *, port: int = 0) -> Iterator[tuple]:
    """(HfApi, token) of the real Hub, or of a local Hub that serves the folder ``root/hub`` until the block ends."""
    if to == "hub":
        from huggingface_hub import HfApi, get_token

        yield HfApi(), get_token()
        return
    from huggingface_hub import HfApi, constants

    from arith_puzzle.local_hub import running

    # The local Hub does not serve Xet. The library has read its environment, so it is told both ways.
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # for processes that start from here
    constants.HF_HUB_DISABLE_XET = True  # for this process
    with contextlib.ExitStack() as stack:
        try:
            hub = stack.enter_context(running(root / "hub", port=port))
        except (OSError, ValueError) as error:
            raise InputError(f"the local Hub cannot start: {error}") from None
        yield HfApi(endpoint=hub.endpoint, token=hub.token), hub.token
