"""aug-gsm8k and its metric: the commands for the puzzles stage, publish, check, collect and yank them too."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, SpaceCard, constants

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.aug_gsm8k import dataset
from arith_puzzle.dataset_builder.aug_gsm8k.runs import write_parquet
from arith_puzzle.local_hub import running
from arith_puzzle.release.check import CheckFailed, check
from arith_puzzle.release.pipeline import destination
from arith_puzzle.release.publish import publish
from arith_puzzle.release.stage import COLLECTION_TITLE, TAG
from arith_puzzle.release.stage_augmented import METRIC, PAPER, plan, stage
from tests.commands import command
from tests.paths import ROOT
from tests.release.staging import commits, hub_state, staged_tree, write_stage

augment = command("augment")
DATA = "data/change_numbers-00.parquet"

PROBLEM = {
    "query": "Tom has 12 boxes with 8 pens each and gives 20 pens away. How many pens does he keep?",
    "response": "Tom has 12*8=<<12*8=96>>96 pens.\nHe keeps 96-20=<<96-20=76>>76 pens.\n#### 76",
}


@pytest.fixture(autouse=True)
def no_xet(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small aug-gsm8k of two sizes, made by the rules."""
    root = tmp_path_factory.mktemp("augmented")
    (root / "train.jsonl").write_text(json.dumps(PROBLEM) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "SIZES", {"tiny": 5})
        assert augment(["rules", "--source", str(root / "train.jsonl"), "--out", str(root / "run")]) == 0
        assert augment(["build", str(root / "run"), "--out", str(root / "aug-gsm8k")]) == 0
    return root / "aug-gsm8k"


@pytest.fixture
def folder(built, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(built, tmp_path / "aug-gsm8k")


@pytest.mark.slow
def test_staged_published_checked_and_the_second_time_nothing(folder, tmp_path, capfd):
    arguments = [str(folder), "--to", "local", "--work", str(tmp_path / "work")]
    staged = tmp_path / "work" / "stage-aug-gsm8k"
    assert main(["stage", *arguments]) == 0 and main(["publish", *arguments]) == 0
    text = (staged / "aug-gsm8k" / "README.md").read_text()
    assert 'load_dataset("local/aug-gsm8k"' in text
    assert "[`local/gsm8k_answer`](https://huggingface.co/spaces/local/gsm8k_answer)" in text
    metric = SpaceCard.load(staged / "gsm8k-metric" / "README.md")
    assert metric.data.datasets == ["local/aug-gsm8k"] and 'evaluate.load("local/gsm8k_answer")' in metric.text
    for path in (ROOT / METRIC).glob("*.py"):
        assert (staged / "gsm8k-metric" / path.name).read_bytes() == path.read_bytes()
    assert {"README.md", "manifest.json", DATA} <= set(staged_tree(staged, "aug-gsm8k"))
    for path in (path for path in staged.rglob("*") if path.is_file()):
        assert str(tmp_path).encode() not in path.read_bytes(), path

    def published():
        with destination("local", tmp_path / "work") as (api, _):
            return hub_state(api, staged), commits(api, staged)

    state, count = published()
    repo = state["aug-gsm8k"]
    assert repo["private"] is False and set(repo["branches"]["main"]) == set(staged_tree(staged, "aug-gsm8k"))
    assert repo["tags"] == {TAG: repo["branches"]["main"]}
    assert count == {("aug-gsm8k", "main"): 1, ("gsm8k-metric", "main"): 1}
    items = state[f"collection {COLLECTION_TITLE}"]["items"]
    assert [item[:2] for item in items] == [
        ("paper", PAPER), ("dataset", "local/aug-gsm8k"), ("space", "local/gsm8k_answer")
    ]  # fmt: skip
    assert set(state["gsm8k-metric"]["branches"]["main"]) == set(staged_tree(staged, "gsm8k-metric"))
    capfd.readouterr()
    assert main(["stage", *arguments]) == 0 and main(["publish", *arguments]) == 0
    assert f"tag {TAG}: published" in capfd.readouterr().out and published() == (state, count)

    assert main(["check", *arguments]) == 0
    assert main(["publish", *arguments, "--yank", TAG]) == 0
    assert f"add the tag {TAG}-yanked" in capfd.readouterr().out


@pytest.mark.slow
def test_check_finds_other_rows_than_the_manifest_says(folder, tmp_path):
    staged = stage(folder, "local", tmp_path / "stage")
    path = staged / "aug-gsm8k" / "data" / "change_numbers-01.parquet"
    write_parquet(pq.read_table(path).slice(1), path)
    with running(tmp_path / "hub") as hub:
        publish(staged, HfApi(endpoint=hub.endpoint, token=hub.token))
        with pytest.raises(CheckFailed, match=r"aug-gsm8k: the rows of all/train differ from the manifest"):
            check(staged, hub.endpoint)


@pytest.mark.slow
def test_check_finds_a_metric_that_is_wrong(built, tmp_path):
    staged = stage(built, "local", tmp_path / "stage")
    path = staged / "gsm8k-metric" / "score.py"
    text = path.read_text()
    assert "found.count(gold)" in text
    path.write_text(text.replace("found.count(gold)", "len(found)"))
    with running(tmp_path / "hub") as hub:
        publish(staged, HfApi(endpoint=hub.endpoint, token=hub.token))
        with pytest.raises(CheckFailed, match=r"gsm8k-metric: known answers gave \{'pass@1': 1\.0,"):
            check(staged, hub.endpoint)


def test_it_joins_the_puzzles_collection_and_does_not_show_a_private_one(built, tmp_path):
    staged, puzzles = stage(built, "local", tmp_path / "stage"), write_stage(tmp_path / "puzzles")
    record = json.loads((puzzles / "release.json").read_text())
    (puzzles / "release.json").write_text(json.dumps(record | {"collection": COLLECTION_TITLE}))
    for private in (True, False):
        with running(tmp_path / f"hub-{private}") as hub:
            api = HfApi(endpoint=hub.endpoint, token=hub.token)
            first = publish(puzzles, api, private=private)
            assert publish(staged, api)["collection"] == first["collection"]
            state = hub_state(api, staged)
            collection = state[f"collection {COLLECTION_TITLE}"]
            assert collection["private"] is private and state["aug-gsm8k"]["private"] is False
            listed = [item[1] for item in collection["items"]]
            added = [PAPER, "local/aug-gsm8k", "local/gsm8k_answer"]
            assert listed == [item["item_id"] for item in record["collection_items"]] + added


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / DATA).unlink(), "differs from what manifest.json says"),
        (lambda folder: (folder / DATA).write_bytes(b"PAR1"), "differs from what manifest.json says"),
        (lambda folder: (folder / "secrets.txt").write_text("x"), "secrets.txt is not in manifest.json"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda folder: (folder / "manifest.json").write_text('{"dataset": "x"}'), "is not a folder of"),
    ],
)
def test_a_folder_that_is_not_what_was_built_is_refused(folder, tmp_path, spoil, said):
    spoil(folder)
    with pytest.raises(InputError) as caught:
        stage(folder, "me", tmp_path / "stage")
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "stage").exists() and not (tmp_path / "stage.tmp").exists()


def test_what_makes_no_sense_is_one_line(built, tmp_path, capfd):
    common = ["--to", "local", "--namespace", "me"]
    for arguments, said in (
        ([str(built), *common, "--merged", "--work", str(tmp_path)], "--merged is for a recipe's models"),
        ([str(built), *common, "--compare", "x", "--work", str(tmp_path)], "--compare is for a recipe's models"),
        ([str(built), *common, "--work", str(built)], "lies in"),
        ([str(tmp_path), *common], "manifest.json is missing"),
    ):
        assert main(["stage", *arguments]) == 2
        err = capfd.readouterr().err
        assert said in err and len(err.splitlines()) == 1
    assert [repo.id for repo in plan("me")] == ["me/gsm8k_answer", "me/aug-gsm8k"]
