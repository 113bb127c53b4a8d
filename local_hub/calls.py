"""`Call`, one request as the endpoints see it: the user, the repo, the arguments and the body; and paged answers."""

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
    """The state of one server. `files_port` is the second port, where large files are uploaded and downloaded."""

    store: Store
    accounts: Accounts
    collections: Collections
    links: Links
    files_port: int


@dataclass(frozen=True)
class Call:
    """A request after routing. `args` are the decoded parts of the address after the action's name."""

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
        """The body as a JSON object. Raises `HubError` 400 if it is anything else."""
        try:
            payload = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            raise bad_request("The body is not JSON.") from None
        if not isinstance(payload, dict):
            raise bad_request("The body must be a JSON object.")
        return payload

    def flag(self, name: str) -> bool:
        """Whether a query parameter is true, in either of the clients' spellings (`1` or `true`)."""
        return self.query.get(name, "").lower() in ("1", "true")

    def many(self, name: str) -> list[str]:
        """All values of a query parameter: `name=a&name=b` or `name[]=a`."""
        return self.query.getlist(name) + self.query.getlist(f"{name}[]")

    # ---- repos ----

    def at(self, kind: str, repo_id: str) -> Call:
        """The same request about another repo."""
        return replace(self, kind=kind, repo_id=repo_id)

    def can_read(self, repo: Repo) -> bool:
        """Whether this request's user may read the repo."""
        return not repo.meta["private"] or (self.user is not None and self.user.owns(repo.namespace))

    def repo_to_read(self) -> Repo:
        """The repo of this request.

        A bare name stands for the oldest readable repo of that name in any namespace, as on the Hub.

        Raises:
            HubError: RepoNotFound (401 or 404) if the repo is missing or hidden from this user; 307 to the present
                name if the repo was renamed or its name differs in case.
        """
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
        """`repo_to_read` for the contents of files. Raises GatedRepo (401 or 403) for users without access."""
        repo = self.repo_to_read()
        if repo.meta["gated"] and not (self.user and self.user.owns(repo.namespace)):
            request = repo.access.get(self.user.name) if self.user else None
            if request is None or request["status"] != "accepted":
                raise gated(self.kind, repo.id, anonymous=self.user is None)
        return repo

    def repo_to_write(self) -> Repo:
        """The repo of this request, to change it. A bare name is in the user's own namespace.

        Raises:
            HubError: 401 without a token, 403 without the right to write, 404 if the repo is missing or hidden.
        """
        repo = self._known_to_user()
        require_write(self.user, repo.namespace, repo.id)
        return repo

    def repo_to_contribute(self) -> Repo:
        """The repo of this request, to send a pull request or a comment. Needs a token that writes, and read access."""
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
            # A relative address, as on the Hub: clients send their token only to the same host.
            address = self.path.replace(f"/{self.repo_id}", f"/{repo.id}", 1)
            raise moved(f"{address}?{self.query}" if self.query else address)

    # ---- pages ----

    def page(
        self, items: list, size: int, pinned: str = "", finish: Callable[[list], list] | None = None
    ) -> JSONResponse:
        """One page of `items`, with the address of the next page in the header `Link`, as on the Hub.

        Args:
            items: the whole list.
            size: most items on a page; the query's `limit` can lower it.
            pinned: text to carry to the next page, in its cursor (such as the commit that is listed).
            finish: turns the items of the page into what is sent; None sends them as they are.
        """
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
        """(index of the page's first item, `pinned` of the previous page), from the query's cursor; else (0, "")."""
        if "cursor" not in self.query:
            return 0, ""
        try:
            start, pinned = json.loads(base64.urlsafe_b64decode(self.query["cursor"]))
            if type(start) is not int or start < 0 or not isinstance(pinned, str):
                raise ValueError
        except (ValueError, TypeError):
            raise bad_request("Not a cursor of this server.") from None
        return start, pinned
