"""Large files and history: squash a branch, list large files, delete them from the history, copy them to a repo."""

from __future__ import annotations

import pygit2
from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import HubError, bad_request
from arith_puzzle.local_hub.names import check_message, kind_of
from arith_puzzle.local_hub.store.lfs import check_oid, parse_pointer
from arith_puzzle.local_hub.store.repo import Repo, iso


def super_squash(call: Call) -> dict:
    """Replace a branch's history by one commit with the same files."""
    repo, branch = call.repo_to_write(), "/".join(call.args)
    ref = repo.branch(branch)
    message = check_message(call.json().get("message") or f"Super-squash branch '{branch}'")
    with call.hub.store.changing(repo):
        head = repo.git[repo.git.references[repo.branch(branch)].target]
        commit = repo.write_commit(ref, head.tree_id, call.user.name, message, [])
    return {"commitOid": str(commit.id)}


def lfs_files(call: Call) -> Response:
    """All stored large files, each with a path and a ref that hold it."""
    repo = call.repo_to_write()
    known: dict[str, dict] = {}
    for ref in _refs(repo):
        for commit in repo.git.walk(repo.git.references[ref].peel(pygit2.Commit).id):
            for path, oid, _ in _large(repo, commit):
                pushed = {"filename": path, "pushedAt": iso(commit.commit_time), "ref": ref}
                known.setdefault(oid, pushed)
    answer = []
    for path in repo.lfs.all():
        stat = path.stat()
        found = known.get(path.name, {"filename": path.name, "pushedAt": iso(stat.st_mtime), "ref": None})
        answer.append({"oid": path.name, "fileOid": path.name, "size": stat.st_size, **found})
    return call.page(answer, 1000)


def delete_lfs_files(call: Call) -> dict:
    """Delete large files permanently; with `rewriteHistory`, also remove their paths from every commit."""
    repo, deletions = call.repo_to_write(), call.json().get("deletions")
    if not isinstance(deletions, dict) or not isinstance(deletions.get("sha"), list):
        raise bad_request("'deletions' must hold 'sha', a list of sha256.")
    gone = {check_oid(oid) for oid in deletions["sha"]}
    with call.hub.store.changing(repo):
        if deletions.get("rewriteHistory"):
            _rewrite_without(repo, gone)
        for oid in gone:
            repo.lfs.delete(oid)
    return {}


def _rewrite_without(repo: Repo, gone: set[str]) -> None:
    new: dict[pygit2.Oid, pygit2.Oid] = {}
    order = pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE
    for ref in _refs(repo):
        head = repo.git.references[ref].peel(pygit2.Commit)
        for commit in repo.git.walk(head.id, order):
            if commit.id in new:
                continue
            parents = [new[parent] for parent in commit.parent_ids]
            without = {path for path, oid, _ in _large(repo, commit) if oid in gone}
            if not without and parents == commit.parent_ids:
                new[commit.id] = commit.id
                continue
            tree = repo.write_tree({path: blob for path, blob in repo.files(commit).items() if path not in without})
            made = repo.git.create_commit(None, commit.author, commit.committer, commit.message, tree, parents)
            new[commit.id] = made
        if new[head.id] != head.id:
            repo.git.references.create(ref, new[head.id], force=True)


def _refs(repo: Repo) -> list[str]:
    """All refs (branches, tags and pull requests), main first."""
    return sorted(repo.git.references, key=lambda ref: (ref != "refs/heads/main", ref))


def _large(repo: Repo, commit: pygit2.Commit) -> list[tuple[str, str, int]]:
    found = []
    for path, blob_id in repo.files(commit).items():
        if large := parse_pointer(repo.git[blob_id]):
            found.append((path, *large))
    return found


def duplicate_lfs_files(call: Call) -> dict:
    """Copy large files of this repo to another repo. The client sends this before a commit that copies files."""
    source, payload = call.repo_to_download(), call.json()
    target, files = payload.get("target"), payload.get("files")
    if not isinstance(target, dict) or not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise bad_request("'target' must name a repo and 'files' must list files.")
    repo = call.at(kind_of(target.get("type")), str(target.get("name"))).repo_to_contribute()
    failed = []
    for file in files:
        oid = check_oid(file.get("sha256"))
        if repo.lfs.size(oid) is None and not repo.lfs.copy_from(source.lfs, oid):
            failed.append({"sha256": oid, "error": "This object is not stored in the repo to copy from."})
    if failed and len(failed) == len(files):
        raise HubError(404, failed[0]["error"])
    return {"failed": failed}
