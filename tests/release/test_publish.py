"""Publish to the local Hub: what the first and the second time write, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.local_hub import Fault, running
from arith_puzzle.release.publish import namespace_of, publish
from tests.release.staging import RECIPE, assert_nothing_half, changes, commits, hub_state, staged_tree, write_stage

TOKENS = {
    "hf_readonly": {"name": "local", "role": "read"},
    "hf_stranger": {"name": "stranger", "role": "write"},
    "hf_member": {"name": "member", "role": "write", "orgs": ["puzzlers"]},
}


pytestmark = pytest.mark.usefixtures("no_xet")


@pytest.fixture
def waits(monkeypatch):
    """The seconds that publishing would wait. It does not wait in these tests."""
    waited = []
    monkeypatch.setattr("arith_puzzle.release.hub.time.sleep", waited.append)
    return waited


@pytest.fixture
def hub(tmp_path):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "tokens.json").write_text(json.dumps(TOKENS))
    with running(tmp_path / "hub") as served:
        yield served


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def stage(tmp_path):
    return write_stage(tmp_path / "stage")


def test_a_release_is_whole_and_few_commits(api, stage):
    published = publish(stage, api)
    assert set(commits(api, stage).values()) == {1}
    state = hub_state(api, stage)
    assert set(state) == {"base", "dataset", "metric", "environment", "adapter", "demo", "collection arith-puzzle"}
    for kind in ("base", "dataset", "metric", "environment", "adapter", "demo"):
        assert state[kind]["private"] is False and state[kind]["tags"] == {"v0.1.0": state[kind]["branches"]["main"]}
        assert set(state[kind]["branches"]["main"]) == set(staged_tree(stage, kind))
        assert len(published[kind]) == 40
    assert set(state["dataset"]["branches"]["script"]) == set(staged_tree(stage, "dataset-script"))
    assert (
        state["dataset"]["branches"]["main"]["starter/train-00000.parquet"]
        == (staged_tree(stage, "dataset")["starter/train-00000.parquet"])
    )
    assert [item[:2] for item in state["collection arith-puzzle"]["items"]] == [
        (item["item_type"], item["item_id"])
        for item in json.loads((stage / "release.json").read_text())["collection_items"]
    ]
    assert state["collection arith-puzzle"]["private"] is False


def test_git_clones_what_was_published(hub, api, stage, tmp_path):
    publish(stage, api)
    for revision, folder in (("v0.1.0", "dataset"), ("script", "dataset-script")):
        address, clone = f"{hub.endpoint}/datasets/local/arith-puzzle", tmp_path / folder
        command = ["git", "clone", "--quiet", "--branch", revision, address, clone]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"GIT_LFS_SKIP_SMUDGE": "1"})
        there = {path.relative_to(clone).as_posix() for path in clone.rglob("*") if path.is_file()}
        found = {path for path in there if not path.startswith(".git/")} - {".gitattributes"}
        assert found == set(staged_tree(stage, folder))
        assert (clone / "README.md").read_bytes() == (stage / folder / "README.md").read_bytes()


def test_the_second_time_writes_nothing(hub, api, stage):
    first, before = publish(stage, api), (hub_state(api, stage), commits(api, stage))
    hub.faults.clear()
    assert publish(stage, api) == first
    assert changes(hub) == 0
    assert (hub_state(api, stage), commits(api, stage)) == before


def test_a_note_follows_the_scores(hub, api, stage):
    """The note of a repo that is about another release stays: its scores do, too."""
    publish(stage, api)
    plan = json.loads((stage / "release.json").read_text())
    for item in plan["collection_items"]:
        item["note"] += ". pass@1 0.500" * (item["item_type"] == "model")
    (stage / "release.json").write_text(json.dumps(plan))
    (stage / "base" / "README.md").write_text((stage / "base" / "README.md").read_text() + "Scores.\n")
    said = []
    publish(stage, api, dry_run=True, announce=said.append)
    assert said[-2:] == ["collection 'arith-puzzle': 0 items to add, 1 notes to change",
                         "    note      model  local/arith-puzzle-arith-tiny-lora"]  # fmt: skip
    publish(stage, api)
    notes = {item[1]: item[2] for item in hub_state(api, stage)["collection arith-puzzle"]["items"]}
    assert [name for name, note in notes.items() if note.endswith("pass@1 0.500")] == [said[-1].split()[-1]]
    hub.faults.clear()
    publish(stage, api)
    assert changes(hub) == 0


def test_a_dry_run_says_file_by_file_what_would_change_and_changes_nothing(hub, api, stage, tmp_path):
    said = []
    assert publish(stage, api, dry_run=True, announce=said.append) == {}
    assert changes(hub) == 0 and hub_state(api, stage) == {}
    assert "local/arith-puzzle (dataset, new, public when it is complete)" in said
    assert "    add       300kB  starter/train-00000.parquet" in said and "  tag v0.1.0: new" in said
    assert "collection 'arith-puzzle': new, 6 items to add" in said

    publish(stage, api)
    newer, said = write_stage(tmp_path / "newer", "0.2.0"), []
    hub.faults.clear()
    publish(newer, api, dry_run=True, announce=said.append)
    assert changes(hub) == 0
    base = said[: said.index("local/arith-puzzle (dataset, public)")]
    assert base == [
        "local/arith-tiny (model, public)",
        "  main: one commit",
        "    add       17.0B  only-in-0.2.0.txt",
        f"    change {len((newer / 'base' / 'README.md').read_bytes()):7.1f}B  README.md",
        "    change    200kB  model.safetensors",
        "    delete    17.0B  only-in-0.1.0.txt",
        "    same   1 files",
        "  tag v0.2.0: new",
    ]
    assert said[-1] == "collection 'arith-puzzle': nothing to change"


def test_a_later_release_is_one_commit_and_leaves_the_earlier_tag(api, stage, tmp_path):
    publish(stage, api)
    earlier = hub_state(api, stage)
    newer = write_stage(tmp_path / "newer", "0.2.0")
    publish(newer, api)
    assert set(commits(api, newer).values()) == {2}
    state = hub_state(api, newer)
    for kind in ("base", "dataset", "metric", "environment", "adapter", "demo"):
        assert set(state[kind]["branches"]["main"]) == set(staged_tree(newer, kind))
        assert state[kind]["tags"] == {
            "v0.1.0": earlier[kind]["branches"]["main"],
            "v0.2.0": state[kind]["branches"]["main"],
        }
    assert publish(newer, api) and set(commits(api, newer).values()) == {2}
    with pytest.raises(InputError, match="raise the version"):  # the branch `script` has moved on
        publish(stage, api)


def test_a_card_that_was_edited_on_the_hub_is_left_alone(api, stage):
    publish(stage, api)
    api.upload_file(repo_id="local/arith-tiny", path_or_fileobj=b"---\nlicense: mit\n---\nby hand\n",
                    path_in_repo="README.md")  # fmt: skip
    before = hub_state(api, stage)
    publish(stage, api)
    assert hub_state(api, stage) == before


def test_large_files_that_have_arrived_are_not_sent_again(hub, api, stage, waits):
    fault = hub.faults.add(Fault(status=503, method="POST", path="/models/local/arith-tiny/commit/", retry_after=999))
    with pytest.raises(InputError, match="asks to wait 999 s"):
        publish(stage, api)
    assert fault.fired == 1 and hub.faults.count("PUT", "/lfs-upload/") == 3 and not waits
    publish(stage, api)
    assert hub.faults.count("PUT", "/lfs-upload/") == 3


def test_private_stays_private_and_public_waits_until_it_is_whole(hub, api, stage, tmp_path):
    public = HfApi(endpoint=hub.endpoint, token=False)
    with pytest.raises(InputError):
        hub.faults.add(Fault(status=503, method="POST", path="arith_puzzle_verifier/tag/", retry_after=999))
        publish(stage, api, private=False)
    seen = hub_state(public, stage)
    assert set(seen) == {"base", "dataset", "metric"} and seen["metric"]["tags"] == {}  # public, but without a tag
    publish(stage, api)
    whole = hub_state(public, stage)
    assert whole == hub_state(api, stage)
    assert_nothing_half(seen, whole)

    other = write_stage(tmp_path / "other", namespace="puzzlers")
    member = HfApi(endpoint=hub.endpoint, token="hf_member")
    publish(other, member, private=True)
    assert all(part["private"] for part in hub_state(member, other).values())
    assert hub_state(public, other) == {}
    before = hub_state(member, other)
    publish(other, member)  # a published repo stays private: its owner decides
    assert hub_state(member, other) == before


# ---- refusals: one line, before anything is written ----


@pytest.mark.parametrize(
    ("token", "match"),
    [
        ("hf_wrongwrongwrong", "hf auth login"),
        ("hf_wrong\nwrong", "a character that tokens cannot contain"),
        ("hf_wröng", "a character that tokens cannot contain"),
        ("hf_readonly", "has the role 'read'"),
        (
            "hf_stranger",
            "local/arith-tiny: the token of stranger may not write in that namespace, only in stranger",
        ),
    ],
)
def test_a_token_that_will_not_do(hub, stage, token, match):
    with pytest.raises(InputError, match=match) as caught:
        publish(stage, HfApi(endpoint=hub.endpoint, token=token))
    assert "\n" not in str(caught.value) and token not in str(caught.value)
    assert changes(hub) == 0


def test_no_token_at_all(hub, stage, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="there is no token: run `hf auth login`, or set HF_TOKEN"):
        namespace_of(HfApi(endpoint=hub.endpoint))


def test_a_hub_that_does_not_answer_is_asked_eight_times(waits):
    with pytest.raises(InputError, match=r"http://127.0.0.1:9 did not serve GET /api/whoami-v2: no answer") as caught:
        namespace_of(HfApi(endpoint="http://127.0.0.1:9", token="hf_x"))
    assert waits == [1, 2, 4, 8, 16, 32, 60] and "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_a_name_taken_by_something_else(hub, api, stage, kind):
    name = {"model": "arith-puzzle-arith-tiny-lora", "dataset": "arith-puzzle", "space": "arith-puzzle-demo"}[kind]
    where = {"repo_id": f"local/{name}", "repo_type": kind}
    api.create_repo(**where, **({"space_sdk": "gradio"} if kind == "space" else {}))
    api.create_commit(**where, operations=[CommitOperationAdd("thesis.txt", b"mine")], commit_message="My thesis")
    if kind == "space":  # a single commit of someone else is enough
        api.super_squash_history(**where)
    else:
        api.create_tag(**where, tag="v1.0.0")
    hub.faults.clear()
    with pytest.raises(
        InputError, match=f"local/{name}: the name is taken by something else .last commit: '(My|Super)"
    ):
        publish(stage, api)
    assert changes(hub) == 0 and "thesis.txt" in api.list_repo_files(**where)


def test_an_empty_repo_that_was_made_by_hand_is_used(api, stage):
    api.create_repo("local/arith-puzzle", repo_type="dataset")
    publish(stage, api)
    assert set(commits(api, stage).values()) == {1}


def test_a_base_that_is_gone(hub, api, stage):
    path = stage / "adapter" / "adapter_config.json"
    for base, revision, match in (
        ("nobody/nothing", "main", "the adapter's base nobody/nothing is not on the Hub"),
        ("local/arith-tiny", "v0.0.9", "names local/arith-tiny at v0.0.9, but the release tags it v0.1.0"),
        ("local/elsewhere", "v7", "the adapter's base local/elsewhere has no revision v7"),
    ):
        api.create_repo("local/elsewhere", exist_ok=True)
        path.write_text(json.dumps({"base_model_name_or_path": base, "revision": revision}))
        hub.faults.clear()
        with pytest.raises(InputError, match=match):
            publish(stage, api)
        assert changes(hub) == 0
    path.write_text(json.dumps({"base_model_name_or_path": "local/elsewhere", "revision": "main"}))
    publish(stage, api)


def test_a_version_that_is_out_is_not_changed_unless_tags_may_move(hub, api, stage):
    publish(stage, api)
    (stage / "base" / "config.json").write_text('{"model_type": "other"}\n')
    hub.faults.clear()
    with pytest.raises(InputError, match=r"local/arith-tiny has v0\.1\.0 with other content; raise the version"):
        publish(stage, api)
    assert changes(hub) == 0
    publish(stage, api, move_tags=True)
    state = hub_state(api, stage)["base"]
    assert state["tags"]["v0.1.0"] == state["branches"]["main"]
    assert len(list(api.list_repo_commits("local/arith-tiny"))) == 3


def test_a_card_that_the_hub_refuses(hub, api, stage):
    (stage / "metric" / "README.md").write_text("---\nsdk: cobol\n---\n")
    with pytest.raises(
        InputError, match=r"local/arith_puzzle_verifier: the Hub refuses its card: .*sdk.*gradio"
    ) as caught:
        publish(stage, api)
    assert "\n" not in str(caught.value) and changes(hub) == 0


def test_someone_elses_commit_in_between_is_seen(hub, api, stage, waits, monkeypatch):
    """Another commit arrives between looking and committing. The next try looks again."""
    publish(stage, api)
    newer = write_stage(stage.with_name("newer"), "0.2.0")
    once = []
    real = HfApi.create_commit

    def late(self, **arguments):
        if not once and arguments["repo_id"] == "local/arith-tiny":
            once.append(real(self, repo_id="local/arith-tiny", operations=[CommitOperationAdd("x", b"x")],
                             commit_message="by hand"))  # fmt: skip
        return real(self, **arguments)

    monkeypatch.setattr(HfApi, "create_commit", late)
    publish(newer, api)
    assert waits == [1]
    state = hub_state(api, newer)["base"]
    assert set(state["branches"]["main"]) == set(staged_tree(newer, "base"))
    assert state["tags"]["v0.2.0"] == state["branches"]["main"]


# ---- the commands ----


@pytest.fixture
def work(tmp_path):
    write_stage(tmp_path / "work" / "stage")
    return tmp_path / "work"


def test_the_commands_publish_again_and_refuse_what_does_nothing(work, capfd):
    command = ["publish", RECIPE, "--to", "local", "--work", str(work)]
    assert main([*command, "--dry-run"]) == 0
    out = capfd.readouterr().out
    assert out.endswith("dry run: nothing was changed\n") and "add" in out
    assert not list((work / "hub" / "repos").glob("*/*/*"))
    assert main(command) == 0 and "/collections/local/arith-puzzle" in capfd.readouterr().out
    assert main([*command, "--namespace", "local"]) == 0
    assert "add " not in capfd.readouterr().out
    for extra, said in (
        (["--namespace", "someone"], "was staged for local, not someone"),
        (
            ["training/recipes/demo_cpu.yaml"],
            "was staged from another recipe than arith-puzzle-arith-tiny",
        ),
        (["--successor", "0.2.0"], "--successor needs --yank"),
        (["--yank", "0.1.0", "--private"], "--yank makes none"),
    ):
        given = [word if word != RECIPE or extra[0].startswith("--") else extra[0] for word in command]
        assert main(given + (extra if given == command else [])) == 2
        err = capfd.readouterr().err
        assert said in err and len(err.splitlines()) == 1


def test_a_rehearsal_moves_a_version_and_the_real_hub_does_not(work, hub, monkeypatch, capfd):
    command = ["publish", RECIPE, "--work", str(work), "--to"]
    monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert main([*command, "hub"]) == 0
    (work / "stage" / "demo" / "app.py").write_text("print('another')\n")
    assert main([*command, "hub"]) == 2
    assert "has v0.1.0 with other content; raise the version" in capfd.readouterr().err
    shutil.rmtree(work / "hub", ignore_errors=True)
    assert main([*command, "local"]) == 0
    (work / "stage" / "demo" / "app.py").write_text("print('a third')\n")
    assert main([*command, "local"]) == 0
    assert "tag v0.1.0: moves" in capfd.readouterr().out
