"""Access requests for gated repos.

A request is `accepted`, `pending` or `rejected`. The gate `auto` accepts every request; with the gate `manual` an owner
decides. Everybody can read the info and the file list of a gated repo. Reading its files needs an accepted request
(`Call.repo_to_download`).
"""

from __future__ import annotations

import secrets

from starlette.responses import Response

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.errors import HubError, bad_request
from arith_puzzle.local_hub.store.accounts import User, require_user
from arith_puzzle.local_hub.store.repo import Repo, now

STATUSES = ("accepted", "pending", "rejected")


def ask(call: Call) -> dict:
    """Request access for the user, as the button on the repo's page does."""
    user, repo = require_user(call.user), call.repo_to_read()
    with call.hub.store.changing(repo):
        _require_gate(repo)
        if user.name not in repo.access:
            _put(repo, user, "accepted" if repo.meta["gated"] == "auto" else "pending")
    return {}


def listing(call: Call) -> Response:
    """The requests with one status. Needs the right to write to the repo."""
    repo, status = call.repo_to_write(), call.args[0]
    _require_gate(repo)
    if status not in STATUSES:
        raise HubError(404, f"The status of a request is one of {', '.join(STATUSES)}.")
    found = [request for request in repo.access.values() if request["status"] == status]
    return call.page(sorted(found, key=lambda request: request["timestamp"]), 1000)


def grant(call: Call) -> dict:
    """Give access to a user who has not requested it."""
    repo, name = call.repo_to_write(), call.json().get("user")
    user = call.hub.accounts.named(name) if isinstance(name, str) else None
    if user is None:
        raise HubError(404, f"User not found: {ascii(name)[:100]}")
    with call.hub.store.changing(repo):
        _require_gate(repo)
        if name in repo.access:
            raise bad_request(f"{name} has already requested access: handle that request.")
        _put(repo, user, "accepted")
    return {}


def handle(call: Call) -> dict:
    """Change the status of a request, which is named by its user or its id."""
    repo, payload = call.repo_to_write(), call.json()
    status = payload.get("status")
    if status not in STATUSES:
        raise bad_request(f"A status must be one of {', '.join(STATUSES)}.")
    with call.hub.store.changing(repo):
        _require_gate(repo)
        for name, request in repo.access.items():
            if name == payload.get("user") or request["requestId"] == payload.get("requestId"):
                if request["status"] == status:
                    raise HubError(404, f"The request of {name} is already {status}")
                request["status"] = status
                repo.save_meta()
                return {}
    raise HubError(404, "There is no such request")


def _require_gate(repo: Repo) -> None:
    if not repo.meta["gated"]:
        raise bad_request(f"The repo {repo.id} is not gated.")


def _put(repo: Repo, user: User, status: str) -> None:
    who = {"user": user.name, "fullname": user.fullname or user.name}
    request = {"requestId": secrets.token_hex(12), "user": who, "status": status, "timestamp": now()}
    repo.access[user.name] = request
    repo.save_meta()
