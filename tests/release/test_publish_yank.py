"""Yank a version: nothing is deleted or moved. The card and a second tag mark it and name the successor."""

from __future__ import annotations

import pytest
import yaml
from huggingface_hub import HfApi, ModelCard, constants

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.local_hub import Fault, running
from arith_puzzle.release.publish import publish
from arith_puzzle.release.stage import read_plan
from arith_puzzle.release.yank import marked_card, unmarked_card
from arith_puzzle.release.yank import yank as yank_repos
from tests.release.staging import RECIPE, commits, hub_state, write_stage

KINDS = ("base", "dataset", "metric", "environment", "adapter", "demo")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with running(tmp_path / "hub") as served:
        yield served


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def stage(tmp_path, api):
    """The stage of v0.1.0, which is published."""
    stage = write_stage(tmp_path / "work" / "stage")
    publish(stage, api)
    return stage


def yank(stage, api, *arguments, **options) -> list[str]:
    said = []
    yank_repos(read_plan(stage)[1], api, *arguments, announce=said.append, **options)
    return said


def card(api, repo, tmp_path, revision="main") -> str:
    where = {"repo_id": repo.id, "repo_type": repo.type, "filename": "README.md", "revision": revision}
    with open(api.hf_hub_download(**where, cache_dir=tmp_path / "cache"), encoding="utf-8") as file:
        return file.read()


def test_a_version_is_marked_and_keeps_working(api, stage, tmp_path):
    before, repos = hub_state(api, stage), read_plan(stage)[1]
    said = yank(stage, api, "0.1.0")
    assert said[0] == "local/arith-tiny (model): mark the card on main, add the tag v0.1.0-yanked"
    after = hub_state(api, stage)
    for repo in repos:
        was, now = before[repo.kind], after[repo.kind]
        assert now["tags"] == was["tags"] | {"v0.1.0-yanked": was["tags"]["v0.1.0"]}
        changed = {
            path for path, known in now["branches"]["main"].items() if was["branches"]["main"].get(path) != known
        }
        assert changed == {"README.md"} and was["branches"]["main"].keys() == now["branches"]["main"].keys()
        text = card(api, repo, tmp_path)
        assert yaml.safe_load(text.split("---\n")[1])["withdrawn_version"] == "v0.1.0"
        body = text.split("---\n", 2)[2]
        assert body.index("**Version `v0.1.0` was withdrawn.**") < body.index(f"# {repo.id}")
        assert unmarked_card(text) == (stage / repo.kind / "README.md").read_text()
        assert card(api, repo, tmp_path, "v0.1.0") == (stage / repo.kind / "README.md").read_text()
    assert after["collection arith-puzzle"] == before["collection arith-puzzle"]


def test_the_second_time_and_a_dry_run_write_nothing(hub, api, stage):
    before = hub_state(api, stage)
    assert len(yank(stage, api, "v0.1.0", dry_run=True)) == len(KINDS)
    assert hub_state(api, stage) == before
    yank(stage, api, "v0.1.0")
    marked, count = hub_state(api, stage), commits(api, stage)
    hub.faults.clear()
    assert all(line.endswith("already marked") for line in yank(stage, api, "0.1.0"))
    assert (hub_state(api, stage), commits(api, stage)) == (marked, count)
    assert hub.faults.count("POST", "/commit/|/tag/") == 0


def test_a_successor_in_the_same_repos(api, stage, tmp_path):
    newer = write_stage(tmp_path / "newer", "0.2.0")
    with pytest.raises(InputError, match=r"successor v0\.2\.0 is not published in local/arith-tiny; publish it first"):
        yank(stage, api, "0.1.0", "0.2.0")
    yank(stage, api, "0.1.0")  # without a successor
    publish(newer, api)
    yank(stage, api, "0.1.0", "0.2.0")
    for repo in read_plan(stage)[1]:
        text = card(api, repo, tmp_path)
        fields = yaml.safe_load(text.split("---\n")[1])
        assert (fields["withdrawn_version"], fields["withdrawn_for"]) == ("v0.1.0", "v0.2.0")
        assert "Please use version `v0.2.0` of this repo instead" in text and "new_version" not in fields
        assert unmarked_card(text) == (newer / repo.kind / "README.md").read_text()
    count = commits(api, newer)
    publish(newer, api)  # the successor is published already, so its card keeps the mark
    yank(stage, api, "0.1.0", "0.2.0")
    assert commits(api, newer) == count


def test_a_successor_that_is_another_model(api, stage, tmp_path):
    with pytest.raises(InputError, match="looking for the successor local/better"):
        yank(stage, api, "0.1.0", "local/better")
    api.create_repo("local/better")
    yank(stage, api, "0.1.0", "local/better")
    for repo in read_plan(stage)[1]:
        fields = yaml.safe_load(card(api, repo, tmp_path).split("---\n")[1])
        assert fields.get("new_version") == ("local/better" if repo.kind == "adapter" else None)
    adapter = next(repo for repo in read_plan(stage)[1] if repo.kind == "adapter")
    data = ModelCard(card(api, adapter, tmp_path)).data
    assert data.to_dict()["new_version"] == "local/better"


def test_a_yanked_version_is_not_published_again(api, stage, tmp_path):
    yank(stage, api, "0.1.0")
    with pytest.raises(InputError, match=r"v0\.1\.0 was yanked; raise the version"):
        publish(stage, api)
    newer = write_stage(tmp_path / "newer", "0.2.0")
    publish(newer, api)
    for repo in read_plan(newer)[1]:
        assert card(api, repo, tmp_path) == (newer / repo.kind / "README.md").read_text()


def test_interrupted_after_every_write_and_repeated(hub, api, stage, tmp_path):
    """Each run fails at its second write. There are ten writes, so the tenth run completes."""
    runs = 1
    while True:
        fault = Fault(status=503, method="POST", path="/commit/|/tag/", skip=1, retry_after=5000)
        hub.faults.add(fault)
        try:
            yank(stage, api, "0.1.0")
            break
        except InputError as error:
            assert "asks to wait 5,000 s" in str(error)
            runs += 1
        hub.faults.clear()
    assert runs == 2 * len(KINDS) and not fault.fired
    assert {count for (_, name), count in commits(api, stage).items() if name == "main"} == {2}
    for repo in read_plan(stage)[1]:
        assert unmarked_card(card(api, repo, tmp_path)) == (stage / repo.kind / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("0.9.0",), r"none of local/arith-tiny, .* has v0\.9\.0; there is nothing to yank"),
        (("0.1.0", "v0.1.0"), "cannot be its own successor"),
        (("latest",), "a version looks like 0.1.0, not 'latest'"),
        (("0.1.0-yanked",), "a version looks like 0.1.0"),
    ],
)
def test_what_makes_no_sense_is_one_line(api, stage, arguments, match):
    before = hub_state(api, stage)
    with pytest.raises(InputError, match=match) as caught:
        yank(stage, api, *arguments)
    assert "\n" not in str(caught.value) and hub_state(api, stage) == before


def test_marks_come_off_a_card_as_they_went_on(stage):
    (_, dataset, *_) = read_plan(stage)[1]
    for text in ("---\nlicense: mit\n---\n# a\n", "---\na: 1\n---\n\n\n# a\n---\nb\n", "---\nnew_version: x/y\n---\n"):
        for successor in (None, "v0.2.0", "other/model"):
            marked = marked_card(text, dataset, "v0.1.0", successor)
            assert unmarked_card(marked) == text
            assert marked_card(marked, dataset, "v0.1.0", successor) == marked
    assert unmarked_card("# no mark") == "# no mark"


def test_the_command(api, stage, capfd):
    work = stage.parent
    command = ["publish", RECIPE, "--to", "local", "--work", str(work)]
    assert main(command) == 0
    capfd.readouterr()
    assert main([*command, "--yank", "0.1.0", "--dry-run"]) == 0
    said = capfd.readouterr().out
    assert said.count("mark the card on main, add the tag v0.1.0-yanked") == len(KINDS)
    assert said.endswith("dry run: nothing was changed\n")
    assert main([*command, "--yank", "0.1.0"]) == 0 and main([*command, "--yank", "0.1.0"]) == 0
    assert capfd.readouterr().out.count("already marked") == len(KINDS)
