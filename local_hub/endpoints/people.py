"""Users and organizations: who am I, overviews, members, likes, own repos with their sizes."""

from __future__ import annotations

from collections import Counter

from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import HubError, forbidden
from arith_puzzle.local_hub.names import KINDS
from arith_puzzle.local_hub.store.accounts import require_user
from arith_puzzle.local_hub.store.repo import Repo, iso, now


def whoami(call: Call) -> dict:
    """The user of the token, with its organizations and rights."""
    return require_user(call.user).whoami()


def user_overview(call: Call) -> dict:
    """The facts of a user's page."""
    user = call.hub.accounts.named(call.args[0])
    if user is None:
        raise HubError(404, "This user does not exist")
    owned = _owned(call, user.name)
    orgs = [{"name": org.name, "fullname": org.fullname, "avatarUrl": ""} for org in user.orgs]
    counts = {f"num{kind.capitalize()}": owned[kind] for kind in KINDS}
    likes = sum(user.name in repo.likes for repo in _readable(call))
    return {**user.whoami(), "user": user.name, "orgs": orgs, **counts, "numLikes": likes, "auth": None}


def organization_overview(call: Call) -> dict:
    """The facts of an organization's page."""
    members = call.hub.accounts.members(call.args[0])
    if not members:
        raise HubError(404, "This organization does not exist")
    owned = _owned(call, call.args[0])
    counts = {f"num{kind.capitalize()}": owned[kind] for kind in KINDS}
    org = members[0].org(call.args[0])
    return {"name": org.name, "fullname": org.fullname, "avatarUrl": "", "numUsers": len(members), **counts}


def members(call: Call) -> Response:
    """The members of an organization."""
    found = call.hub.accounts.members(call.args[0])
    if not found:
        raise HubError(404, "This organization does not exist")
    return call.page([_person(user.name, user.fullname) for user in found], 500)


def like(call: Call) -> dict:
    """Like a repo, as the button on its page does."""
    user, repo = require_user(call.user), call.repo_to_read()
    with call.hub.store.changing(repo):
        repo.likes.setdefault(user.name, now())
        repo.save_meta()
    return {"likes": len(repo.likes)}


def unlike(call: Call) -> dict:
    """Withdraw a like."""
    user, repo = require_user(call.user), call.repo_to_read()
    with call.hub.store.changing(repo):
        if repo.likes.pop(user.name, None):
            repo.save_meta()
    return {"likes": len(repo.likes)}


def likers(call: Call) -> Response:
    """The users who like a repo, the latest like first."""
    likes = call.repo_to_read().likes
    named = call.hub.accounts.named
    names = sorted(likes, key=likes.get, reverse=True)
    return call.page([_person(name, getattr(named(name), "fullname", "")) for name in names], 500)


def liked(call: Call) -> Response:
    """The repos that a user likes and the caller may read, the latest like first."""
    if call.hub.accounts.named(call.args[0]) is None:
        raise HubError(404, "This user does not exist")
    found = [
        {"createdAt": repo.likes[call.args[0]], "repo": {"name": repo.id, "type": repo.type}}
        for repo in _readable(call)
        if call.args[0] in repo.likes
    ]
    return call.page(sorted(found, key=lambda item: item["createdAt"], reverse=True), 500)


def own_repositories(call: Call) -> Response:
    """The repos of the user, or of one of the user's organizations, with their sizes in bytes."""
    user = require_user(call.user)
    namespace = call.args[0] if call.args else user.name
    if not user.owns(namespace):
        raise forbidden(f"You are not a member of '{namespace}'")
    found = [(repo, repo.used_bytes()) for repo in _readable(call) if repo.namespace == namespace]
    total = sum(used for _, used in found) or 1
    answer = [
        {
            "id": repo.id,
            "type": repo.type,
            "updatedAt": iso(repo.commit().commit_time),
            "visibility": "private" if repo.meta["private"] else "public",
            "storage": used,
            "storagePercent": used / total,
        }
        for repo, used in found
    ]
    return call.page(answer, 500)


def _readable(call: Call) -> list[Repo]:
    return [repo for kind in KINDS for repo in call.hub.store.all(kind) if call.can_read(repo)]


def _owned(call: Call, namespace: str) -> Counter:
    return Counter(repo.kind for repo in _readable(call) if repo.namespace == namespace)


def _person(name: str, fullname: str) -> dict:
    return {"_id": name, "user": name, "fullname": fullname or name, "type": "user", "avatarUrl": "", "isPro": False}
