"""Two releases of one namespace: what they share, what is refused, and what is known before anything is trained."""

from __future__ import annotations

import json

import pytest
from huggingface_hub import HfApi

from arith_puzzle.common.errors import InputError
from arith_puzzle.local_hub import running
from arith_puzzle.release.check import check_files
from arith_puzzle.release.diff import Stage, require_free_names
from arith_puzzle.release.hub import connect
from arith_puzzle.release.publish import publish
from arith_puzzle.release.stage import Repo, collection_items, read_plan
from arith_puzzle.release.user import CheckFailed, User
from arith_puzzle.release.yank import yank
from tests.release.staging import changes, commits, hub_state, staged_tree, write_stage

pytestmark = pytest.mark.usefixtures("no_xet")


@pytest.fixture
def hub(tmp_path):
    with running(tmp_path / "hub") as served:
        yield served


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.endpoint, token=hub.token)


@pytest.fixture
def stage(tmp_path):
    return write_stage(tmp_path / "stage")


def second_release(root):
    """Another adapter on the same base and rows, with a demo of its own. Cards and scores of shared repos differ."""
    stage = write_stage(root)
    plan = json.loads((stage / "release.json").read_text())
    names = {"adapter": "local/mine", "demo": "local/mine-demo"}
    for repo in plan["repos"]:
        repo["id"] = names.get(repo["kind"], repo["id"])
    plan["collection_items"] = collection_items([Repo(**repo) for repo in plan["repos"]])
    (stage / "release.json").write_text(json.dumps(plan))
    for file in ("base/results.json", "dataset/manifest.json", "base/plots/loss.png"):
        (stage / file).parent.mkdir(exist_ok=True)
        (stage / file).write_text('{"of": "mine"}')
    for kind in ("base", "metric"):
        (stage / kind / "README.md").write_text((stage / kind / "README.md").read_text() + "More about mine.\n")
    return stage


@pytest.mark.slow
def test_two_adapters_share_base_dataset_and_metric(hub, api, stage, tmp_path):
    publish(stage, api)
    first, before = hub_state(api, stage), commits(api, stage)
    other, said = second_release(tmp_path / "second"), []
    published = publish(other, api, announce=said.append)
    assert said[:3] == [
        "local/arith-tiny (model, public)",
        "  main: nothing to change, 3 files, and 3 files about another release that uses it stay",
        "  tag v0.1.0: published",
    ]
    assert commits(api, stage) == before and publish(other, api) == published
    state = hub_state(api, other)
    assert {kind: state[kind] for kind in ("base", "dataset", "metric")} == {
        kind: first[kind] for kind in ("base", "dataset", "metric")
    }
    assert set(state["adapter"]["branches"]["main"]) == set(staged_tree(other, "adapter"))
    listed = {name for _, name, _ in state["collection arith-puzzle"]["items"]}
    assert {"local/mine", "local/mine-demo", "local/arith-puzzle-arith-tiny-lora", "local/arith-puzzle-demo"} <= listed

    with User(hub.endpoint, hub.token) as user:
        check_files(Stage(other), user, shared=True)
        with pytest.raises(CheckFailed, match=r"base: README\.md at local/arith-tiny"):
            check_files(Stage(other), user)


def test_a_withdrawn_adapter_leaves_what_another_one_uses(api, stage, tmp_path):
    publish(stage, api)
    other = second_release(tmp_path / "second")
    publish(other, api)
    for at, (staged, marked) in enumerate(((other, {"adapter", "demo"}), (stage, set(hub_state(api, stage))))):
        said = []
        yank(read_plan(staged)[1], api, "0.1.0", announce=said.append)
        assert ("local/arith-puzzle-arith-tiny-lora has v0.1.0 too" in said[0]) == (not at)
        kinds = {kind for kind, repo in hub_state(api, staged).items() if "v0.1.0-yanked" in repo.get("tags", {})}
        assert kinds == {kind for kind in marked if not kind.startswith("collection")}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("base/model.safetensors", "local/arith-tiny has v0.1.0 with other content; .*, or rename the base's folder"),
        ("dataset/starter/train-00000.parquet", "local/arith-puzzle has v0.1.0 with other content; raise the version"),
        ("demo/app.py", "local/arith-puzzle-demo has .* a name that does not begin with arith-puzzle-, after which"),
    ],
)
def test_another_base_or_dataset_of_the_same_name_is_refused(hub, api, stage, tmp_path, file, said):
    publish(stage, api)
    other = write_stage(tmp_path / "second") if file.startswith("demo") else second_release(tmp_path / "second")
    (other / file).write_bytes((other / file).read_bytes()[::-1])
    hub.faults.clear()
    with pytest.raises(InputError, match=said):
        publish(other, api)
    assert changes(hub) == 0


def test_names_that_are_taken_are_found_before_anything_is_trained(api, stage, tmp_path):
    _, repos = read_plan(stage)

    def look(repos, tag="v0.1.0", base="base", **options):
        with connect(api) as hub:
            require_free_names(hub, repos, tag, weights={"base": stage / base}, again=options.get("again", False))

    look(repos)
    publish(stage, api)
    with pytest.raises(InputError, match=r"arith-tiny-lora has v0\.1\.0 with other content.*, or give the recipe"):
        look(repos)
    look(repos, again=True)
    look(repos, "v0.2.0")
    shared = [repo for repo in repos if repo.kind not in ("adapter", "demo")]
    look(shared)
    with pytest.raises(InputError, match=r"local/arith-tiny has v0\.1\.0 with other content.*rename the base's folder"):
        look(shared, base="adapter")
    with pytest.raises(InputError, match="may not write in that namespace"):
        look([Repo("base", "model", "elsewhere/base")])
