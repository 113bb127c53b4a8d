"""Tokens, users, organizations, and what each may read and write.

`root/token` holds the token of the user `local`. The first start creates it, with mode 0600. An optional
`root/tokens.json` adds more tokens; the server reads it when it starts. Tokens are never logged and never sent:

    {"hf_…": {"name": "ann", "fullname": "Ann", "orgs": ["puzzlers", {"name": "school", "role": "read"}]},
     "hf_…": {"name": "ann", "role": "fineGrained", "may_write": ["puzzlers", "ann/arith-puzzle"]}}

`role` is `read`, `write` (the default) or `fineGrained`. A fine-grained token writes only to the namespaces and repos
in `may_write`. An item of `orgs` is an organization's name, or an object with `name`, `fullname`, the user's `role` in
it (`admin`, `write`, `contributor` or `read`; default: `write`) and `private_by_default`: whether its new repos are
private by default (default: false).
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from arith_puzzle.local_hub.errors import HubError, forbidden, unauthorized
from arith_puzzle.local_hub.names import check_repo_id

DEFAULT_USER = "local"
ROLES = ("read", "write", "fineGrained")
ORG_ROLES = ("admin", "write", "contributor", "read")


@dataclass(frozen=True)
class Organization:
    """A namespace that several users share, with the role of one of them in it."""

    name: str
    fullname: str
    role: str = "write"
    private_by_default: bool = False


@dataclass(frozen=True)
class User:
    """The user of a token, with the token's rights."""

    name: str
    role: str
    orgs: tuple[Organization, ...] = ()
    fullname: str = ""
    may_write: tuple[str, ...] = ()

    def owns(self, namespace: str) -> bool:
        """Whether the namespace is the user's or one of the user's organizations. Then the user may read all in it."""
        return namespace == self.name or any(org.name == namespace for org in self.orgs)

    def why_not_write(self, namespace: str, repo_id: str | None) -> str | None:
        """Why this token may not write to a repo of this namespace, or None if it may.

        Args:
            repo_id: the repo; None asks about the namespace as a whole.
        """
        if self.role == "read":
            return "This token has the role 'read': writing needs a token with the role 'write'"
        org = self.org(namespace)
        if not self.owns(namespace) or (org is not None and org.role == "read"):
            return f"You don't have the rights to write under the namespace '{namespace}'"
        if self.role == "fineGrained" and not {namespace, repo_id} & set(self.may_write):
            return f"This fine-grained token has no permission to write to '{repo_id or namespace}'"
        return None

    def org(self, namespace: str) -> Organization | None:
        return next((org for org in self.orgs if org.name == namespace), None)

    def whoami(self) -> dict:
        """The answer of `/api/whoami-v2`."""
        token: dict = {"displayName": "local", "role": self.role}
        if self.role == "fineGrained":
            scopes = [
                {
                    "entity": {"_id": name, "type": "repo" if "/" in name else "user", "name": name},
                    "permissions": ["repo.write"],
                }
                for name in self.may_write
            ]
            token["fineGrained"] = {"canReadGatedRepos": True, "global": [], "scoped": scopes}
        return {
            "type": "user",
            "id": self.name,
            "name": self.name,
            "fullname": self.fullname or self.name,
            "email": None,
            "isPro": False,
            "avatarUrl": "",
            "orgs": [
                {
                    "type": "org",
                    "id": org.name,
                    "name": org.name,
                    "fullname": org.fullname,
                    "roleInOrg": org.role,
                    "avatarUrl": "",
                }
                for org in self.orgs
            ],
            "auth": {"type": "access_token", "accessToken": token},
        }


class Accounts:
    """The tokens of one Hub. Raises `ValueError` if `tokens.json` is malformed (the module's docstring defines it)."""

    def __init__(self, root: Path):
        self.token_file = root / "token"
        if not self.token_file.exists():
            # A temporary file, then a rename: a kill must not leave an empty token.
            partial = root / f".token.{secrets.token_hex(8)}.tmp"
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"hf_{secrets.token_hex(17)}\n")
            os.replace(partial, self.token_file)
        self.token = self.token_file.read_text().strip()
        if not self.token:
            raise ValueError(f"{self.token_file} is empty: delete it, and the next start creates a new token")
        self._users = {self.token: User(DEFAULT_USER, "write")}
        more = root / "tokens.json"
        if more.exists():
            self._users.update(_read_tokens(more))

    def user(self, token: str | None) -> User | None:
        """The user of a token; None for None. Raises `HubError` 401 for an unknown token."""
        if token is None:
            return None
        # Compares with every token, each in constant time, so that the delay reveals nothing about them.
        found = [user for known, user in self._users.items() if secrets.compare_digest(known.encode(), token.encode())]
        if not found:
            raise HubError(401, "Invalid credentials in Authorization header")
        return found[0]

    def named(self, name: str) -> User | None:
        """The user of this name, or None. If several tokens belong to that user, the first counts."""
        return next((user for user in self._users.values() if user.name == name), None)

    def members(self, organization: str) -> list[User]:
        """The users of an organization, each once, sorted by name; empty if there is no such organization."""
        found = {user.name: user for user in self._users.values() if user.org(organization)}
        return [found[name] for name in sorted(found)]


def require_user(user: User | None) -> User:
    """Return the user. Raises `HubError` 401 for None."""
    if user is None:
        raise unauthorized()
    return user


def require_write(user: User | None, namespace: str, repo_id: str | None = None) -> User:
    """Return the user. Raises `HubError` 401 for None, and 403 if the token may not write there."""
    user = require_user(user)
    if reason := user.why_not_write(namespace, repo_id):
        raise forbidden(reason)
    return user


def _read_tokens(path: Path) -> dict[str, User]:
    try:
        entries = json.loads(path.read_text())
        return {token: _read_user(token, entry) for token, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, HubError) as error:
        raise ValueError(f"{path} must map tokens to {{name, role, orgs, …}}: {error}") from None


def _read_user(token: str, entry: dict) -> User:
    orgs = []
    for org in entry.get("orgs", ()):
        org = {"name": org} if isinstance(org, str) else org
        orgs.append(Organization(**{"fullname": org["name"], **org}))
    rest = {key: entry[key] for key in entry.keys() - {"name", "role", "orgs", "may_write"}}
    user = User(
        entry["name"], entry.get("role", "write"), tuple(orgs), may_write=tuple(entry.get("may_write", ())), **rest
    )
    for name in (user.name, *(org.name for org in user.orgs)):
        check_repo_id(f"{name}/x")
    if not token or user.role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}")
    if any(org.role not in ORG_ROLES for org in user.orgs):
        raise ValueError(f"a role in an organization must be one of {', '.join(ORG_ROLES)}")
    return user
