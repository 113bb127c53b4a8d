"""Repos on disk: each is a bare git repository, made and changed through pygit2.

    root/repos/<models|datasets|spaces>/<namespace>/<name>.git     git's files, beside them
        rehearsal.json                                             when it was created, private, sdk
        lfs/objects/ab/cd/<sha256>                                 large files, in git-lfs' own layout
    root/.in-progress/                                             what is being made or thrown away

A repo appears and disappears by one rename, so a kill leaves nothing half-made under `repos/`. A `Store` holds an
exclusive lock on its root: two servers on one folder would not see each other's locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pygit2

from .errors import HubError, bad_request, repo_not_found, revision_not_found
from .lfs import LfsObjects
from .names import KINDS, check_repo_id

# The large-file patterns the Hub writes into a new repo's .gitattributes (those this project can meet).
LFS_PATTERNS = [
    "*.7z",
    "*.arrow",
    "*.bin",
    "*.bz2",
    "*.ckpt",
    "*.ftz",
    "*.gguf",
    "*.gz",
    "*.h5",
    "*.joblib",
    "*.mlmodel",
    "*.model",
    "*.msgpack",
    "*.npy",
    "*.npz",
    "*.onnx",
    "*.parquet",
    "*.pb",
    "*.pickle",
    "*.pkl",
    "*.pt",
    "*.pth",
    "*.rar",
    "*.safetensors",
    "*.tar",
    "*.tflite",
    "*.tgz",
    "*.wasm",
    "*.xz",
    "*.zip",
    "*.zst",
]
GITATTRIBUTES = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS_PATTERNS)


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
        self.meta: dict = json.loads((folder / "rehearsal.json").read_bytes())
        self.git = pygit2.Repository(str(folder))
        self.lfs = LfsObjects(folder / "lfs")

    @property
    def type(self) -> str:
        return KINDS[self.kind]

    @property
    def url_path(self) -> str:
        """Where the repo's page is: `/ns/name` for models, `/datasets/ns/name` otherwise."""
        return f"/{self.id}" if self.kind == "models" else f"/{self.kind}/{self.id}"

    def save_meta(self) -> None:
        write_atomically(self.folder / "rehearsal.json", json.dumps(self.meta).encode())

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

    def write_commit(self, ref: str, files: dict[str, pygit2.Oid], user: str, message: str) -> pygit2.Commit:
        """Commit exactly these files on a branch; the ref moves last. The caller holds the repo's lock."""
        index = pygit2.Index()
        for path, blob in files.items():
            index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        tree = index.write_tree(self.git)
        parents = [self.git.references[ref].target] if ref in self.git.references else []
        author = pygit2.Signature(user, f"{user}@users.noreply.rehearsal.invalid")
        return self.git[self.git.create_commit(ref, author, author, message, tree, parents)]


class Store:
    """All repos under one root. Raises `OSError` when the root cannot be written or another server holds it."""

    def __init__(self, root: Path):
        self.root = root
        self.repos, self.tmp = root / "repos", root / ".in-progress"
        for folder in (root, self.repos, self.tmp):
            folder.mkdir(parents=True, exist_ok=True)
        self._root_lock = open(root / ".lock", "w")  # noqa: SIM115 - held until close()
        try:
            fcntl.flock(self._root_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._root_lock.close()
            raise OSError(f"another rehearsal Hub is serving {root}") from None
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._recover()

    def close(self) -> None:
        self._root_lock.close()

    def _recover(self) -> None:
        """Remove what a killed server left behind: half-made repos and uploads, git's lock files.

        Only names this server gives are touched: the root may be a folder with other things in it.
        """
        for leftover in self.tmp.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        for leftover in [
            *self.root.glob("collections.json.*.tmp"),
            *self.root.glob("token.*.tmp"),
            *self.repos.glob("*/*/*.git/rehearsal.json.*.tmp"),
        ]:
            leftover.unlink()
        for repo in self.repos.glob("*/*/*.git"):
            shutil.rmtree(repo / "lfs" / "tmp", ignore_errors=True)
            for pattern in ("*.lock", "refs/**/*.lock", "objects/**/tmp_obj*"):
                for leftover in repo.glob(pattern):
                    leftover.unlink()

    def lock(self, kind: str, repo_id: str) -> threading.Lock:
        """Held by whoever changes a repo's refs, settings or place."""
        return self._locks.setdefault((kind, repo_id), threading.Lock())

    @contextlib.contextmanager
    def changing(self, repo: Repo) -> Iterator[None]:
        """Hold a repo's lock; 404 when it was moved or deleted since it was opened."""
        with self.lock(repo.kind, repo.id):
            if not repo.folder.exists():
                raise repo_not_found(anonymous=False)
            yield

    def _folder(self, kind: str, repo_id: str) -> Path:
        namespace, name = check_repo_id(repo_id)
        return self.repos / kind / namespace / f"{name}.git"

    def exists(self, kind: str, repo_id: str) -> bool:
        return self._folder(kind, repo_id).exists()

    def open(self, kind: str, repo_id: str) -> Repo | None:
        """The repo, None when there is none of that name (or the name could not be one)."""
        try:
            folder = self._folder(kind, repo_id)
        except HubError:
            return None
        try:
            return Repo(kind, *repo_id.split("/"), folder)
        except (FileNotFoundError, pygit2.GitError):  # never there, or deleted meanwhile
            return None

    def all(self, kind: str) -> Iterator[Repo]:
        """Every repo of a kind, the oldest first."""
        found = []
        for folder in (self.repos / kind).glob("*/*.git"):
            repo = self.open(kind, f"{folder.parent.name}/{folder.name.removesuffix('.git')}")
            if repo is not None:
                found.append(repo)
        yield from sorted(found, key=lambda repo: (repo.meta["createdAt"], repo.id))

    def create(self, kind: str, repo_id: str, user: str, meta: dict) -> Repo:
        """A new repo whose first commit holds .gitattributes, as on the Hub; `FileExistsError` when there is one."""
        folder = self._folder(kind, repo_id)
        making = self.tmp / uuid.uuid4().hex
        pygit2.init_repository(str(making), bare=True, initial_head="main")
        (making / "rehearsal.json").write_text(json.dumps({"createdAt": now(), **meta}))
        repo = Repo(kind, *repo_id.split("/"), making)
        attributes = repo.git.create_blob(GITATTRIBUTES.encode())
        repo.write_commit("refs/heads/main", {".gitattributes": attributes}, user, "initial commit")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with self.lock(kind, repo_id):
            if folder.exists():
                shutil.rmtree(making)
                raise FileExistsError(repo_id)
            os.rename(making, folder)
        return Repo(kind, *repo_id.split("/"), folder)

    def delete(self, repo: Repo) -> None:
        going = self.tmp / uuid.uuid4().hex
        with self.changing(repo):
            os.rename(repo.folder, going)
        shutil.rmtree(going)

    def move(self, repo: Repo, to_id: str) -> None:
        """Give a repo another name; 409 when that name is taken."""
        target = self._folder(repo.kind, to_id)
        if to_id == repo.id:
            raise bad_request("A repo cannot be moved onto itself.")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Both names are locked, in one order, so that two moves cannot wait for each other.
        first, second = sorted((repo.id, to_id))
        with self.lock(repo.kind, first), self.lock(repo.kind, second):
            if not repo.folder.exists():
                raise repo_not_found(anonymous=False)
            if target.exists():
                raise HubError(409, f"A {repo.type} named {to_id} exists already")
            os.rename(repo.folder, target)
