"""Repos as a whole: create, delete, rename, settings."""

from __future__ import annotations

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import HubError, bad_request, repo_not_found
from arith_puzzle.local_hub.names import KINDS, check_repo_id, kind_of
from arith_puzzle.local_hub.store.accounts import require_user, require_write
from arith_puzzle.local_hub.store.cards import SPACE_SDKS

_GATES = ("auto", "manual", False)
# The README.md of a new Space, as the Hub writes it.
_SPACE_CARD = """---
title: {title}
emoji: 🧩
colorFrom: blue
colorTo: green
sdk: {sdk}
pinned: false
---

Check out the configuration reference at https://huggingface.co/docs/hub/spaces-config-reference
"""


def create(call: Call) -> dict:
    """Create a repo. Raises `HubError` 409 with its `url` if it exists (`exist_ok=True` accepts that)."""
    payload = call.json()
    kind, repo_id = kind_of(payload.get("type")), _named(call, payload)
    namespace, name = repo_id.split("/")
    user = require_write(call.user, namespace, repo_id)
    org = user.org(namespace)
    meta = {"private": _private(payload, bool(org and org.private_by_default)), "gated": False}
    files = {}
    if kind == "spaces":
        if payload.get("sdk") not in SPACE_SDKS:
            raise bad_request(f"A Space needs an 'sdk': {', '.join(SPACE_SDKS)}.")
        meta["sdk"] = payload["sdk"]
        title = name.replace("-", " ").replace("_", " ").title()
        files["README.md"] = _SPACE_CARD.format(title=title, sdk=meta["sdk"]).encode()
    url = f"{call.endpoint}/{repo_id}" if kind == "models" else f"{call.endpoint}/{kind}/{repo_id}"
    try:
        call.hub.store.create(kind, repo_id, user.name, meta, files)
    except FileExistsError:
        raise HubError(409, f"You already created this {KINDS[kind]} repo", body={"url": url}) from None
    return {"url": url, "name": repo_id, "id": repo_id}


def delete(call: Call) -> dict:
    """Delete a repo with its large files, and remove it from all collections."""
    payload = call.json()
    kind, repo_id = kind_of(payload.get("type")), _named(call, payload)
    repo = call.hub.store.open(kind, repo_id)
    if repo is None or not call.can_read(repo):
        raise repo_not_found(anonymous=False)
    require_write(call.user, repo.namespace, repo.id)
    call.hub.store.delete(repo)
    call.hub.collections.rename_item(repo.type, repo.id, None)
    return {}


def move(call: Call) -> dict:
    """Rename a repo, also to another namespace where the user may write. The old name then leads to the new one."""
    payload = call.json()
    kind = kind_of(payload.get("type"))
    ids = [payload.get("fromRepo"), payload.get("toRepo")]
    if not all(isinstance(repo_id, str) for repo_id in ids):
        raise bad_request("'fromRepo' and 'toRepo' must be given.")
    for repo_id in ids:
        require_write(call.user, check_repo_id(repo_id)[0], repo_id)
    repo = call.hub.store.open(kind, ids[0])
    if repo is None:
        raise repo_not_found(anonymous=False)
    call.hub.store.move(repo, ids[1])
    call.hub.collections.rename_item(repo.type, *ids)
    return {}


def settings(call: Call) -> dict:
    """Change whether a repo is private or gated."""
    repo, payload = call.repo_to_write(), call.json()
    with call.hub.store.changing(repo):
        gate = payload.get("gated", repo.meta["gated"])
        if gate not in _GATES:
            raise bad_request("'gated' must be 'auto', 'manual' or false.")
        repo.meta |= {"private": _private(payload, repo.meta["private"]), "gated": gate}
        repo.save_meta()
    return {"private": repo.meta["private"], "gated": repo.meta["gated"]}


def auth_check(call: Call) -> dict:
    """`{}` if the user may read the repo's files, or with `/write` write to it. Raises `HubError` otherwise."""
    call.repo_to_write() if call.args == ["write"] else call.repo_to_download()
    return {}


def _named(call: Call, payload: dict) -> str:
    """The repo id of a payload's `organization` and `name`. The default organization is the user's own namespace."""
    user = require_user(call.user)
    namespace, name = payload.get("organization") or user.name, payload.get("name")
    if not isinstance(namespace, str) or not isinstance(name, str):
        raise bad_request("A repo needs a 'name'.")
    check_repo_id(f"{namespace}/{name}")
    return f"{namespace}/{name}"


def _private(payload: dict, default: bool) -> bool:
    visibility = payload.get("visibility", "private" if payload.get("private", default) else "public")
    if visibility not in ("public", "private"):
        raise bad_request("The visibility must be 'public' or 'private'.")
    return visibility == "private"
