"""For the tests of publishing: write a small stage with the real layout, and read what a Hub contains."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import asdict
from pathlib import Path

from huggingface_hub import HfApi, RepoFile
from huggingface_hub.errors import RepositoryNotFoundError

from arith_puzzle.common.files import file_sha256
from arith_puzzle.common.provenance import dataset_content, model_content
from arith_puzzle.release.diff import Stage
from arith_puzzle.release.hub import where
from arith_puzzle.release.stage import Repo, collection_items, read_plan
from arith_puzzle.training.data.token_cache import split_content
from arith_puzzle.training.recipe import Recipe, load_recipe

WRITES = ("POST", "PUT", "PATCH", "DELETE")
RECIPE = "training/recipes/tiny_cpu.yaml"
CARD = "---\nlicense: apache-2.0\n{more}---\n\n# {name}\n\nOf version {version}.\n"


def write_stage(
    root: Path, version: str = "0.1.0", namespace: str = "local", *, extra: int = 0, along: str | None = None
) -> Path:
    """Write folders for all six repos. Versions differ in weights, data and cards, and each has a file of its own.

    Args:
        extra: size in bytes of another large file in the dataset.
        along: name of an adapter of the package; then there are a base and an adapter of that name too.
    """
    chance, tag = random.Random(version), f"v{version}"
    repos = [
        Repo("base", "model", f"{namespace}/arith-tiny"),
        Repo("dataset", "dataset", f"{namespace}/arith-puzzle"),
        Repo("metric", "space", f"{namespace}/arith_puzzle_verifier"),
        Repo("environment", "space", f"{namespace}/arith-puzzle-env"),
        Repo("adapter", "model", f"{namespace}/arith-puzzle-arith-tiny-lora"),
        *([Repo(f"base.{along}", "model", f"{namespace}/arith-tiny-search"),
           Repo(f"adapter.{along}", "model", f"{namespace}/arith-puzzle-search-lora")] if along else []),
        Repo("demo", "space", f"{namespace}/arith-puzzle-demo"),
    ]  # fmt: skip

    def write(path: str, content: str | bytes) -> None:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    for repo in repos:
        more = {"environment": "sdk: docker\n"}.get(repo.kind, "sdk: gradio\n") if repo.type == "space" else ""
        write(f"{repo.kind}/README.md", CARD.format(more=more, name=repo.id, version=version))
        write(f"{repo.kind}/only-in-{version}.txt", f"{repo.id}\n")
    write("base/model.safetensors", chance.randbytes(200_000))
    write("base/config.json", '{"model_type": "llama"}\n')
    write("dataset/starter/train-00000.parquet", chance.randbytes(300_000))
    write("dataset/manifest.json", json.dumps({"version": version}))
    if extra:
        write("dataset/starter/train-00001.parquet", chance.randbytes(extra))
    write("dataset-script/README.md", CARD.format(more="", name="script", version=version))
    write("dataset-script/arith-puzzle.py", f"VERSION = {version!r}\n")
    write("metric/app.py", "print('metric')\n")
    write("environment/Dockerfile", "FROM scratch\n")
    write("adapter/adapter_model.safetensors", chance.randbytes(50_000))
    config = {"base_model_name_or_path": repos[0].id, "revision": tag, "r": 4}
    write("adapter/adapter_config.json", json.dumps(config))
    write("adapter/.eval_results/arith-puzzle.yaml", f"- value: {chance.random()}\n")
    if along:
        base = next(repo.id for repo in repos if repo.kind == f"base.{along}")
        write(f"base.{along}/model.safetensors", chance.randbytes(60_000))
        write(f"adapter.{along}/adapter_model.safetensors", chance.randbytes(40_000))
        write(f"adapter.{along}/adapter_config.json", json.dumps({"base_model_name_or_path": base, "revision": tag}))
    write("demo/app.py", "print('demo')\n")
    write("demo/settings.json", json.dumps({"adapter_revision": tag}))
    plan = {
        "tag": tag, "namespace": namespace, "collection": "arith-puzzle", "recipe_digest": load_recipe(RECIPE).digest,
        "repos": [asdict(repo) for repo in repos],
        "collection_items": collection_items(repos),
    }  # fmt: skip
    write("release.json", json.dumps(plan))
    return root


def recorded(recipe: Recipe, inputs: dict[str, Path], root: Path) -> dict[str, Path]:
    """The arguments of ``stage``, with copies of run and scores whose records say that the recipe made them."""
    run, scores = (shutil.copytree(inputs[name], root / name) for name in ("run", "scores"))
    base = recipe.base_path
    known = model_content(base) if Path(base).is_dir() else f"{base}@0123abc"
    content = {"base": known, "dataset": split_content(recipe.dataset, str(inputs["dataset"]))}
    _change(run / "run.json", recipe_digest=recipe.digest, content=content)
    rows = dataset_content(str(inputs["dataset"]), recipe.dataset.config)
    for who, adapter in (("base", None), ("adapter", model_content(str(run)))):
        path = scores / who / "results.json"
        results = json.loads(path.read_text())
        for split, item in results["splits"].items():
            item["generations_sha256"] = file_sha256(scores / who / f"generations-{split}.jsonl")
        _change(path, splits=results["splits"], decoding=results["decoding"] | {"format": recipe.score.format},
                content={"model": known, "adapter": adapter, "dataset": rows})  # fmt: skip
    return inputs | {"run": run, "scores": scores}


def _change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def staged_tree(stage: Path, folder: str) -> dict[str, str]:
    """{path: SHA-256} of a folder of the stage."""
    return {path: upload.upload_info.sha256.hex() for path, upload in Stage(stage).files(folder).items()}


def hub_state(api: HfApi, stage: Path) -> dict:
    """All of a release that this token sees on a Hub: the trees of all refs, visibility, the collection.

    Trees are {path: hash}, without ids and times of commits. So the states of two Hubs can be compared.
    """
    record, repos = read_plan(stage)
    state = {}
    for repo in repos:
        try:
            info = api.repo_info(**where(repo))
        except RepositoryNotFoundError:
            continue
        refs = api.list_repo_refs(**where(repo))
        state[repo.kind] = {
            "private": info.private,
            "branches": {ref.name: tree(api, repo, ref.name) for ref in refs.branches},
            "tags": {ref.name: tree(api, repo, ref.name) for ref in refs.tags},
        }
    for collection in api.list_collections(owner=record["namespace"]):
        items = [(item.item_type, item.item_id, item.note) for item in api.get_collection(collection.slug).items]
        state[f"collection {collection.title}"] = {"private": collection.private, "items": items}
    return state


def tree(api: HfApi, repo: Repo, revision: str) -> dict[str, str]:
    entries = api.list_repo_tree(**where(repo), recursive=True, revision=revision)
    return {
        entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id
        for entry in entries
        if isinstance(entry, RepoFile) and entry.path != ".gitattributes"
    }


def commits(api: HfApi, stage: Path) -> dict[tuple[str, str], int]:
    """{(repo kind, branch): number of commits, without the first, which the Hub makes}"""
    _, repos = read_plan(stage)
    return {
        (repo.kind, ref.name): len(list(api.list_repo_commits(**where(repo), revision=ref.name))) - 1
        for repo in repos
        for ref in api.list_repo_refs(**where(repo)).branches
    }


def assert_nothing_half(seen: dict, *wholes: dict) -> None:
    """Each repo that the public sees is as in one of the complete releases, and no reference leads to nothing."""
    for kind, repo in seen.items():
        if kind.startswith("collection"):
            assert repo in [whole[kind] for whole in wholes], "a collection that is not full"
            assert len(seen) == len(wholes[0]), "a collection that lists what nobody sees"
            continue
        for name, files in repo["branches"].items():
            assert files in [whole[kind]["branches"][name] for whole in wholes], f"{kind}: {name} is half there"
        for whole in wholes:
            for name, files in whole[kind]["tags"].items():
                assert repo["tags"].get(name, files) == files, f"{kind}: the tag {name} marks something else"
        assert set(repo["tags"]) <= {name for whole in wholes for name in whole[kind]["tags"]}
    for kind, pinned in (("adapter", "base"), ("demo", "adapter")):
        for whole in wholes:
            if kind in seen and seen[kind]["branches"]["main"] == whole[kind]["branches"]["main"]:
                newest = max(whole[pinned]["tags"])
                assert newest in seen[pinned]["tags"], f"{kind} pins {pinned} at {newest}, which is not there"


def changes(hub) -> int:
    """Number of requests that could change the Hub. POST requests that only ask something do not count."""
    asking = hub.faults.count("POST", "/preupload/|/paths-info/|/validate-yaml|/objects/batch")
    return sum(hub.faults.count(method) for method in WRITES) - asking
