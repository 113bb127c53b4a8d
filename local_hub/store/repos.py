"""All repos on disk: create, open, rename, delete, lock, and recovery after a kill.

    root/repos/<models|datasets|spaces>/<namespace>/<name>.git     one repo (repo.py)
    root/renamed.json                                              former names: {kind: {old id: new id}}
    root/.in-progress/                                             repos that are being created or deleted

A repo appears and disappears by one rename, so a kill never leaves half a repo under `repos/`. A `Store` holds an
exclusive lock on its root, because two servers on one folder would not see each other's locks on repos.
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
from pathlib import Path

import pygit2

from arith_puzzle.common.files import write_text
from arith_puzzle.local_hub.errors import HubError, bad_request, repo_not_found
from arith_puzzle.local_hub.names import check_repo_id
from arith_puzzle.local_hub.store.repo import GITATTRIBUTES, Repo, now


class Store:
    """All repos under one root. Raises `OSError` if the root cannot be written or another server uses it."""

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
            raise OSError(f"another local Hub is serving {root}") from None
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._recover()
        self._renames_lock, self._renames_file = threading.Lock(), root / "renamed.json"
        self._renames: dict[str, dict[str, str]] = {}
        if self._renames_file.exists():
            self._renames = json.loads(self._renames_file.read_bytes())

    def close(self) -> None:
        self._root_lock.close()

    def _recover(self) -> None:
        """Remove the leftovers of a killed server: half-made repos, temporary files, uploads, git's lock files.

        Removes only names that the server creates: the root may hold other files.
        """
        for leftover in self.tmp.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        for leftover in [
            *self.root.glob(".collections.json.*.tmp"),
            *self.root.glob(".renamed.json.*.tmp"),
            *self.root.glob(".token.*.tmp"),
            *self.repos.glob("*/*/*.git/.*.json.*.tmp"),
        ]:
            leftover.unlink()
        for repo in self.repos.glob("*/*/*.git"):
            shutil.rmtree(repo / "lfs" / "tmp", ignore_errors=True)
            for pattern in ("*.lock", "refs/**/*.lock", "objects/**/tmp_obj*"):
                for leftover in repo.glob(pattern):
                    leftover.unlink()

    def lock(self, kind: str, repo_id: str) -> threading.Lock:
        """The lock to hold while changing a repo's refs, settings or name."""
        return self._locks.setdefault((kind, repo_id), threading.Lock())

    @contextlib.contextmanager
    def changing(self, repo: Repo) -> Iterator[None]:
        """Hold a repo's lock and reload its `meta`. Raises `HubError` 404 if it was moved or deleted meanwhile."""
        with self.lock(repo.kind, repo.id):
            try:
                repo.load_meta()
            except FileNotFoundError:
                raise repo_not_found(anonymous=False) from None
            yield

    def _folder(self, kind: str, repo_id: str) -> Path:
        namespace, name = check_repo_id(repo_id)
        return self.repos / kind / namespace / f"{name}.git"

    def open(self, kind: str, repo_id: str) -> Repo | None:
        """The repo of this name; None if there is none, or the name is not allowed."""
        try:
            folder = self._folder(kind, repo_id)
        except HubError:
            return None
        try:
            return Repo(kind, *repo_id.split("/"), folder)
        except (FileNotFoundError, pygit2.GitError):  # missing, or deleted meanwhile
            return None

    def renamed(self, kind: str, repo_id: str) -> Repo | None:
        """The repo that had this name before it was renamed, or whose name differs in case only; else None."""
        known = self._renames.get(kind, {})
        seen = {repo_id}
        while (repo_id := known.get(repo_id, repo_id)) not in seen:
            if repo := self.open(kind, repo_id):
                return repo
            seen.add(repo_id)
        for folder in (self.repos / kind).glob("*/*.git"):
            found = f"{folder.parent.name}/{folder.name.removesuffix('.git')}"
            if found.lower() == repo_id.lower():
                return self.open(kind, found)
        return None

    def _note_rename(self, kind: str, repo_id: str, to_id: str | None) -> None:
        """Remember the new name of a repo; None forgets the old name, because a new repo takes it."""
        with self._renames_lock:
            known = self._renames.setdefault(kind, {})
            if to_id is None and repo_id not in known:
                return
            if to_id is None:
                del known[repo_id]
            else:
                known[repo_id] = to_id
            write_text(self._renames_file, json.dumps(self._renames))

    def all(self, kind: str) -> Iterator[Repo]:
        """All repos of a kind, the oldest first."""
        found = []
        for folder in (self.repos / kind).glob("*/*.git"):
            repo = self.open(kind, f"{folder.parent.name}/{folder.name.removesuffix('.git')}")
            if repo is not None:
                found.append(repo)
        yield from sorted(found, key=lambda repo: (repo.meta["createdAt"], repo.id))

    def create(self, kind: str, repo_id: str, user: str, meta: dict, files: dict[str, bytes]) -> Repo:
        """Create a repo. Its first commit holds .gitattributes, as on the Hub, and `files` (path -> content).

        Raises `FileExistsError` if there is a repo of this name, in any case.
        """
        folder = self._folder(kind, repo_id)
        making = self.tmp / uuid.uuid4().hex
        pygit2.init_repository(str(making), bare=True, initial_head="main")
        (making / "hub.json").write_text(json.dumps({"createdAt": now(), **meta}))
        repo = Repo(kind, *repo_id.split("/"), making)
        first = {".gitattributes": GITATTRIBUTES.encode(), **files}
        tree = repo.write_tree({path: repo.git.create_blob(data) for path, data in first.items()})
        repo.write_commit("refs/heads/main", tree, user, "initial commit", [])
        folder.parent.mkdir(parents=True, exist_ok=True)
        with self.lock(kind, repo_id):
            if self._taken(kind, repo_id):
                shutil.rmtree(making)
                raise FileExistsError(repo_id)
            self._note_rename(kind, repo_id, None)
            os.rename(making, folder)
        return Repo(kind, *repo_id.split("/"), folder)

    def _taken(self, kind: str, repo_id: str) -> bool:
        names = (f"{folder.parent.name}/{folder.name}" for folder in (self.repos / kind).glob("*/*.git"))
        return f"{repo_id}.git".lower() in map(str.lower, names)

    def delete(self, repo: Repo) -> None:
        """Delete a repo. Raises `HubError` 404 if it was moved or deleted meanwhile."""
        going = self.tmp / uuid.uuid4().hex
        with self.changing(repo):
            os.rename(repo.folder, going)
        shutil.rmtree(going)

    def move(self, repo: Repo, to_id: str) -> None:
        """Rename a repo. The old name then leads to the new one. Raises `HubError` 409 if the new name is taken."""
        target = self._folder(repo.kind, to_id)
        if to_id == repo.id:
            raise bad_request("A repo cannot be moved onto itself.")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Locks both names in sorted order, so that two moves cannot wait for each other.
        first, second = sorted((repo.id, to_id))
        with self.lock(repo.kind, first), self.lock(repo.kind, second):
            if not repo.folder.exists():
                raise repo_not_found(anonymous=False)
            if target.exists() or (to_id.lower() != repo.id.lower() and self._taken(repo.kind, to_id)):
                raise HubError(409, f"A {repo.type} repository called {to_id} already exists")
            self._note_rename(repo.kind, to_id, None)
            # Note the new name first: after a kill in between, the old name still leads to the repo, which is unmoved.
            self._note_rename(repo.kind, repo.id, to_id)
            os.rename(repo.folder, target)
