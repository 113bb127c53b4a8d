"""Helpers of the local Hub's tests: hand-written requests, clients in new processes, a check of the repos."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import httpx2
from huggingface_hub import CommitOperationAdd

http = SimpleNamespace(**{name: partial(getattr(httpx2, name), timeout=600) for name in ("get", "head", "post", "put")})
"""Functions of httpx2 with a time limit that a busy machine does not reach."""
TOKENS = {
    "hf_reader": {"name": "reader", "role": "read", "orgs": ["local"]},
    "hf_other": {"name": "other", "role": "write"},
    "hf_member": {"name": "member", "role": "write", "orgs": ["puzzlers", "guild", {"name": "school", "role": "read"}]},
    "hf_fine": {"name": "member", "role": "fineGrained", "orgs": ["guild"], "may_write": ["guild/fine"]},
    "hf_closed": {"name": "closed", "orgs": [{"name": "closed-org", "private_by_default": True}]},
}


def assert_sound(root: Path) -> None:
    """Check that all git repositories of a stopped Hub are sound and that no unfinished upload is left."""
    repos = list((root / "repos").glob("*/*/*.git"))
    assert repos
    for repo in repos:
        checked = subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=repo, capture_output=True, text=True)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", ""), repo
        assert not list(repo.glob("lfs/tmp/*"))


def auth(hub) -> dict:
    return {"Authorization": f"Bearer {hub.token}"}


def add(path: str, content: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def send_commit(hub, repo: str, *operations: dict, **header) -> httpx2.Response:
    """Send a commit written by hand, which may be malformed."""
    lines = [{"key": "header", "value": {"summary": "by hand", **header}}, *operations]
    body = "\n".join(json.dumps(line) for line in lines)
    return http.post(f"{hub.endpoint}/api/models/{repo}/commit/main", content=body, headers=auth(hub))


def file_line(path: str, content: bytes = b"x") -> dict:
    return {"key": "file", "value": {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}}


def client(hub, code: str, folder: Path, token: str | None = None) -> str:
    """Run code in a new process without this process' Hub settings. Returns its output."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    env |= {"HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(folder / "hf_home")}
    env |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"} | (
        {"HF_TOKEN": token} if token else {}
    )
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def start_upload(hub, repo: str, content: bytes, size: int | None = None) -> tuple[str, str]:
    """Announce an upload at the LFS batch endpoint: (address to upload to, sha256)."""
    oid = hashlib.sha256(content).hexdigest()
    payload = {"operation": "upload", "objects": [{"oid": oid, "size": len(content) if size is None else size}]}
    answer = http.post(f"{hub.endpoint}/{repo}.git/info/lfs/objects/batch", json=payload, headers=auth(hub))
    assert answer.status_code == 200, answer.text
    return answer.json()["objects"][0]["actions"]["upload"]["href"], oid
