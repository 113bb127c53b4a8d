"""The routing table: which method and address lead to which endpoint.

Addresses are split while they are still percent-encoded, because clients send a branch `a/b` as `a%2Fb`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from arith_puzzle.local_hub.calls import Call
from arith_puzzle.local_hub.endpoints import (
    access,
    commits,
    discussions,
    files,
    history,
    listing,
    people,
    refs,
    repos,
    transfer,
)
from arith_puzzle.local_hub.endpoints.collections import ROUTES as COLLECTIONS
from arith_puzzle.local_hub.errors import HubError, not_served
from arith_puzzle.local_hub.names import ACTIONS, KINDS

Endpoint = Callable[[Call], object]

# (method, action) -> (fewest arguments, most arguments, endpoint), below /api/<kind>/<repo id>/.
REPO_API: dict[tuple[str, str], tuple[int, int, Endpoint]] = {
    ("GET", ""): (0, 0, listing.info),
    ("GET", "revision"): (1, 1, listing.info),
    ("PUT", "settings"): (0, 0, repos.settings),
    ("GET", "auth-check"): (0, 1, repos.auth_check),
    ("POST", "preupload"): (1, 1, commits.preupload),
    ("POST", "commit"): (1, 1, commits.commit),
    ("GET", "tree"): (1, 64, files.tree),
    ("POST", "paths-info"): (1, 1, files.paths_info),
    ("GET", "refs"): (0, 0, refs.refs),
    ("POST", "branch"): (1, 8, refs.create_branch),
    ("DELETE", "branch"): (1, 8, refs.delete_branch),
    ("POST", "tag"): (1, 8, refs.create_tag),
    ("DELETE", "tag"): (1, 8, refs.delete_tag),
    ("GET", "commits"): (1, 8, refs.commits),
    ("POST", "super-squash"): (1, 8, history.super_squash),
    ("GET", "lfs-files"): (0, 0, history.lfs_files),
    ("POST", "like"): (0, 0, people.like),
    ("DELETE", "like"): (0, 0, people.unlike),
    ("GET", "likers"): (0, 0, people.likers),
    ("GET", "user-access-request"): (1, 1, access.listing),
}
# (method, action, first argument) -> endpoint, below the same address.
REPO_API_2: dict[tuple[str, str, str], Endpoint] = {
    ("POST", "lfs-files", "batch"): history.delete_lfs_files,
    ("POST", "lfs-files", "duplicate"): history.duplicate_lfs_files,
    ("POST", "user-access-request", "handle"): access.handle,
    ("POST", "user-access-request", "grant"): access.grant,
}
# As REPO_API, below /<repo id>/, /datasets/<repo id>/ and /spaces/<repo id>/.
PAGES: dict[tuple[str, str], tuple[int, int, Endpoint]] = {
    ("GET", "resolve"): (2, 64, files.resolve),
    ("GET", "raw"): (2, 64, files.raw),
    ("POST", "ask-access"): (0, 0, access.ask),
}
# (method, parts of the address below /api/) -> endpoint. `*` matches any part, which becomes an argument.
FIXED: dict[tuple[str, ...], Endpoint] = {
    ("GET", "whoami-v2"): people.whoami,
    ("POST", "validate-yaml"): commits.validate_yaml,
    ("POST", "repos", "create"): repos.create,
    ("DELETE", "repos", "delete"): repos.delete,
    ("POST", "repos", "move"): repos.move,
    ("GET", "users", "*", "overview"): people.user_overview,
    ("GET", "users", "*", "likes"): people.liked,
    ("GET", "organizations", "*", "overview"): people.organization_overview,
    ("GET", "organizations", "*", "members"): people.members,
    ("GET", "settings", "repositories"): people.own_repositories,
    ("GET", "organizations", "*", "settings", "repositories"): people.own_repositories,
    **COLLECTIONS,
}
# Endpoints that need no token although their method is not GET.
OPEN_TO_ALL = (files.paths_info, commits.validate_yaml, transfer.batch)


def take_apart(path: str) -> list[str]:
    """Split a percent-encoded path and decode its parts."""
    return [unquote(part) for part in path.strip("/").split("/")]


def route(method: str, parts: list[str]) -> tuple[Endpoint, dict]:
    """Find the endpoint of an address.

    Returns:
        The endpoint, and the fields of `Call` that the address gives: kind, repo_id, args.

    Raises:
        HubError: 501 for an unknown address below /api/, 404 for any other, 405 for a method that it does not take.
    """
    if parts[0] == "api":
        if len(parts) >= 2 and parts[1] in KINDS:
            if len(parts) == 2 and method == "GET":
                return listing.listing, {"kind": parts[1]}
            if len(parts) > 2:
                return _repo_route(method, parts[1], parts[2:], REPO_API)
        return _fixed_route(method, parts[1:])
    kind = parts[0] if parts[0] in ("datasets", "spaces") else "models"
    rest = parts if kind == "models" else parts[1:]
    if rest[-4:-1] == ["info", "lfs", "objects"] and rest[-1] in ("batch", "verify") and method == "POST":
        endpoint = transfer.batch if rest[-1] == "batch" else transfer.verify
        return endpoint, {"kind": kind, "repo_id": "/".join(rest[:-4]).removesuffix(".git")}
    return _repo_route(method, kind, rest, PAGES)


def git_route(parts: list[str]) -> dict | None:
    """The fields of `Call` for an address of git, `<repo id>[.git]/<info/refs or a service>`; None for others."""
    for action in ("info/refs", "git-upload-pack", "git-receive-pack"):
        words = action.split("/")
        if parts[-len(words) :] == words:
            kind = parts[0] if parts[0] in ("datasets", "spaces") else "models"
            named = (parts if kind == "models" else parts[1:])[: -len(words)]
            return {"kind": kind, "repo_id": "/".join(named).removesuffix(".git"), "args": [action]}
    return None


def _fixed_route(method: str, parts: list[str]) -> tuple[Endpoint, dict]:
    methods = set()
    for (known, *pattern), endpoint in FIXED.items():
        if len(pattern) == len(parts) and all(word in ("*", part) for word, part in zip(pattern, parts, strict=True)):
            if known == method:
                return endpoint, {"args": [part for word, part in zip(pattern, parts, strict=True) if word == "*"]}
            methods.add(known)
    if methods:
        raise HubError(405, f"This address takes {', '.join(sorted(methods))}")
    raise not_served(f"/api/{'/'.join(parts)}"[:200])


def _repo_route(method: str, kind: str, parts: list[str], table: dict) -> tuple[Endpoint, dict]:
    # `a/b/…` is the repo a/b. But if b is an action, `a` is a bare name.
    bare = len(parts) < 2 or parts[1] in ACTIONS
    repo_id, rest = ("".join(parts[:1]), parts[1:]) if bare else ("/".join(parts[:2]), parts[2:])
    action, args = (rest[0], rest[1:]) if rest else ("", [])
    about = {"kind": kind, "repo_id": repo_id, "args": args}
    if table is REPO_API and action == "discussions":
        return _discussion_route(method, args), about
    if table is REPO_API and len(args) == 1 and (method, action, args[0]) in REPO_API_2:
        return REPO_API_2[method, action, args[0]], about
    if (method, action) in table:
        fewest, most, endpoint = table[method, action]
        if fewest <= len(args) <= most:
            return endpoint, about
    elif any(known == action for _, known in table):
        raise HubError(405, f"/{action} does not take {method}")
    if table is REPO_API:
        raise not_served(f"/api/{kind}/<repo>/{'/'.join(rest)}"[:200])
    raise HubError(404, "The local Hub has no such page")


def _discussion_route(method: str, args: list[str]) -> Endpoint:
    endpoints = {
        ("GET", 0): discussions.listing,
        ("POST", 0): discussions.create,
        ("GET", 1): discussions.details,
        ("POST", 2): discussions.change,
        ("POST", 4): discussions.change,
    }
    if (method, len(args)) not in endpoints:
        raise not_served("this action on discussions")
    return endpoints[method, len(args)]
