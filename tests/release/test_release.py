"""The whole release by the console command: what it publishes, that it repeats without commits, what it refuses."""

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download

from dataset_builder.errors import InputError
from release.pipeline import Work, destination
from release.publish import namespace_of, publish
from release.stage import SPACE_MODULES, TAG, read_plan, stage
from training.recipe import ROOT, load_recipe

KINDS = {"base", "dataset", "metric", "adapter", "demo"}


def _commits(work):
    with destination("rehearsal", work) as (api, _):
        _, repos = read_plan(Work(work).stage)
        found = {r.id: [c.commit_id for c in api.list_repo_commits(r.id, repo_type=r.type)] for r in repos}
        script = api.list_repo_commits("rehearsal/arith-puzzle", repo_type="dataset", revision="script")
        return found | {"script": [c.commit_id for c in script]}


def test_one_line_a_stage(released):
    _, done = released
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert [line[1] for line in lines] == ["1", "2", "3", "3", "4", "5", "6"]
    assert "pass@1" in lines[2] and "n=2000" in lines[2]


def test_everything_is_published_tagged_and_collected(released):
    work, _ = released
    record, repos = read_plan(work / "stage")
    assert {repo.kind for repo in repos} == KINDS
    with destination("rehearsal", work) as (api, _):
        for repo in repos:
            refs = api.list_repo_refs(repo.id, repo_type=repo.type)
            assert [tag.name for tag in refs.tags] == [TAG]
            staged = {p.relative_to(work / "stage" / repo.kind).as_posix()
                      for p in (work / "stage" / repo.kind).rglob("*") if p.is_file()}  # fmt: skip
            assert set(api.list_repo_files(repo.id, repo_type=repo.type)) - {".gitattributes"} == staged
        (collection,) = api.list_collections(owner=record["namespace"])
        assert {item.item_id for item in api.get_collection(collection.slug).items} == {repo.id for repo in repos}


def test_the_loading_script_is_on_its_own_revision_and_nowhere_else(released):
    work, _ = released
    with destination("rehearsal", work) as (api, _):
        where = {"repo_id": "rehearsal/arith-puzzle", "repo_type": "dataset"}
        script = set(api.list_repo_files(**where, revision="script")) - {".gitattributes"}
        assert script == {path.name for path in (work / "stage" / "dataset-script").iterdir()}
        assert "arith-puzzle.py" in script and not [f for f in api.list_repo_files(**where) if f.endswith(".py")]


def test_the_second_run_skips_what_is_done_and_commits_nothing(run, released, recipe_file):
    work, _ = released
    before = _commits(work)
    again = run("release", recipe_file, "--to", "rehearsal", "--work", work)
    assert again.returncode == 0, again.stderr
    assert "nothing to train" in again.stdout and "were checked before" in again.stdout
    assert _commits(work) == before


def test_staged_copies_are_the_sources_byte_for_byte(released):
    work, _ = released
    demo, metric = work / "stage" / "demo", work / "stage" / "metric"
    for module in SPACE_MODULES:
        assert (demo / module).read_bytes() == (ROOT / module).read_bytes()
    for path in (ROOT / "metrics" / "arith_puzzle_verifier").glob("*.py"):
        assert (metric / path.name).read_bytes() == path.read_bytes()
    assert not [p for p in (work / "stage").rglob("*") if p.suffix in (".pyc", ".bin", ".pt", ".pkl", ".pth")]


def test_staging_again_gives_the_same_bytes(released, recipe_file, tmp_path):
    work, _ = released
    parts = Work(work)
    again = stage(load_recipe(recipe_file), "rehearsal", dataset=parts.dataset, run=parts.run, scores=parts.scores,
                  out=tmp_path / "stage")  # fmt: skip
    files = sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(parts.stage) for p in parts.stage.rglob("*") if p.is_file())
    assert all((again / path).read_bytes() == (parts.stage / path).read_bytes() for path in files)


def test_the_adapter_names_its_base_and_the_bases_revision(released):
    work, _ = released
    config = json.loads((work / "stage" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "rehearsal/small-base" and config["revision"] == TAG


def test_neither_token_nor_local_path_leaves_the_machine(released):
    work, done = released
    token = (work / "hub" / "token").read_text().strip()
    assert token.startswith("hf_")
    assert token not in done.stdout + done.stderr
    for path in (p for p in (work / "stage").rglob("*") if p.is_file()):
        content = path.read_bytes()
        assert token.encode() not in content, path
        assert str(work).encode() not in content and str(ROOT).encode() not in content, path


@pytest.mark.parametrize(
    ("kind", "file", "old", "new", "said"),
    [
        ("metric", "verify.py", b'"wrong_target")\n    return', b'"ok")\n    return', "metric: known answers"),
        ("adapter", "adapter_model.safetensors", None, None, "adapter: its answers are the base's"),
    ],
)
def test_check_finds_what_differs(run, released, recipe_file, tmp_path, kind, file, old, new, said):
    """Publish something else than was staged, by an ordinary upload; `check` must say which part it is."""
    work = tmp_path / "work"
    shutil.copytree(released[0], work)
    record, repos = read_plan(work / "stage")
    repo = next(repo for repo in repos if repo.kind == kind)
    source = work / "stage" / kind / file
    if old is None:
        import torch
        from safetensors.torch import load_file, save_file

        save_file({name: torch.zeros_like(w) for name, w in load_file(source).items()}, tmp_path / file)
    else:
        content = source.read_bytes()
        assert old in content
        (tmp_path / file).write_bytes(content.replace(old, new))
    with destination("rehearsal", work) as (api, _):
        api.upload_file(repo_id=repo.id, repo_type=repo.type, path_or_fileobj=tmp_path / file, path_in_repo=file)
    done = run("check", recipe_file, "--to", "rehearsal", "--work", work)
    assert done.returncode == 1 and said in done.stderr, done.stderr[-2000:]
    assert record["tag"] == TAG


def test_a_published_version_is_not_changed_behind_peoples_back(released, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(released[0], work)
    (work / "stage" / "dataset" / "README.md").write_text("---\nlicense: mit\n---\n\nchanged\n")
    before = _commits(work)
    with destination("rehearsal", work) as (api, _), pytest.raises(InputError, match="raise the version"):
        publish(work / "stage", api)
    assert _commits(work) == before
    with destination("rehearsal", work) as (api, _):
        publish(work / "stage", api, move_tags=True)
        path = hf_hub_download("rehearsal/arith-puzzle", "README.md", repo_type="dataset", revision=TAG,
                               endpoint=api.endpoint, cache_dir=tmp_path / "cache")  # fmt: skip
    assert "changed" in Path(path).read_text()


def test_what_the_hub_refuses_is_one_line(released, tmp_path):
    work, _ = released
    with destination("rehearsal", work) as (api, _):
        wrong = HfApi(endpoint=api.endpoint, token="hf_wrongwrongwrong")
        with pytest.raises(InputError, match="hf auth login") as caught:
            namespace_of(wrong)
        assert "\n" not in str(caught.value) and "hf_wrong" not in str(caught.value)
        other = tmp_path / "stage"
        shutil.copytree(Work(work).stage, other)
        text = (other / "release.json").read_text().replace('"rehearsal/', '"somebody-else/')
        (other / "release.json").write_text(text)
        with pytest.raises(InputError, match="may not write there"):
            publish(other, api)
    with pytest.raises(InputError, match="does not answer"):
        namespace_of(HfApi(endpoint="http://127.0.0.1:9", token="hf_x"))
