"""The local Hub: pull requests, discussions, squashing, permanent deletion, copies between repos."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import BadRequestError, EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

from tests.local_hub.hub_client import add, http

pytestmark = pytest.mark.usefixtures("no_xet")


def titles(api, repo, revision="main") -> list[str]:
    return [commit.title for commit in api.list_repo_commits(repo, revision=revision)]


def test_a_pull_request_from_its_first_commit_to_its_merge(hub, api, repo):
    api.create_commit(repo, [add("a", b"1"), add("b", b"1")], commit_message="base")
    stranger = HfApi(endpoint=hub.endpoint, token="hf_other")
    made = stranger.create_commit(
        repo, [add("a", b"2"), add("w.bin", os.urandom(500))], commit_message="proposed", create_pr=True
    )
    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1") and made.pr_url.endswith(f"{repo}/discussions/1")
    stranger.create_commit(repo, [CommitOperationDelete("b")], commit_message="more", revision="refs/pr/1")
    assert titles(api, repo) == ["base", "initial commit"]
    assert titles(api, repo, "refs/pr/1") == ["more", "proposed", "base", "initial commit"]
    refs = api.list_repo_refs(repo, include_pull_requests=True)
    assert [ref.ref for ref in refs.pull_requests] == ["refs/pr/1"] and api.list_repo_refs(repo).pull_requests is None

    with pytest.raises(HfHubHTTPError, match="403"):
        stranger.create_commit(repo, [add("a", b"3")], commit_message="onto main")
    with pytest.raises(HfHubHTTPError, match="403"):
        stranger.merge_pull_request(repo, 1)
    other = HfApi(endpoint=hub.endpoint, token="hf_member")
    with pytest.raises(HfHubHTTPError, match="403"):
        other.create_commit(repo, [add("a", b"3")], commit_message="onto another's", revision="refs/pr/1")

    found = api.get_discussion_details(repo, 1)
    assert (found.status, found.author, found.conflicting_files, found.target_branch) == (
        "open", "other", [], "refs/heads/main",
    )  # fmt: skip
    assert "-1\n" in found.diff and "+2\n" in found.diff
    assert [event.summary for event in found.events if event.type == "commit"] == ["more", "proposed"]
    api.create_commit(repo, [add("c", b"1")], commit_message="meanwhile")
    api.merge_pull_request(repo, 1, comment="thanks")
    assert titles(api, repo) == ["proposed (#1)", "meanwhile", "base", "initial commit"]
    assert set(api.list_repo_files(repo)) == {".gitattributes", "a", "c", "w.bin"}
    found = api.get_discussion_details(repo, 1)
    assert (found.status, found.merge_commit_oid) == ("merged", api.model_info(repo).sha)
    with pytest.raises(BadRequestError, match="open pull request"):
        api.merge_pull_request(repo, 1)
    by_path = {entry.path: entry.last_commit.title for entry in api.list_repo_tree(repo, expand=True)}
    assert by_path["a"] == "proposed (#1)" and by_path["c"] == "meanwhile"


def test_a_pull_request_that_clashes_is_not_merged(api, repo):
    api.create_commit(repo, [add("a", b"1")], commit_message="base")
    api.create_commit(repo, [add("a", b"theirs")], commit_message="theirs", create_pr=True)
    api.create_commit(repo, [add("a", b"ours")], commit_message="ours")
    assert api.get_discussion_details(repo, 1).conflicting_files == ["a"]
    before = api.model_info(repo).sha
    with pytest.raises(HfHubHTTPError) as caught:
        api.merge_pull_request(repo, 1)
    assert caught.value.response.status_code == 409 and api.model_info(repo).sha == before
    assert api.get_discussion_details(repo, 1).status == "open"


def test_discussions(hub, api, repo):
    made = api.create_discussion(repo, title=" A question ", description="Why?")
    draft = api.create_pull_request(repo, title="An answer")
    assert (made.num, made.title, made.status, draft.num, draft.status) == (1, "A question", "open", 2, "draft")
    assert api.model_info(repo, revision="refs/pr/2").sha == api.model_info(repo).sha
    said = api.comment_discussion(repo, 1, "Because.")
    assert api.edit_discussion_comment(repo, 1, said.id, "Because!").content == "Because!"
    assert api.hide_discussion_comment(repo, 1, said.id).hidden
    stranger = HfApi(endpoint=hub.endpoint, token="hf_other")
    with pytest.raises(HfHubHTTPError, match="403"):
        stranger.rename_discussion(repo, 1, "Mine now")
    api.rename_discussion(repo, 1, "A better question")
    api.change_discussion_status(repo, 1, "closed", comment="done")
    found = api.get_discussion_details(repo, 1)
    assert (found.title, found.status) == ("A better question", "closed")
    kinds = ["comment", "comment", "title-change", "status-change", "comment"]
    assert [event.type for event in found.events] == kinds
    assert [one.num for one in api.get_repo_discussions(repo, discussion_type="pull_request")] == [2]
    assert [one.num for one in api.get_repo_discussions(repo, discussion_status="closed")] == [1]
    assert [one.num for one in api.get_repo_discussions(repo, author="local")] == [2, 1]
    with pytest.raises(HfHubHTTPError, match="404"):
        api.get_discussion_details(repo, 3)
    with pytest.raises(BadRequestError):
        api.create_discussion(repo, title="x")


def test_squash(api, repo):
    for n in range(3):
        api.create_commit(repo, [add("f", b"%d" % n), add(f"{n}.bin", b"%d" % n)], commit_message=f"{n}")
    api.create_tag(repo, tag="before")
    files = api.list_repo_files(repo)
    api.super_squash_history(repo, commit_message="all of it")
    assert titles(api, repo) == ["all of it"] and api.list_repo_files(repo) == files
    assert len(titles(api, repo, "before")) == 4  # a tag keeps what it was put on
    with pytest.raises(RevisionNotFoundError):
        api.super_squash_history(repo, branch="missing")


def test_large_files_are_removed_for_good(hub, api, repo, tmp_path):
    api.create_commit(repo, [add("keep.txt", b"1"), add("a.bin", b"a"), add("b.bin", b"b")], commit_message="files")
    api.create_tag(repo, tag="v1", tag_message="annotated")
    found = {file.filename: file for file in api.list_lfs_files(repo)}
    assert set(found) == {"a.bin", "b.bin"} and found["a.bin"].size == 1 and found["a.bin"].ref == "refs/heads/main"
    address = http.head(f"{hub.endpoint}/{repo}/resolve/main/a.bin").headers["location"]
    api.permanently_delete_lfs_files(repo, [found["a.bin"]])
    for revision in ("main", "v1"):
        assert set(api.list_repo_files(repo, revision=revision)) == {".gitattributes", "keep.txt", "b.bin"}
    assert [file.filename for file in api.list_lfs_files(repo)] == ["b.bin"]
    assert http.get(address).status_code == 404
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(repo, "a.bin", cache_dir=tmp_path)
    assert titles(api, repo) == ["files", "initial commit"]


def test_a_gitignore_keeps_files_out(api, repo, tmp_path):
    for path in ("data/x.log", "data/keep.txt", "build/out.txt", "deep/build/out.txt"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("1")
    api.upload_file(repo_id=repo, path_in_repo=".gitignore", path_or_fileobj=b"*.log\n/build/\n!keep.txt\n")
    api.upload_folder(repo_id=repo, folder_path=tmp_path)
    assert set(api.list_repo_files(repo)) == {".gitattributes", ".gitignore", "data/keep.txt", "deep/build/out.txt"}


def test_copies_from_another_repo(hub, api, repo, tmp_path):
    large = os.urandom(4000)
    api.create_commit(repo, [add("w.bin", large), add("f.txt", b"text")], commit_message="source")
    target = api.create_repo(f"{repo}-copy", repo_type="dataset").repo_id
    copies = [
        CommitOperationCopy(path, f"from/{path}", src_repo_id=repo, src_repo_type="model")
        for path in ("w.bin", "f.txt")
    ]
    api.create_commit(target, copies, commit_message="copied", repo_type="dataset")
    down = api.snapshot_download(target, repo_type="dataset", cache_dir=tmp_path)
    assert (Path(down) / "from" / "w.bin").read_bytes() == large and (
        Path(down) / "from" / "f.txt"
    ).read_text() == "text"
    api.delete_repo(repo)
    url = f"{hub.endpoint}/datasets/{target}/resolve/main/from/w.bin"
    assert http.get(url, follow_redirects=True).content == large


def test_histories_stay_straight_lines(hub, api, repo):
    api.create_commit(repo, [CommitOperationAdd("a", b"1")], commit_message="pr", create_pr=True)
    api.create_commit(repo, [CommitOperationAdd("b", b"1")], commit_message="main")
    api.merge_pull_request(repo, 1)
    folder = hub.token_file.parent / "repos" / "models" / f"{repo}.git"
    merges = subprocess.run(["git", "rev-list", "--all", "--min-parents=2"], cwd=folder, capture_output=True, text=True)
    assert (merges.returncode, merges.stdout) == (0, "")
