"""One request, as the endpoints see it: who asks, about which repo, with what body; and answers in pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse

from arith_puzzle.local_hub.errors import bad_request, forbidden, gated, moved, repo_not_found
from arith_puzzle.local_hub.links import Links
from arith_puzzle.local_hub.store.accounts import Accounts, User, require_user, require_write
from arith_puzzle.local_hub.store.collections import Collections
from arith_puzzle.local_hub.store.repos import Repo, Store


@dataclass(frozen=True)
class Hub:
    """What one server owns; `files_port` is the second port, where large files are sent and fetched."""

    store: Store
    accounts: Accounts
    collections: Collections
    links: Links
    files_port: int


@dataclass(frozen=True)
class Call:
    """A request whose address has been understood; `args` are the decoded parts after the action's name."""

    hub: Hub
    user: User | None
    endpoint: str
    files_endpoint: str
    path: str
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
        except (ValueError, RecursionError):
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

    # ---- repos ----

    def at(self, kind: str, repo_id: str) -> Call:
        """The same request about another repo."""
        return replace(self, kind=kind, repo_id=repo_id)

    def can_read(self, repo: Repo) -> bool:
        return not repo.meta["private"] or (self.user is not None and self.user.owns(repo.namespace))

    def repo_to_read(self) -> Repo:
        """The repo asked for. A bare name is the oldest readable repo of that name in any namespace: so the Hub
        answers for datasets from before namespaces. A repo that may not be read is answered like a missing one, and
        307 leads from a former name, or one in other letters' case, to the present one."""
        if "/" in self.repo_id:
            repo = self.hub.store.open(self.kind, self.repo_id)
            if repo is None:
                self._follow_rename(self.repo_id)
            elif self.can_read(repo):
                return repo
        else:
            for repo in self.hub.store.all(self.kind):
                if repo.name == self.repo_id and self.can_read(repo):
                    return repo
        raise repo_not_found(anonymous=self.user is None)

    def repo_to_download(self) -> Repo:
        """As `repo_to_read`, for the contents of its files: 401 or 403 GatedRepo to those a gate keeps out."""
        repo = self.repo_to_read()
        if repo.meta["gated"] and not (self.user and self.user.owns(repo.namespace)):
            request = repo.access.get(self.user.name) if self.user else None
            if request is None or request["status"] != "accepted":
                raise gated(self.kind, repo.id, anonymous=self.user is None)
        return repo

    def repo_to_write(self) -> Repo:
        """The repo to change: 401, 403 or 404 when that cannot be. A bare name is in the user's own namespace."""
        repo = self._known_to_user()
        require_write(self.user, repo.namespace, repo.id)
        return repo

    def repo_to_contribute(self) -> Repo:
        """The repo to send a pull request or a comment to: whoever can read it may, with a token that writes."""
        repo = self._known_to_user()
        if self.user.role == "read":
            raise forbidden("This token has the role 'read': writing needs a token with the role 'write'")
        return repo

    def _known_to_user(self) -> Repo:
        user = require_user(self.user)
        repo_id = self.repo_id if "/" in self.repo_id else f"{user.name}/{self.repo_id}"
        repo = self.hub.store.open(self.kind, repo_id)
        if repo is None:
            self._follow_rename(repo_id)
        if repo is None or not self.can_read(repo):
            raise repo_not_found(anonymous=False)
        return repo

    def _follow_rename(self, repo_id: str) -> None:
        repo = self.hub.store.renamed(self.kind, repo_id)
        if repo is not None and self.can_read(repo):
            # Relative, as on the Hub: clients send their token along only where the host stays the same.
            address = self.path.replace(f"/{self.repo_id}", f"/{repo.id}", 1)
            raise moved(f"{address}?{self.query}" if self.query else address)

    # ---- pages ----

    def page(
        self, items: list, size: int, pinned: str = "", finish: Callable[[list], list] | None = None
    ) -> JSONResponse:
        """The part of `items` that the query's `cursor` stands for, at most `limit` or `size` of them, and the address
        of the next part in the header `Link`, as the Hub gives it. `pinned` is remembered in the cursor; `finish`
        makes of the part what is sent."""
        limit = self.query.get("limit", "")
        size = max(1, min(int(limit), size)) if limit.isdecimal() and len(limit) < 10 else size
        start = self.cursor()[0]
        headers = {}
        if start + size < len(items):
            cursor = base64.urlsafe_b64encode(json.dumps([start + size, pinned]).encode()).decode()
            query = [(key, value) for key, value in self.query.multi_items() if key != "cursor"]
            address = f"{self.endpoint}{self.path}?{urlencode([*query, ('cursor', cursor)])}"
            headers["Link"] = f'<{address}>; rel="next"'
        part = items[start : start + size]
        return JSONResponse(finish(part) if finish else part, headers=headers)

    def cursor(self) -> tuple[int, str]:
        """(where the page begins, what it was pinned to) of the query's cursor; (0, "") without one."""
        if "cursor" not in self.query:
            return 0, ""
        try:
            start, pinned = json.loads(base64.urlsafe_b64decode(self.query["cursor"]))
            if type(start) is not int or start < 0 or not isinstance(pinned, str):
                raise ValueError
        except (ValueError, TypeError):
            raise bad_request("Not a cursor of this server.") from None
        return start, pinned
