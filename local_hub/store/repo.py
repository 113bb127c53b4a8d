"""One repo: a bare git repository, read and changed through pygit2, and the Hub's own data beside it.

<name>.git/                      git's files
    hub.json                     created at, private, gated, sdk, likes, access requests
    discussions.json             discussions and pull requests (endpoints/discussions.py)
    lfs/objects/ab/cd/<sha256>   large files, in git-lfs' layout
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pygit2

from arith_puzzle.common.files import write_text
from arith_puzzle.local_hub.errors import revision_not_found
from arith_puzzle.local_hub.names import KINDS
from arith_puzzle.local_hub.store.lfs import LfsObjects, parse_pointer

# The patterns of large files that the Hub writes into a new repo's .gitattributes (those that matter here).
LFS_SUFFIXES = (
    "7z arrow bin bz2 ckpt ftz gguf gz h5 joblib mlmodel model msgpack npy npz onnx parquet pb pickle pkl pt pth rar "
    "safetensors tar tflite tgz wasm xz zip zst"
)
GITATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES.split())


def now() -> str:
    """The current time in the Hub's form: `2024-01-31T12:00:00.000Z`."""
    return iso(datetime.now(UTC).timestamp())


def iso(timestamp: float) -> str:
    """Seconds since the epoch in the Hub's form: `2024-01-31T12:00:00.000Z`."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class Repo:
    """One repo, opened for one request: threads must not share pygit2's objects.

    `kind` is `models`, `datasets` or `spaces`; `meta` is the content of hub.json.
    """

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
        """Path of the repo's page: `/ns/name` for models, `/datasets/ns/name` or `/spaces/ns/name` otherwise."""
        return f"/{self.id}" if self.kind == "models" else f"/{self.kind}/{self.id}"

    @property
    def likes(self) -> dict[str, str]:
        """User -> when the user liked this repo."""
        return self.meta.setdefault("likes", {})

    @property
    def access(self) -> dict[str, dict]:
        """User -> the user's request for access to this gated repo (endpoints/access.py)."""
        return self.meta.setdefault("access", {})

    def load_meta(self) -> None:
        self.meta: dict = json.loads((self.folder / "hub.json").read_bytes())

    def save_meta(self) -> None:
        write_text(self.folder / "hub.json", json.dumps(self.meta))

    def commit(self, revision: str = "main") -> pygit2.Commit:
        """The commit of a branch, a tag, a full ref or a commit id. Raises `HubError` 404 RevisionNotFound."""
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
            except ValueError:  # an ambiguous abbreviation
                found = None
            if isinstance(found, pygit2.Commit):
                return found
        raise revision_not_found(revision)

    def branch(self, revision: str) -> str:
        """The full ref of a branch or a pull request. Raises `HubError` 404 if there is none of that name."""
        ref = revision if revision.startswith(("refs/heads/", "refs/pr/")) else f"refs/heads/{revision}"
        if not pygit2.reference_is_valid_name(ref) or ref not in self.git.references:
            raise revision_not_found(revision)
        return ref

    def files(self, commit: pygit2.Commit) -> dict[str, pygit2.Oid]:
        """All files of a commit, path -> blob id, in the order of a git index."""
        index = pygit2.Index()
        index.read_tree(commit.tree)
        return {entry.path: entry.id for entry in index}

    def read_text(self, commit: pygit2.Commit, path: str) -> str | None:
        """The text of a regular file; None if there is no such file."""
        if path not in commit.tree or not isinstance(blob := commit.tree[path], pygit2.Blob):
            return None
        return blob.data.decode("utf-8", "replace")

    def write_tree(self, files: dict[str, pygit2.Oid]) -> pygit2.Oid:
        """Write the tree that holds exactly these files (path -> blob id)."""
        index = pygit2.Index()
        for path, blob in files.items():
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        return index.write_tree(self.git)

    def write_commit(
        self, ref: str, tree: pygit2.Oid, user: str, message: str, parents: list[pygit2.Oid]
    ) -> pygit2.Commit:
        """Commit a tree, then point `ref` at the commit. The caller holds the repo's lock."""
        commit = self.git[self.git.create_commit(None, signature(user), signature(user), message, tree, parents)]
        self.git.references.create(ref, commit.id, force=True)
        return commit

    def large_file(self, blob: pygit2.Blob) -> tuple[str, int] | None:
        """(sha256, size in bytes) if a blob points to a stored large file, else None.

        A committed text that only looks like a pointer has no stored object, so it stays a text.
        """
        found = parse_pointer(blob)
        return found if found and self.lfs.size(found[0]) == found[1] else None

    def used_bytes(self) -> int:
        """Bytes of all large files and of the other files at the head of main."""
        files = sum(self.git[blob].size for blob in self.files(self.commit()).values())
        return files + sum(path.stat().st_size for path in self.lfs.all())


def signature(user: str) -> pygit2.Signature:
    """The author of a commit that is made now. The e-mail address cannot exist."""
    return pygit2.Signature(user, f"{user}@users.noreply.local.invalid")
