"""Who may do what: tokens, their users, the users' organizations, and the rights that follow.

`root/token` holds the token of the user `local` (made on the first start, mode 0600). `root/tokens.json`, when
there is one, adds more; it is read when the server starts. Tokens are never logged and never sent.

    {"hf_…": {"name": "ann", "fullname": "Ann", "orgs": ["puzzlers", {"name": "school", "role": "read"}]},
     "hf_…": {"name": "ann", "role": "fineGrained", "may_write": ["puzzlers", "ann/arith-puzzle"]}}

role: `read`, `write` (the default), or `fineGrained`, which writes only where `may_write` says: namespaces and repos.
An organization: its name, or its name, `fullname`, the user's `role` in it (`admin`, `write`, `contributor` or `read`;
`write` unless told) and `private_by_default`, whether its new repos are private unless asked for otherwise.
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
    """A namespace of several users, and what one of them may do in it."""

    name: str
    fullname: str
    role: str = "write"
    private_by_default: bool = False


@dataclass(frozen=True)
class User:
    """The bearer of a token."""

    name: str
    role: str
    orgs: tuple[Organization, ...] = ()
    fullname: str = ""
    may_write: tuple[str, ...] = ()

    def owns(self, namespace: str) -> bool:
        """Whether the namespace is the user's own or that of one of the organizations: then all in it may be read."""
        return namespace == self.name or any(org.name == namespace for org in self.orgs)

    def why_not_write(self, namespace: str, repo_id: str | None) -> str | None:
        """None when this token writes to the repo (None: any, as for a new one) of this namespace, else the reason."""
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

    def user(self, token: str | None) -> User | None:
        """The bearer of a token, None without one; 401 when it is unknown."""
        if token is None:
            return None
        # Every token is compared, each in constant time: the answer's delay says nothing about them.
        found = [user for known, user in self._users.items() if secrets.compare_digest(known.encode(), token.encode())]
        if not found:
            raise HubError(401, "Invalid credentials in Authorization header")
        return found[0]

    def named(self, name: str) -> User | None:
        """Any bearer of this name."""
        return next((user for user in self._users.values() if user.name == name), None)

    def members(self, organization: str) -> list[User]:
        """The users of an organization, each once, by name; empty when there is no such organization."""
        found = {user.name: user for user in self._users.values() if user.org(organization)}
        return [found[name] for name in sorted(found)]


def require_user(user: User | None) -> User:
    """The user; 401 when nobody is logged in."""
    if user is None:
        raise unauthorized()
    return user


def require_write(user: User | None, namespace: str, repo_id: str | None = None) -> User:
    """The user; 401 when nobody is logged in, 403 when token or user may not write to the repo in the namespace."""
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
