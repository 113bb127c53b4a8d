"""Branches, tags, and the list of commits."""

from __future__ import annotations

import pygit2
from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import HubError, forbidden, revision_not_found
from arith_puzzle.local_hub.names import check_message, check_ref_name
from arith_puzzle.local_hub.store.repo import Repo, iso, signature

HISTORY_PAGE = 50


def refs(call: Call) -> dict:
    """All branches and tags, with `include_prs` also pull requests, each with its commit."""
    git = call.repo_to_read().git
    groups = {"refs/heads/": "branches", "refs/tags/": "tags"} | (
        {"refs/pr/": "pullRequests"} if call.flag("include_prs") else {}
    )
    answer: dict = {"converts": [], **{group: [] for group in groups.values()}}
    for ref in sorted(git.references):
        for prefix, group in groups.items():
            if ref.startswith(prefix):
                target = git.references[ref].peel(pygit2.Commit).id
                answer[group].append({"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": str(target)})
    return answer


def create_branch(call: Call) -> dict:
    """Create a branch at `startingPoint` (default: `main`). Raises `HubError` 409 if it exists."""
    repo, name = call.repo_to_write(), check_ref_name("/".join(call.args))
    start = repo.commit(str(call.json().get("startingPoint") or "main"))
    _create(call, repo, f"refs/heads/{name}", start.id, f"Reference refs/heads/{name} already exists")
    return {}


def delete_branch(call: Call) -> dict:
    """Delete a branch. Raises `HubError` 403 for `main`, and 404 if there is none of this name."""
    repo, name = call.repo_to_write(), "/".join(call.args)
    if name == "main":
        raise forbidden("Cannot delete refs/heads/main")
    _delete(call, repo, f"refs/heads/{name}")
    return {}


def create_tag(call: Call) -> dict:
    """Create a tag on a revision, annotated if there is a message. Raises `HubError` 409 if it exists."""
    repo, payload = call.repo_to_write(), call.json()
    target = repo.commit("/".join(call.args)).id
    name, message = check_ref_name(payload.get("tag")), check_message(payload.get("message") or "")
    if message:
        with call.hub.store.changing(repo):
            if f"refs/tags/{name}" in repo.git.references:
                raise HubError(409, "Tag reference already exists")
            repo.git.create_tag(name, target, pygit2.enums.ObjectType.COMMIT, signature(call.user.name), message)
    else:
        _create(call, repo, f"refs/tags/{name}", target, "Tag reference already exists")
    return {}


def delete_tag(call: Call) -> dict:
    """Delete a tag. Raises `HubError` 404 if there is none of this name."""
    _delete(call, call.repo_to_write(), f"refs/tags/{'/'.join(call.args)}")
    return {}


def _create(call: Call, repo: Repo, ref: str, target: pygit2.Oid, exists: str) -> None:
    with call.hub.store.changing(repo):
        if ref in repo.git.references:
            raise HubError(409, exists)
        try:
            repo.git.references.create(ref, target)
        except (ValueError, OSError, pygit2.GitError):  # `a` exists, so `a/b` cannot; or the reverse
            raise HubError(409, f"Another reference conflicts with {ref}") from None


def _delete(call: Call, repo: Repo, ref: str) -> None:
    with call.hub.store.changing(repo):
        if not pygit2.reference_is_valid_name(ref) or ref not in repo.git.references:
            raise revision_not_found(ref)
        repo.git.references.delete(ref)


def commits(call: Call) -> Response:
    """The commits of a revision, the newest first, in pages. All pages start from the head of the first page."""
    repo = call.repo_to_read()
    head = repo.commit(call.cursor()[1] or "/".join(call.args)).id
    answer = []
    for commit in repo.git.walk(head):
        title, _, message = commit.message.partition("\n")
        entry = {
            "id": str(commit.id),
            "title": title,
            "message": message.strip("\n"),
            "authors": [{"user": commit.author.name}],
            "date": iso(commit.commit_time),
        }
        if "formatted" in call.many("expand"):
            entry["formatted"] = {"title": title, "message": entry["message"]}
        answer.append(entry)
    return call.page(answer, HISTORY_PAGE, str(head))
