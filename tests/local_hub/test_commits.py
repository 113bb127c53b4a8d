"""The local Hub: commits, branches and tags, by one writer and by eight at once; and what it refuses."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import CommitOperationCopy, CommitOperationDelete, HfApi
from huggingface_hub.errors import BadRequestError, EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

from tests.local_hub.hub_client import add, auth, file_line, http, send_commit

pytestmark = pytest.mark.usefixtures("no_xet")


def test_delete_and_copy(api, repo):
    api.create_commit(repo, [add("a/one.txt", b"1"), add("a/two.bin", b"2"), add("keep", b"3")], commit_message="add")
    api.create_commit(
        repo,
        [CommitOperationCopy("a/one.txt", "b/1"), CommitOperationCopy("a/two.bin", "b/2.bin")],
        commit_message="copy",
    )
    api.create_commit(repo, [CommitOperationDelete("a/"), CommitOperationDelete("keep")], commit_message="delete")
    assert api.list_repo_files(repo) == [".gitattributes", "b/1", "b/2.bin"]
    assert api.get_paths_info(repo, "b/2.bin")[0].lfs.sha256 == hashlib.sha256(b"2").hexdigest()
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        api.delete_file("keep", repo)
    with pytest.raises(EntryNotFoundError):
        api.delete_folder("a", repo)


def test_branches_and_tags(api, repo, tmp_path):
    first = api.create_commit(repo, [add("f", b"1")], commit_message="first")
    api.create_tag(repo, tag="v1.0", tag_message="the first")
    api.create_branch(repo, branch="side/way")
    second = api.create_commit(repo, [add("f", b"2")], commit_message="second", revision="side/way")
    api.create_tag(repo, tag="light", revision="side/way")
    refs = api.list_repo_refs(repo, include_pull_requests=True)
    assert {branch.name: branch.target_commit for branch in refs.branches} == {
        "main": first.oid,
        "side/way": second.oid,
    }
    assert {tag.ref: tag.target_commit for tag in refs.tags} == {
        "refs/tags/v1.0": first.oid,
        "refs/tags/light": second.oid,
    }
    for revision, content in [("v1.0", "1"), ("side/way", "2"), (second.oid, "2"), (second.oid[:10], "2"), (None, "1")]:
        assert Path(api.hf_hub_download(repo, "f", revision=revision, cache_dir=tmp_path)).read_text() == content
    assert api.model_info(repo, revision="side/way").sha == second.oid
    assert [commit.title for commit in api.list_repo_commits(repo, revision="side/way")][:2] == ["second", "first"]

    api.create_tag(repo, tag="v1.0", exist_ok=True)
    api.create_branch(repo, branch="side/way", exist_ok=True)
    for again in (lambda: api.create_tag(repo, tag="v1.0"), lambda: api.create_branch(repo, branch="side/way")):
        with pytest.raises(HfHubHTTPError) as caught:
            again()
        assert caught.value.response.status_code == 409
    with pytest.raises(BadRequestError):
        api.create_commit(repo, [add("f", b"3")], commit_message="onto a tag", revision="v1.0")
    for bad in ("a..b", "refs/heads/x", "a b", "x.lock"):
        with pytest.raises(BadRequestError):
            api.create_tag(repo, tag=bad)
    api.delete_tag(repo, tag="v1.0")
    api.delete_branch(repo, branch="side/way")
    refs = api.list_repo_refs(repo)
    assert [branch.name for branch in refs.branches] == ["main"] and [tag.name for tag in refs.tags] == ["light"]
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag(repo, tag="v1.0")
    with pytest.raises(HfHubHTTPError):
        api.delete_branch(repo, branch="main")


def test_eight_writers_lose_nothing(hub, repo):
    def write(worker: int) -> None:
        mine = HfApi(endpoint=hub.endpoint, token=hub.token)
        for n in range(4):
            files = [add(f"{worker}/{n}.txt", b"%d" % n), add(f"{worker}/{n}.bin", b"%d %d" % (worker, n))]
            mine.create_commit(repo, files, commit_message=f"{worker} {n}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    wanted = {f"{worker}/{n}.{kind}" for worker in range(8) for n in range(4) for kind in ("txt", "bin")}
    assert set(api.list_repo_files(repo)) == wanted | {".gitattributes"}
    assert len(api.list_repo_commits(repo)) == 33
    folder = hub.token_file.parent / "repos" / "models" / f"{repo}.git"
    merges = subprocess.run(["git", "rev-list", "--all", "--min-parents=2"], cwd=folder, capture_output=True, text=True)
    assert (merges.returncode, merges.stdout) == (0, "")  # a straight line


def test_parent_commit_must_be_the_head(hub, api, repo):
    head = api.model_info(repo).sha
    api.create_commit(repo, [add("f", b"1")], commit_message="first", parent_commit=head)
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_commit(repo, [add("f", b"2")], commit_message="second", parent_commit=head)
    assert caught.value.response.status_code == 412
    assert len(api.list_repo_commits(repo)) == 2

    def race(content: bytes) -> bool:
        mine = HfApi(endpoint=hub.endpoint, token=hub.token)
        try:
            mine.create_commit(repo, [add("f", content)], commit_message="race", parent_commit=now)
        except HfHubHTTPError as error:
            assert error.response.status_code == 412
            return False
        return True

    now = api.model_info(repo).sha
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, [b"by %d" % n for n in range(8)])) == 1


HOSTILE_PATHS = [
    "/etc/passwd", "../up", "a/../../b", "a/./b", "a//b", "", ".", ".git/config", "a/.GIT/hooks/x", "a/.git", "git~1/x",
    ".git /x", ".g\u200cit/x", "a\\b", "a\0b", "a\nb", "a/", ".gitmodules", "\ud800", "x" * 300,
    "/".join(["deep"] * 300),
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=ascii)
def test_bad_paths_are_refused(hub, api, path):
    api.create_repo("local/hostile", exist_ok=True)
    before = api.model_info("local/hostile").sha
    for line in (file_line(path), {"key": "deletedFile", "value": {"path": path}}):
        refused = send_commit(hub, "local/hostile", file_line("good"), line)
        assert refused.status_code == 422 and refused.json()["error"] and refused.headers["x-error-message"]
    preupload = {"files": [{"path": path, "size": 1, "sample": ""}]}
    url = f"{hub.endpoint}/api/models/local/hostile/preupload/main"
    assert http.post(url, content=json.dumps(preupload), headers=auth(hub)).status_code == 422
    assert api.model_info("local/hostile").sha == before


def test_a_commit_that_changes_nothing_is_no_commit(hub, api, repo):
    first, second = (send_commit(hub, repo, file_line("f", b"same")).json()["commitOid"] for _ in range(2))
    assert first == second and len(api.list_repo_commits(repo)) == 2


def test_bad_commits_are_refused(hub, api, repo):
    before = api.model_info(repo).sha
    good = file_line("good")
    bad = [
        {"key": "file", "value": {"path": "f", "content": "!!", "encoding": "base64"}},
        {"key": "file", "value": {"path": "f", "content": 1}},
        {"key": "lfsFile", "value": {"path": "f", "oid": "../../x", "size": 1}},
        {"key": "explode", "value": {"path": "f"}},
        {"key": "file", "value": "f"},
        file_line("good/below-a-file"),
        file_line(".gitattributes", b"x" * 3000),
    ]
    for line in bad:
        assert send_commit(hub, repo, good, line).status_code == 400, line
    assert send_commit(hub, repo, good, summary="").status_code == 400
    assert send_commit(hub, repo, good, summary="a\0b").status_code == 400
    assert send_commit(hub, repo).status_code == 400
    assert send_commit(hub, repo, file_line("f", bytes(10 * 1024 * 1024 + 1))).status_code == 413
    url = f"{hub.endpoint}/api/models/{repo}/commit/main"
    for body in (b"", b"not json", b"[]", b'{"key": "header"}', json.dumps(good).encode()):
        assert http.post(url, content=body, headers=auth(hub)).status_code == 400
    for too_long in (b" " * (8 * 1024 * 1024 + 1), (b" " * 1024 * 1024 for _ in range(9))):  # announced, and in chunks
        refused = http.post(f"{hub.endpoint}/api/repos/create", content=too_long, headers=auth(hub))
        assert refused.status_code == 413
    assert api.model_info(repo).sha == before and api.list_repo_files(repo) == [".gitattributes"]


def test_card_is_checked_before_upload(api, repo):
    with pytest.raises(ValueError, match=r"Invalid metadata in README\.md"):
        api.upload_file(repo_id=repo, path_in_repo="README.md", path_or_fileobj=b"---\na: [\n---\n")
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in pairwise("abcdefghi")
    )
    for hostile in (bomb, "a: " + "[" * 5000):
        with pytest.raises(ValueError, match="Invalid metadata"):
            api._validate_yaml(f"---\n{hostile}\n---\n")
    with pytest.raises(ValueError, match="sdk"):
        api._validate_yaml("---\nsdk: cobol\n---\n", repo_type="space")
    with pytest.warns(UserWarning, match="empty or missing yaml metadata"):
        api.upload_file(repo_id=repo, path_in_repo="README.md", path_or_fileobj=b"# no metadata")


def test_a_commit_that_is_too_large_is_refused_before_it_is_sent(hub, api, repo):
    address = urlsplit(hub.endpoint)
    lines = [f"POST /api/models/{repo}/commit/main HTTP/1.1", "Host: x", f"Authorization: Bearer {hub.token}"]
    with socket.create_connection((address.hostname, address.port)) as raw:
        raw.sendall("\r\n".join([*lines, f"Content-Length: {512 * 1024 * 1024 + 1}", "", ""]).encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 413")
    with socket.create_connection((address.hostname, address.port)) as raw:  # this one is cut off in the middle
        raw.sendall("\r\n".join([*lines, "Content-Length: 1000", "", ""]).encode() + b'{"key": "header"')
    assert [commit.title for commit in api.list_repo_commits(repo)] == ["initial commit"]


def test_eight_people_at_once_on_one_repos_settings(hub, api, repo):
    """The data beside git: settings, discussions, pull requests, collections."""

    def act(n: int) -> None:
        mine = HfApi(endpoint=hub.endpoint, token=hub.token)
        mine.create_discussion(repo, title=f"number {n}")
        mine.update_repo_settings(repo, private=n % 2 == 0)
        mine.create_commit(repo, [add(f"{n}", b"1")], commit_message=f"pr {n}", create_pr=True)
        mine.create_collection(f"of {n} {repo[-6:]}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(8)))
    found = list(api.get_repo_discussions(repo))
    assert sorted(one.num for one in found) == list(range(1, 17))
    pulls = {ref.ref for ref in api.list_repo_refs(repo, include_pull_requests=True).pull_requests}
    assert pulls == {f"refs/pr/{one.num}" for one in found if one.is_pull_request} and len(pulls) == 8
    for one in found:
        if one.is_pull_request:
            files = set(api.list_repo_files(repo, revision=one.git_reference))
            assert files == {".gitattributes", one.title.removeprefix("pr ")}
    mine = [made for made in api.list_collections(owner="local", limit=1000) if made.title.endswith(repo[-6:])]
    assert len(mine) == 8
