"""One request, as the endpoints see it: who asks, about which repo, with what body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import QueryParams

from .accounts import Accounts, User, require_user, require_write
from .collection import Collections
from .errors import bad_request, repo_not_found
from .lfs import UploadLinks
from .storage import Repo, Store


@dataclass(frozen=True)
class Hub:
    """What one server owns."""

    store: Store
    accounts: Accounts
    collections: Collections
    links: UploadLinks


@dataclass(frozen=True)
class Call:
    """A request whose address has been understood; `args` are the decoded parts after the action's name."""

    hub: Hub
    user: User | None
    endpoint: str
    query: QueryParams
    headers: Mapping[str, str]
    head: bool = False
    body: bytes = b""
    kind: str = ""
    repo_id: str = ""
    args: list[str] = field(default_factory=list)

    def json(self) -> dict:
        """The body as a JSON object; 400 when it is anything else."""
        try:
            payload = json.loads(self.body or b"{}")
        except ValueError:
            raise bad_request("The body is not JSON.") from None
        if not isinstance(payload, dict):
            raise bad_request("The body must be a JSON object.")
        return payload

    def flag(self, name: str) -> bool:
        """A yes/no query parameter, in any of the spellings clients use."""
        return self.query.get(name, "").lower() in ("1", "true")

    def many(self, name: str) -> list[str]:
        """A repeated query parameter, `name=a&name=b` or `name[]=a`."""
        return self.query.getlist(name) + self.query.getlist(f"{name}[]")

    def can_read(self, repo: Repo) -> bool:
        return not repo.meta["private"] or (self.user is not None and self.user.owns(repo.namespace))

    def repo_to_read(self) -> Repo:
        """The repo asked for. A bare name is the oldest readable repo of that name in any namespace: so the Hub
        answers for datasets from before namespaces. A repo that may not be read is answered like a missing one."""
        if "/" in self.repo_id:
            repo = self.hub.store.open(self.kind, self.repo_id)
            if repo is not None and self.can_read(repo):
                return repo
        else:
            for repo in self.hub.store.all(self.kind):
                if repo.name == self.repo_id and self.can_read(repo):
                    return repo
        raise repo_not_found(anonymous=self.user is None)

    def repo_to_write(self) -> Repo:
        """The repo to change: 401, 403 or 404 when that cannot be. A bare name is in the user's own namespace."""
        user = require_user(self.user)
        repo_id = self.repo_id if "/" in self.repo_id else f"{user.name}/{self.repo_id}"
        repo = self.hub.store.open(self.kind, repo_id)
        if repo is None or not self.can_read(repo):
            raise repo_not_found(anonymous=False)
        require_write(user, repo.namespace)
        return repo
