"""Who may do what: tokens, their users, their rights.

`root/token` holds the token of the user `rehearsal` (made on the first start, mode 0600). `root/tokens.json`, when
there is one, adds more: `{token: {"name": …, "role": "read" | "write", "orgs": […]}}`; it is read when the server
starts. Tokens are never logged and never sent.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from .errors import HubError, forbidden, unauthorized
from .names import check_repo_id

DEFAULT_USER = "rehearsal"
ROLES = ("read", "write")


@dataclass(frozen=True)
class User:
    """The bearer of a token."""

    name: str
    role: str
    orgs: tuple[str, ...] = ()

    def owns(self, namespace: str) -> bool:
        return namespace == self.name or namespace in self.orgs

    def whoami(self) -> dict:
        """The answer of `/api/whoami-v2`."""
        return {
            "type": "user",
            "id": self.name,
            "name": self.name,
            "fullname": self.name,
            "email": None,
            "isPro": False,
            "orgs": [
                {"type": "org", "id": org, "name": org, "fullname": org, "roleInOrg": "write"} for org in self.orgs
            ],
            "auth": {"type": "access_token", "accessToken": {"displayName": "rehearsal", "role": self.role}},
        }


class Accounts:
    """The tokens of one Hub. Raises `ValueError` when `tokens.json` is not what the module's docstring says."""

    def __init__(self, root: Path):
        self.token_file = root / "token"
        if not self.token_file.exists():
            # Written beside and renamed: a kill must not leave an empty token.
            partial = root / f"token.{secrets.token_hex(8)}.tmp"
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"hf_{secrets.token_hex(17)}\n")
            os.replace(partial, self.token_file)
        self.token = self.token_file.read_text().strip()
        if not self.token:
            raise ValueError(f"{self.token_file} is empty: delete it and a new token is made")
        self._users = {self.token: User(DEFAULT_USER, "write")}
        more = root / "tokens.json"
        if more.exists():
            self._users.update(_read_tokens(more))

    def user(self, authorization: str | None) -> User | None:
        """The user behind an `Authorization` header, None without one; 401 when the token is unknown."""
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        # Every token is compared, each in constant time: the answer's delay says nothing about them.
        found = [
            user
            for known, user in self._users.items()
            if secrets.compare_digest(known.encode(), token.strip().encode())
        ]
        if scheme.lower() != "bearer" or not found:
            raise HubError(401, "Invalid credentials in Authorization header")
        return found[0]


def require_user(user: User | None) -> User:
    """The user; 401 when nobody is logged in."""
    if user is None:
        raise unauthorized()
    return user


def require_write(user: User | None, namespace: str) -> User:
    """The user; 401 when nobody is logged in, 403 when the token only reads or the namespace is someone else's."""
    user = require_user(user)
    if user.role != "write":
        raise forbidden("This token has the role 'read': writing needs a token with the role 'write'")
    if not user.owns(namespace):
        raise forbidden(f"You don't have the rights to write under the namespace '{namespace}'")
    return user


def _read_tokens(path: Path) -> dict[str, User]:
    try:
        entries = json.loads(path.read_text())
        users = {}
        for token, entry in entries.items():
            user = User(entry["name"], entry.get("role", "write"), tuple(entry.get("orgs", ())))
            for name in (user.name, *user.orgs):
                check_repo_id(f"{name}/x")
            if not token or user.role not in ROLES:
                raise ValueError("role must be read or write")
            users[token] = user
    except (ValueError, KeyError, TypeError, AttributeError, HubError) as error:
        raise ValueError(f"{path} must map tokens to {{name, role: read|write, orgs: [...]}}: {error}") from None
    return users
