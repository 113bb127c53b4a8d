"""One repo: a bare git repository read and changed through pygit2, and what the Hub knows of it besides.

<name>.git/                      git's files, and beside them
    hub.json               when it was created, private, gated, sdk, likes, access requests
    discussions.json             discussions and pull requests (discussions.py)
    lfs/objects/ab/cd/<sha256>   large files, in git-lfs' own layout
"""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pygit2

from arith_puzzle.local_hub.errors import revision_not_found
from arith_puzzle.local_hub.names import KINDS
from arith_puzzle.local_hub.store.lfs import LfsObjects

# The large-file patterns the Hub writes into a new repo's .gitattributes (those this project can meet).
LFS_SUFFIXES = (
    "7z arrow bin bz2 ckpt ftz gguf gz h5 joblib mlmodel model msgpack npy npz onnx parquet pb pickle pkl pt pth rar "
    "safetensors tar tflite tgz wasm xz zip zst"
)
GITATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES.split())


def now() -> str:
    """The present moment as the Hub writes it: `2024-01-31T12:00:00.000Z`."""
    return iso(datetime.now(UTC).timestamp())


def iso(timestamp: float) -> str:
    """Seconds since the epoch as the Hub writes moments."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file as a whole: readers and kills see the old content or the new, never a part."""
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    with open(partial, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


class Repo:
    """One repo, opened for one request (pygit2's objects are not for sharing between threads)."""

    def __init__(self, kind: str, namespace: str, name: str, folder: Path):
        self.kind, self.namespace, self.name, self.folder = kind, namespace, name, folder
        self.id = f"{namespace}/{name}"
        self.load_meta()
        self.git = pygit2.Repository(str(folder))
        self.lfs = LfsObjects(folder / "lfs")

    @property
    def type(self) -> str:
        return KINDS[self.kind]

    @property
    def url_path(self) -> str:
        """Where the repo's page is: `/ns/name` for models, `/datasets/ns/name` otherwise."""
        return f"/{self.id}" if self.kind == "models" else f"/{self.kind}/{self.id}"

    @property
    def likes(self) -> dict[str, str]:
        """User → when."""
        return self.meta.setdefault("likes", {})

    @property
    def access(self) -> dict[str, dict]:
        """User → the request for access to this gated repo (access.py)."""
        return self.meta.setdefault("access", {})

    def load_meta(self) -> None:
        self.meta: dict = json.loads((self.folder / "hub.json").read_bytes())

    def save_meta(self) -> None:
        write_atomically(self.folder / "hub.json", json.dumps(self.meta).encode())

    def commit(self, revision: str = "main") -> pygit2.Commit:
        """The commit a branch, a tag, a full ref or a commit id stands for; 404 RevisionNotFound."""
        for name in (
            f"refs/heads/{revision}",
            f"refs/tags/{revision}",
            revision if revision.startswith("refs/") else "",
        ):
            if name and pygit2.reference_is_valid_name(name) and name in self.git.references:
                return self.git.references[name].peel(pygit2.Commit)
        if 7 <= len(revision) <= 40 and all(c in "0123456789abcdefABCDEF" for c in revision):
            try:
                found = self.git.get(revision)
            except ValueError:  # an abbreviation of several objects
                found = None
            if isinstance(found, pygit2.Commit):
                return found
        raise revision_not_found(revision)

    def branch(self, revision: str) -> str:
        """The full name of the branch or pull request that commits to `revision` go to; 404 when there is none."""
        ref = revision if revision.startswith(("refs/heads/", "refs/pr/")) else f"refs/heads/{revision}"
        if not pygit2.reference_is_valid_name(ref) or ref not in self.git.references:
            raise revision_not_found(revision)
        return ref

    def files(self, commit: pygit2.Commit) -> dict[str, pygit2.Oid]:
        """Every file of a commit, path → blob id, sorted by path as git sorts an index."""
        index = pygit2.Index()
        index.read_tree(commit.tree)
        return {entry.path: entry.id for entry in index}

    def read_text(self, commit: pygit2.Commit, path: str) -> str | None:
        """A regular file's text, None when there is no such file."""
        if path not in commit.tree or not isinstance(blob := commit.tree[path], pygit2.Blob):
            return None
        return blob.data.decode("utf-8", "replace")

    def write_tree(self, files: dict[str, pygit2.Oid]) -> pygit2.Oid:
        """The tree that holds exactly these files."""
        index = pygit2.Index()
        for path, blob in files.items():
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        return index.write_tree(self.git)

    def write_commit(
        self, ref: str, tree: pygit2.Oid, user: str, message: str, parents: list[pygit2.Oid]
    ) -> pygit2.Commit:
        """Commit a tree and point `ref` at it, which happens last. The caller holds the repo's lock."""
        commit = self.git[self.git.create_commit(None, signature(user), signature(user), message, tree, parents)]
        self.git.references.create(ref, commit.id, force=True)
        return commit


def signature(user: str) -> pygit2.Signature:
    """A commit's author, now; the address is nobody's."""
    return pygit2.Signature(user, f"{user}@users.noreply.local.invalid")
