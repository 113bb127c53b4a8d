"""A release with rows of one's own: what is computed from them, and what is refused before anything is trained."""

import hashlib
import json
import re
from dataclasses import replace

import pytest
import yaml

from arith_puzzle.common.errors import InputError
from arith_puzzle.model_cards.wording import describe_shift, describe_split
from arith_puzzle.release.own_data import _data_files, describe, own_card, own_dataset
from arith_puzzle.release.stage import plan
from arith_puzzle.training.recipe import load_recipe
from tests.commands import command
from tests.paths import ROOT

RECIPE = load_recipe(ROOT / "training" / "recipes" / "tiny_cpu.yaml")
CARD = """---
license: cc-by-4.0
configs:
- config_name: mine
  data_files:
  - {split: train, path: train.jsonl}
  - {split: test, path: test.jsonl}
---
# Mine
"""
TRAIN = [{"numbers": [3, 4], "target": 12, "prompt": "3,4:12\n", "completion": "3*4=12"}]
TEST = [{"numbers": [2, 5, 90], "target": 100, "prompt": "2,5,90:100\n", "completion": "2*5=10\n10+90=100"}]


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "my-puzzles"
    out.mkdir()
    (out / "README.md").write_text(CARD)
    for name, rows in (("train", TRAIN), ("test", TEST)):
        (out / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return out


def recipe_on(path):
    return replace(RECIPE, dataset=replace(RECIPE.dataset, path=str(path), config="mine", rows=None))


def test_sizes_and_hashes_come_from_the_rows(folder):
    splits = describe(folder, "mine")["configs"]["mine"]["splits"]
    assert describe_split(splits["train"]) == "N=2, numbers up to 4, the largest at least 4"
    assert describe_shift(splits["test"], splits["train"]) == "sizes and numbers"
    (shard,) = splits["test"]["shards"]
    assert shard == {"rows": 1, "sha256": hashlib.sha256(b"2,5,90:100\n2*5=10\n10+90=100\n\n").hexdigest()}
    assert splits["test"]["by_n"] == {"3": 1}


def test_the_repo_is_named_like_the_folder_and_a_built_dataset_keeps_its_name(folder):
    def dataset_repo(recipe):
        return next(repo.id for repo in plan(recipe, "me") if repo.kind == "dataset")

    assert own_dataset(recipe_on(folder)) == folder and own_dataset(RECIPE) is None
    assert dataset_repo(recipe_on(folder)) == "me/my-puzzles" and dataset_repo(RECIPE) == "me/arith-puzzle"


def test_a_built_folder_keeps_its_manifest(starter):
    assert describe(starter[0], "starter") == starter[1]
    with pytest.raises(InputError, match="has no config 'mine'; it has starter"):
        describe(starter[0], "mine")


def test_the_card_keeps_its_text_and_gets_what_the_hub_needs(folder):
    from arith_puzzle.model_cards.check import check_card

    card = own_card(folder, 2)
    assert card.data.size_categories == ["n<1K"] and card.data.pretty_name == "my-puzzles"
    assert card.content.endswith("# Mine\n")
    check_card(str(card), "dataset")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("README.md", "license: cc-by-4.0\n", "", "states no license, which a published dataset needs; add 'license:"),
        ("README.md", "configs:", "other:", "states no configs"),
        ("README.md", "license: cc-by-4.0", "license: CC BY", "license: 'CC BY' is not one of the Hub's ids"),
        (
            "README.md",
            "license: cc-by-4.0",
            "license: other\nlicense_name: mine",
            "text in a file LICENSE",
        ),
        (
            "README.md",
            "license: cc-by-4.0",
            "license: mit\nlicense_link: LICENCE",
            "LICENCE is no file beside",
        ),
        ("README.md", "# Mine", "[more](more.md)", "links to 'more.md', which is not in the repo"),
        ("README.md", "{split: test,", "{split: eval,", "score.splits names 'test', and mine has train, eval; correct"),
        (
            "README.md",
            "path: test",
            "path: /tmp/test",
            "data_files names '/tmp/test.jsonl', which readers",
        ),
        ("README.md", "path: test", "path: ../x/test", r"data_files names '\.\./x/test.jsonl', which readers"),
        (
            "README.md",
            "path: test.jsonl",
            "path: [.h/a.jsonl]",
            "data_files names '.h/a.jsonl', which readers",
        ),
        ("test.jsonl", "10+90=100", "10+90=101", r"row 1 of mine/test .* the completion is wrong \(wrong_result\)"),
        ("test.jsonl", '"target": 100', '"target": null', "row 1 of mine/test .* has no 'target'; a release needs"),
        ("test.jsonl", "[2, 5, 90]", "[]", "row 1 of mine/test .*numbers"),
        ("test.jsonl", '"2,5,90:100', '"2 5 90 -> 100', r"scoring asks '2,5,90:100\\n', and the prompt is '2 5 90"),
        ("train.jsonl", '"3*4=12"', "7", r"row 1 of mine/train .*prompt and completion must be strings, not \['3,4"),
        ("train.jsonl", '"prompt"', '"question"', "row 1 of mine/train .* has no 'prompt'; a release needs numbers"),
        ("train.jsonl", json.dumps(TRAIN[0]), "", "mine"),
    ],
)
def test_release_refuses_bad_rows_before_it_trains(folder, tmp_path, capsys, file, old, new, said):
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    recipe = yaml.safe_load((ROOT / "training" / "recipes" / "tiny_cpu.yaml").read_text())
    recipe["dataset"] = {"path": str(folder), "config": "mine"}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    work = tmp_path / "work"
    assert command("release")([str(tmp_path / "recipe.yaml"), "--work", str(work), "--to", "local"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert line.startswith("arith-puzzle release: ") and re.search(said, line), line
    assert not (work / "train").exists()


def test_a_dataset_that_is_no_folder_is_refused():
    with pytest.raises(InputError, match=r"dataset\.path 'me/there' is not a folder; name one, or drop dataset\.path"):
        own_dataset(recipe_on("me/there"))


def test_neither_a_secret_nor_the_work_itself_is_published_with_the_data(folder, tmp_path, capsys):
    recipe = yaml.safe_load((ROOT / "training" / "recipes" / "tiny_cpu.yaml").read_text())
    recipe["dataset"] = {"path": str(folder), "config": "mine"}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    arguments = [str(tmp_path / "recipe.yaml"), "--to", "local"]
    assert command("release")([*arguments, "--work", str(folder / "runs")]) == 2
    assert "lies in the dataset's folder" in capsys.readouterr().err
    (folder / "old" / "hub").mkdir(parents=True)
    (folder / "old" / "hub" / "token").write_text("hf_x")
    assert command("release")([*arguments, "--work", str(tmp_path / "work")]) == 2
    assert "looks like a secret" in capsys.readouterr().err and not (tmp_path / "work").exists()
    (folder / "old" / "hub" / "token").unlink()
    recipe["name"] = "arith-tiny"
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert command("release")([*arguments, "--work", str(tmp_path / "work")]) == 2
    assert "two repos of the release are called local/arith-tiny" in capsys.readouterr().err


def test_a_split_that_a_built_config_lacks_is_refused_before_the_build(tmp_path, capsys):
    recipe = yaml.safe_load((ROOT / "training" / "recipes" / "tiny_cpu.yaml").read_text())
    recipe["score"]["splits"], arguments = ["test", "n9"], ["--work", str(tmp_path / "work"), "--to", "local"]
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert command("release")([str(tmp_path / "recipe.yaml"), *arguments]) == 2
    said = "score.splits names 'n9', and starter has train, validation, test; correct score.splits, or add the split"
    assert said in capsys.readouterr().err and not list((tmp_path / "work").iterdir())
    (tmp_path / "mine.yaml").write_text(
        "name: mine\nsizes: {3: 1}\nv: 20\nsplits: {train: {rows: 9}, test: {rows: 9}}\n"
    )
    recipe["dataset"]["config"] = str(tmp_path / "mine.yaml")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert command("release")([str(tmp_path / "recipe.yaml"), *arguments]) == 2
    assert "give dataset.path that folder and dataset.config 'mine'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("configs", "found"),
    [
        ([{"config_name": "a", "data_files": "a.jsonl"}], ["a.jsonl"]),
        ([{"data_files": ["a", "b"], "data_dir": "c"}], ["a", "b", "c"]),
        ([{"data_files": {"train": "a", "split": ["b"]}}], ["a"]),
        ([{"data_files": [{"split": "train", "path": ["a", "b"]}]}], ["a", "b"]),
    ],
)
def test_data_files_have_many_forms(configs, found):
    assert list(_data_files(configs)) == found
