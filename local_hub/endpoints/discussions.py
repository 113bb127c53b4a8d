"""Discussions and pull requests.

They are stored in `discussions.json` in the repo's folder. A pull request also has the ref `refs/pr/<number>`. A merge
makes one commit on the target branch, named after the pull request, so that histories stay linear, as on the Hub.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pygit2

from arith_puzzle.common.files import write_text
from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import HubError, bad_request, forbidden
from arith_puzzle.local_hub.names import check_message
from arith_puzzle.local_hub.store.accounts import User, require_write
from arith_puzzle.local_hub.store.repo import Repo, iso, now

PAGE = 50
_LISTED = ("num", "title", "status", "isPullRequest", "createdAt", "author", "repo")


def _file(repo: Repo) -> Path:
    return repo.folder / "discussions.json"


def _load(repo: Repo) -> list[dict]:
    return json.loads(_file(repo).read_bytes()) if _file(repo).exists() else []


def _save(repo: Repo, all_: list[dict]) -> None:
    write_text(_file(repo), json.dumps(all_))


def _find(all_: list[dict], number: object) -> dict:
    for found in all_:
        if str(found["num"]) == str(number):
            return found
    raise HubError(404, f"Discussion not found: {number}")


def _author(user: User) -> dict:
    return {"name": user.name, "fullname": user.fullname or user.name, "type": "user", "avatarUrl": ""}


def _event(kind: str, user: User, **data: object) -> dict:
    return {"id": secrets.token_hex(12), "type": kind, "createdAt": now(), "author": _author(user), "data": data}


def _comment(user: User, text: object) -> dict:
    if not isinstance(text, str) or not text.strip() or len(text) > 65_536:
        raise bad_request("A comment must be a text of 1 to 65,536 characters.")
    latest = {"raw": text, "html": "", "updatedAt": now(), "author": _author(user)}
    return _event("comment", user, edited=False, hidden=False, latest=latest, history=[])


def _title(title: object) -> str:
    if not isinstance(title, str) or not 3 <= len(title.strip()) <= 200:
        raise bad_request("A title must be a text of 3 to 200 characters.")
    return check_message(title.strip())


def is_author(repo: Repo, number: int, user: User) -> bool:
    """Whether the user opened the discussion or pull request of this number."""
    return any(found["num"] == number and found["author"]["name"] == user.name for found in _load(repo))


def open_discussion(repo: Repo, user: User, title: str, text: str, target: str | None, status: str = "open") -> dict:
    """Open a discussion, or a pull request to the ref `target`. The caller holds the repo's lock."""
    all_ = _load(repo)
    found = {
        "num": len(all_) + 1,
        "title": title,
        "status": status,
        "isPullRequest": target is not None,
        "createdAt": now(),
        "author": _author(user),
        "target": target,
        "mergeCommitId": None,
        "events": [_comment(user, text)] if text.strip() else [],
    }
    if target is not None:
        # Create the ref first. After a kill in between, the ref is not listed, and the next pull request overwrites it.
        repo.git.references.create(f"refs/pr/{found['num']}", repo.git.references[target].target, force=True)
    _save(repo, [*all_, found])
    return found


def listing(call: Call) -> dict:
    """One page of discussions, the newest first, filtered by type, status and author."""
    repo, query = call.repo_to_read(), call.query
    kinds = {"pull_request": (True,), "discussion": (False,)}.get(query.get("type", "all"), (True, False))
    statuses = {"open": ("open", "draft"), "closed": ("closed", "merged")}.get(query.get("status", "all"))
    found = [
        item
        for item in reversed(_load(repo))
        if item["isPullRequest"] in kinds
        and (statuses is None or item["status"] in statuses)
        and query.get("author", item["author"]["name"]) == item["author"]["name"]
    ]
    start = PAGE * int(page) if (page := query.get("p", "0")).isdecimal() and len(page) < 9 else 0
    shown = [{key: _described(repo, item)[key] for key in _LISTED} for item in found[start : start + PAGE]]
    return {"discussions": shown, "count": len(found), "start": start}


def _described(repo: Repo, found: dict) -> dict:
    return {**found, "repo": {"name": repo.id, "type": repo.type}}


def create(call: Call) -> dict:
    """Open a discussion or a pull request. A pull request starts as a draft at the head of main."""
    repo, payload = call.repo_to_contribute(), call.json()
    title, text = _title(payload.get("title")), payload.get("description") or ""
    target = "refs/heads/main" if payload.get("pullRequest") else None
    with call.hub.store.changing(repo):
        found = open_discussion(repo, call.user, title, text, target, "draft" if target else "open")
    return {"num": found["num"], "pullRequest": found["isPullRequest"]}


def details(call: Call) -> dict:
    """One discussion with its events. A pull request also has its diff and the files in conflict."""
    repo = call.repo_to_read()
    found = _described(repo, _find(_load(repo), call.args[0]))
    if not found["isPullRequest"]:
        return found
    ref, target = f"refs/pr/{found['num']}", found["target"]
    changes = {"base": target, "mergeCommitId": found["mergeCommitId"]}
    if found["status"] == "merged" or target not in repo.git.references:
        return found | {"changes": changes, "filesWithConflicts": [], "diff": ""}
    head, base = repo.git.references[ref].target, repo.git.references[target].target
    since = repo.git.merge_base(head, base)
    diff = repo.git.diff(since, head).patch if since else ""
    commits = _commits_since(repo, head, since)
    found["events"] = sorted([*found["events"], *commits], key=lambda event: event["createdAt"])
    return found | {"changes": changes, "filesWithConflicts": _merge(repo, head, base)[1], "diff": diff or ""}


def _commits_since(repo: Repo, head: pygit2.Oid, since: pygit2.Oid | None) -> list[dict]:
    events = []
    for commit in repo.git.walk(head):
        if commit.id == since:
            break
        title = commit.message.partition("\n")[0]
        event = {"id": str(commit.id)[:24], "type": "commit", "createdAt": iso(commit.commit_time)}
        event["author"] = {"name": commit.author.name}
        events.append(event | {"data": {"subject": title, "oid": str(commit.id)}})
    return events


def _merge(repo: Repo, head: pygit2.Oid, base: pygit2.Oid) -> tuple[pygit2.Index, list[str]]:
    """Merge a pull request with its target: (index of the result, paths in conflict).

    If the two have no common ancestor, every file that differs is in conflict.
    """
    since = repo.git.merge_base(head, base)
    ancestor = repo.git[since].tree if since else repo.git[repo.git.TreeBuilder().write()]
    index = repo.git.merge_trees(ancestor, repo.git[base].tree, repo.git[head].tree)
    clashes = {side.path for sides in index.conflicts or () for side in sides if side}
    return index, sorted(clashes)


def change(call: Call) -> dict:
    """POST to `<number>/<comment|status|title|merge>` or `<number>/comment/<id>/<edit|hide>`."""
    repo, (number, *what) = call.repo_to_contribute(), call.args
    action = {1: "/".join(what), 3: "/".join((what[0], what[-1]))}.get(len(what), "")
    if action not in _CHANGES:
        raise HubError(404, "Known actions: comment, comment/<id>/<edit|hide>, status, title and merge.")
    with call.hub.store.changing(repo):
        all_ = _load(repo)
        found = _find(all_, number)
        owner = call.user.why_not_write(repo.namespace, repo.id) is None
        if action != "comment" and not (owner or (action != "merge" and found["author"]["name"] == call.user.name)):
            raise forbidden("Only its author and users who can write to the repo can change a discussion")
        answer = _CHANGES[action](call, repo, found, call.json(), what)
        _save(repo, all_)
    return answer


def _add_comment(call: Call, repo: Repo, found: dict, payload: dict, what: list[str]) -> dict:
    event = _comment(call.user, payload.get("comment"))
    found["events"].append(event)
    return {"newMessage": event}


def _the_comment(found: dict, comment_id: str) -> dict:
    for event in found["events"]:
        if event["id"] == comment_id and event["type"] == "comment":
            return event
    raise HubError(404, f"Comment not found: {comment_id}")


def _edit_comment(call: Call, repo: Repo, found: dict, payload: dict, what: list[str]) -> dict:
    event = _the_comment(found, what[1])
    if event["author"]["name"] != call.user.name:
        raise forbidden("Only its author can edit a comment")
    data, new = event["data"], _comment(call.user, payload.get("content"))["data"]["latest"]
    data |= {"edited": True, "history": [data["latest"], *data["history"]], "latest": new}
    return {"updatedComment": event}


def _hide_comment(call: Call, repo: Repo, found: dict, payload: dict, what: list[str]) -> dict:
    event = _the_comment(found, what[1])
    event["data"] |= {"hidden": True}
    return {"updatedComment": event}


def _rename(call: Call, repo: Repo, found: dict, payload: dict, what: list[str]) -> dict:
    title = _title(payload.get("title"))
    event = _event("title-change", call.user, **{"from": found["title"], "to": title})
    found["title"] = title
    found["events"].append(event)
    return {"newTitle": event}


def _set_status(call: Call, repo: Repo, found: dict, payload: dict, what: list[str]) -> dict:
    if payload.get("status") not in ("open", "closed"):
        raise bad_request("A status must be 'open' or 'closed'.")
    if found["status"] == "merged":
        raise bad_request("This pull request has been merged.")
    event = _event("status-change", call.user, status=payload["status"])
    found["status"] = payload["status"]
    found["events"].append(event)
    if payload.get("comment"):
        found["events"].append(_comment(call.user, payload["comment"]))
    return {"newStatus": event}


def _merge_pull_request(call: Call, repo: Repo, found: dict, payload: dict, what: list[str]) -> dict:
    require_write(call.user, repo.namespace, repo.id)
    if not found["isPullRequest"] or found["status"] != "open":
        raise bad_request(f"Only an open pull request can be merged. The status of this one is '{found['status']}'.")
    head = repo.git.references[f"refs/pr/{found['num']}"].target
    base = repo.git.references[repo.branch(found["target"])].target
    index, clashes = _merge(repo, head, base)
    if clashes:
        raise HubError(409, f"The pull request and {found['target']} both changed {', '.join(clashes)[:300]}")
    lines = [
        f"- {event['data']['subject']} ({event['data']['oid']})"
        for event in _commits_since(repo, head, repo.git.merge_base(head, base))
    ]
    message = f"{found['title']} (#{found['num']})\n\n" + "\n".join(reversed(lines))
    commit = repo.write_commit(found["target"], index.write_tree(repo.git), call.user.name, message, [base])
    found |= {"status": "merged", "mergeCommitId": str(commit.id)}
    found["events"].append(_event("status-change", call.user, status="merged"))
    if payload.get("comment"):
        found["events"].append(_comment(call.user, payload["comment"]))
    return {"mergeCommitId": str(commit.id)}


_CHANGES = {
    "comment": _add_comment,
    "comment/edit": _edit_comment,
    "comment/hide": _hide_comment,
    "title": _rename,
    "status": _set_status,
    "merge": _merge_pull_request,
}
