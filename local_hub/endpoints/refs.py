"""Branches, tags and the history."""

from __future__ import annotations

import pygit2
from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import HubError, forbidden, revision_not_found
from arith_puzzle.local_hub.names import check_message, check_ref_name
from arith_puzzle.local_hub.store.repo import iso, signature

HISTORY_PAGE = 50


def refs(call: Call) -> dict:
    """Every branch and tag, and with `include_prs` every pull request, with the commit it stands for."""
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
    """A branch at `startingPoint` (`main` unless told); 409 when it exists."""
    repo, name = call.repo_to_write(), check_ref_name("/".join(call.args))
    start = repo.commit(str(call.json().get("startingPoint") or "main"))
    _create(call, repo, f"refs/heads/{name}", start.id, f"Reference refs/heads/{name} already exists")
    return {}


def delete_branch(call: Call) -> dict:
    repo, name = call.repo_to_write(), "/".join(call.args)
    if name == "main":
        raise forbidden("Cannot delete refs/heads/main")
    _delete(call, repo, f"refs/heads/{name}")
    return {}


def create_tag(call: Call) -> dict:
    """A tag on a revision, an annotated one when there is a message; 409 when it exists."""
    repo, payload = call.repo_to_write(), call.json()
    target = repo.commit("/".join(call.args)).id
    name, message = check_ref_name(payload.get("tag")), check_message(payload.get("message") or "")
    if message:
        with call.hub.store.changing(repo):
            if f"refs/tags/{name}" in repo.git.references:
                raise HubError(409, "Tag reference exists already")
            repo.git.create_tag(name, target, pygit2.enums.ObjectType.COMMIT, signature(call.user.name), message)
    else:
        _create(call, repo, f"refs/tags/{name}", target, "Tag reference exists already")
    return {}


def delete_tag(call: Call) -> dict:
    _delete(call, call.repo_to_write(), f"refs/tags/{'/'.join(call.args)}")
    return {}


def _create(call: Call, repo, ref: str, target: pygit2.Oid, exists: str) -> None:
    with call.hub.store.changing(repo):
        if ref in repo.git.references:
            raise HubError(409, exists)
        try:
            repo.git.references.create(ref, target)
        except (ValueError, OSError, pygit2.GitError):  # `a` exists and `a/b` was asked for, or the reverse
            raise HubError(409, f"Another reference is in the way of {ref}") from None


def _delete(call: Call, repo, ref: str) -> None:
    with call.hub.store.changing(repo):
        if not pygit2.reference_is_valid_name(ref) or ref not in repo.git.references:
            raise revision_not_found(ref)
        repo.git.references.delete(ref)


def commits(call: Call) -> Response:
    """The history of a revision, the newest first; in pages, all of the commit that the first was of."""
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
