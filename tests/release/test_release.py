"""A whole release by the console command: what it publishes, what a repetition does, what the check finds."""

import json
import shutil

import pytest

from arith_puzzle.release.pipeline import Work, destination
from arith_puzzle.release.publish import publish
from arith_puzzle.release.stage import PAPER, TAG, read_plan
from tests.paths import ROOT
from tests.release.conftest import SHIPPED

KINDS = {"base", "dataset", "metric", "environment", "adapter", "demo", f"base.{SHIPPED}", f"adapter.{SHIPPED}"}


def _commits(work):
    with destination("local", work) as (api, _):
        _, repos = read_plan(Work(work).stage)
        found = {r.id: [c.commit_id for c in api.list_repo_commits(r.id, repo_type=r.type)] for r in repos}
        script = api.list_repo_commits("local/arith-puzzle", repo_type="dataset", revision="script")
        return found | {"script": [c.commit_id for c in script]}


def test_one_line_a_step(released):
    _, printed = released
    lines = [line for line in printed["stdout"].splitlines() if line.startswith("[")]
    assert [line[1] for line in lines] == ["1", "2", "3", "3", "4", "5", "6"]
    assert "pass@1" in lines[2] and "n=500" in lines[2]


def test_everything_is_published_tagged_and_collected(released):
    work, _ = released
    record, repos = read_plan(work / "stage")
    assert {repo.kind for repo in repos} == KINDS
    with destination("local", work) as (api, _):
        for repo in repos:
            refs = api.list_repo_refs(repo.id, repo_type=repo.type)
            assert [tag.name for tag in refs.tags] == [TAG]
            staged = {p.relative_to(work / "stage" / repo.kind).as_posix()
                      for p in (work / "stage" / repo.kind).rglob("*") if p.is_file()}  # fmt: skip
            assert set(api.list_repo_files(repo.id, repo_type=repo.type)) - {".gitattributes"} == staged
        (collection,) = api.list_collections(owner=record["namespace"])
        items = {item.item_id for item in api.get_collection(collection.slug).items}
        assert items == {PAPER, *(repo.id for repo in repos)}


def test_the_loading_script_is_on_its_own_revision_and_nowhere_else(released):
    work, _ = released
    with destination("local", work) as (api, _):
        where = {"repo_id": "local/arith-puzzle", "repo_type": "dataset"}
        script = set(api.list_repo_files(**where, revision="script")) - {".gitattributes"}
        assert script == {path.name for path in (work / "stage" / "dataset-script").iterdir()}
        assert "arith-puzzle.py" in script and not [f for f in api.list_repo_files(**where) if f.endswith(".py")]


@pytest.mark.slow
def test_the_second_run_skips_what_is_done_and_commits_nothing(run, released, recipe_file):
    work, _ = released
    before = _commits(work)
    again = run("release", recipe_file, "--to", "local", "--work", work, "--with", SHIPPED)
    assert again.returncode == 0, again.stderr
    assert "nothing to train" in again.stdout and "have been checked already" in again.stdout
    assert _commits(work) == before


def test_the_adapter_names_its_base_and_the_bases_revision(released):
    work, _ = released
    config = json.loads((work / "stage" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "local/small-base" and config["revision"] == TAG


def test_neither_token_nor_local_path_leaves_the_machine(released):
    work, printed = released
    token = (work / "hub" / "token").read_text().strip()
    assert token.startswith("hf_")
    assert token not in printed["stdout"] + printed["stderr"]
    for path in (p for p in (work / "stage").rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert token.encode() not in content, path
        assert str(work).encode() not in content and str(ROOT).encode() not in content, path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "file", "old", "new", "staged", "said"),
    [
        ("metric", "verify.py", b'(False, "wrong_target")\n', b'(False, "ok")\n', False, "metric: verify.py at"),
        ("metric", "verify.py", b'(False, "wrong_target")\n', b'(False, "ok")\n', True, "metric: known answers"),
        ("adapter", "adapter_model.safetensors", None, None, True, "it gives the same answers as the base"),
        ("adapter", "README.md", b"```python\n", b"```python\nimport nothing\n", True, "does not run as printed"),
        (f"adapter.{SHIPPED}", "README.md", b'"target": 4', b'"target": 5', True, "does not solve the card's example"),
    ],
    ids=[
        "another file",
        "a verifier that is wrong",
        "an adapter that does nothing",
        "a snippet that does not run",
        "an example that is not solved",
    ],
)
def test_check_finds_what_is_wrong(run, released, recipe_file, tmp_path, kind, file, old, new, staged, said):
    """A wrong file is uploaded, or staged and published. `check` must say which part is wrong."""
    work = tmp_path / "work"
    shutil.copytree(released[0], work)
    repo = next(repo for repo in read_plan(work / "stage")[1] if repo.kind == kind)
    path = work / "stage" / kind / file if staged else tmp_path / file
    shutil.copy(work / "stage" / kind / file, tmp_path / file)
    if old is None:
        import torch
        from safetensors.torch import load_file, save_file

        save_file({name: torch.zeros_like(w) for name, w in load_file(tmp_path / file).items()}, path)
    else:
        content = (tmp_path / file).read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))
    with destination("local", work) as (api, _):
        if staged:
            publish(work / "stage", api, move_tags=True)
        else:
            api.upload_file(repo_id=repo.id, repo_type=repo.type, path_or_fileobj=path, path_in_repo=file)
    done = run("check", recipe_file, "--to", "local", "--work", work)
    assert done.returncode == 1 and said in done.stderr, done.stderr[-2000:]
