"""The local Hub, used by git and git-lfs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.local_hub.hub_client import add

pytestmark = pytest.mark.usefixtures("no_xet")


@pytest.fixture
def git(tmp_path):
    """Run git with its own configuration. `fails` states whether a test expects an error."""
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {"GIT_AUTHOR_NAME": "ann", "GIT_AUTHOR_EMAIL": "ann@example.org"}
    env |= {"GIT_COMMITTER_NAME": "ann", "GIT_COMMITTER_EMAIL": "ann@example.org"}

    def call(*arguments: str, cwd: Path = tmp_path, fails: bool = False) -> str:
        done = subprocess.run(["git", *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=600)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    return call


def with_token(hub, path: str, token: str | None = None) -> str:
    return hub.endpoint.replace("://", f"://user:{token or hub.token}@") + path


def test_clone_and_fetch(hub, api, repo, git, tmp_path):
    large = os.urandom(5000)
    first = api.create_commit(repo, [add("f.txt", b"1"), add("w.bin", large)], commit_message="first")
    api.create_tag(repo, tag="v1.0", tag_message="the first")
    git("clone", "--quiet", f"{hub.endpoint}/{repo}", "here")
    here = tmp_path / "here"
    assert git("rev-parse", "HEAD", "v1.0^{commit}", cwd=here).split() == [first.oid, first.oid]
    assert (here / "f.txt").read_text() == "1"
    assert (here / "w.bin").read_text().startswith("version https://git-lfs.github.com/spec/v1\noid sha256:")

    second = api.create_commit(repo, [add("f.txt", b"2")], commit_message="second", create_pr=True)
    git("fetch", "--quiet", "origin", "refs/pr/1", cwd=here)
    assert git("rev-parse", "FETCH_HEAD", cwd=here).strip() == second.oid
    git("-c", "protocol.version=0", "clone", "--quiet", "--depth", "1", f"{hub.endpoint}/{repo}.git", "shallow")
    assert git("log", "--format=%s", cwd=tmp_path / "shallow").split("\n")[0] == "first"
    api.move_repo(repo, f"{repo}-moved")
    git("clone", "--quiet", f"{hub.endpoint}/{repo}", "by-its-old-name")
    assert git("rev-parse", "HEAD", cwd=tmp_path / "by-its-old-name").strip() == first.oid


def test_datasets_have_their_own_address(hub, api, repo, git, tmp_path):
    api.create_repo(repo, repo_type="dataset")
    api.upload_file(repo_id=repo, repo_type="dataset", path_in_repo="data.txt", path_or_fileobj=b"rows")
    git("clone", "--quiet", f"{hub.endpoint}/datasets/{repo}", "data")
    assert (tmp_path / "data" / "data.txt").read_text() == "rows"


def test_a_private_repo_is_cloned_with_a_token_only(hub, api, repo, git, tmp_path):
    api.update_repo_settings(repo, private=True)
    refused = git("clone", "--quiet", f"{hub.endpoint}/{repo}", "nobody", fails=True)
    assert "could not read Username" in refused  # the Hub requests a user name, and git may not prompt for one
    assert "not found" in git("clone", "--quiet", with_token(hub, f"/{repo}", "hf_other"), "stranger", fails=True)
    git("clone", "--quiet", with_token(hub, f"/{repo}", "hf_nobody"), "unknown", fails=True)
    git("clone", "--quiet", with_token(hub, f"/{repo}"), "owner")
    assert (tmp_path / "owner" / ".gitattributes").exists()
    assert not any((tmp_path / name).exists() for name in ("nobody", "stranger", "unknown"))


def test_a_push_is_refused(hub, api, repo, git, tmp_path):
    git("clone", "--quiet", with_token(hub, f"/{repo}"), "here")
    git("commit", "--quiet", "--allow-empty", "-m", "mine", cwd=tmp_path / "here")
    assert "403" in git("push", "--quiet", cwd=tmp_path / "here", fails=True)
    assert [commit.title for commit in api.list_repo_commits(repo)] == ["initial commit"]


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
@pytest.mark.parametrize("private", [False, True])
def test_git_lfs_fetches_the_large_files(hub, api, repo, git, tmp_path, private):
    large = os.urandom(300_000)
    api.create_commit(repo, [add("w.bin", large), add("odd name [1].dat", large[:5000])], commit_message="large")
    api.update_repo_settings(repo, private=private)
    git("lfs", "install")
    git("clone", "--quiet", with_token(hub, f"/{repo}") if private else f"{hub.endpoint}/{repo}", "here")
    assert (tmp_path / "here" / "w.bin").read_bytes() == large
    git("lfs", "fsck", cwd=tmp_path / "here")
    assert git("status", "--short", cwd=tmp_path / "here") == ""
