"""What a release publishes together belongs together: run, scores, base, rows and recipe; the files of a base."""

import json
import shutil
from dataclasses import replace

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.provenance import model_content
from arith_puzzle.release.diff import DERIVED, SHARED, Stage
from arith_puzzle.release.stage import stage
from arith_puzzle.training.recipe import load_recipe
from tests.release.staging import recorded

RECIPE = load_recipe("tiny_cpu")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("recipe", "holds another recipe's run; give that recipe, or train this one in another --work"),
        ("base", "was made from another base than there is now; put that base back, or train in another --work"),
        ("rows", "was made from another dataset than there is now; put that dataset back"),
        (
            "scored rows",
            r"the scores in .*base are of another dataset than there is now; delete that folder, and score",
        ),
        ("adapter", r"the scores in .*adapter are of another adapter than there is now"),
        ("answers", r"the scores in .*adapter are of another file generations-test.jsonl than there is now"),
    ],
)
def test_what_was_replaced_after_training_or_scoring_is_not_published(inputs, tmp_path, where, said):
    base = shutil.copytree(RECIPE.base_path, tmp_path / "arith-tiny")
    recipe = replace(RECIPE, model=replace(RECIPE.model, base=str(base)))
    own = recorded(
        recipe, inputs | {"dataset": shutil.copytree(inputs["dataset"], tmp_path / "arith-puzzle")}, tmp_path
    )
    stage(recipe, "local", out=tmp_path / "stage", **own)
    if where == "recipe":
        recipe = replace(recipe, seed=7)
    rows = own["dataset"] / "starter"
    changed = {
        "base": base / "config.json", "rows": rows / "train-00000.parquet", "scored rows": rows / "test-00000.parquet",
        "adapter": own["run"] / "adapter_config.json", "answers": own["scores"] / "adapter" / "generations-test.jsonl",
    }.get(where)  # fmt: skip
    if changed:
        changed.write_bytes(changed.read_bytes() + b"\n")
    with pytest.raises(InputError, match=said) as caught:
        stage(recipe, "local", out=tmp_path / "again", **own)
    assert "\n" not in str(caught.value) and not (tmp_path / "again").exists()


def test_a_base_is_published_with_all_files_that_its_tokenizer_needs(inputs, tmp_path):
    """As those of GPT-2: vocab.json and merges.txt, without tokenizer.json."""
    from tokenizers import Tokenizer

    base = shutil.copytree(RECIPE.base_path, tmp_path / "arith-tiny")
    vocabulary = Tokenizer.from_file(str(base / "tokenizer.json")).get_vocab()
    (base / "tokenizer.json").unlink()
    (base / "vocab.json").write_text(json.dumps(vocabulary))
    (base / "merges.txt").write_text("#version: 0.2\n")
    recipe = replace(RECIPE, model=replace(RECIPE.model, base=str(base)))
    out = stage(recipe, "local", out=tmp_path / "stage", **recorded(recipe, inputs, tmp_path))
    assert model_content(str(out / "base")) == model_content(str(base)) and (out / "base" / "merges.txt").is_file()


def test_two_adapters_on_one_base_differ_only_in_what_staging_derives(inputs, tmp_path):
    """So ``diff`` takes base, dataset and metric of the first for the second, and each has a demo of its own."""
    stages = []
    for name in ("first", "second"):
        recipe = replace(RECIPE, name=name, seed=len(name))
        own = recorded(recipe, inputs, tmp_path / name)
        results = json.loads((own["scores"] / "base" / "results.json").read_text())
        results["decoding"]["max_new_tokens"] += len(name)
        (own["scores"] / "base" / "results.json").write_text(json.dumps(results))
        stages.append(Stage(stage(recipe, "me", out=tmp_path / f"stage-{name}", **own)))
    assert [each.ids["demo"] for each in stages] == ["me/first-demo", "me/second-demo"]
    for repo in stages[0].repos:
        first, second = (
            {path: upload.upload_info.sha256 for path, upload in each.files(repo.kind).items()} for each in stages
        )
        differ = {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}
        assert all(map(DERIVED.fullmatch, differ)) or repo.kind not in SHARED, differ
        assert differ or repo.kind not in ("base", "adapter", "demo")
