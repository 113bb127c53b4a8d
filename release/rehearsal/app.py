"""The HTTP side: an address becomes a `Call`, its answer or refusal becomes a response.

Addresses are taken apart while still percent-encoded, because clients send a branch `a/b` as `a%2Fb`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import commits, files, lfs, refs, repos
from .accounts import require_user
from .calls import Call, Hub
from .cards import validate
from .errors import HubError, bad_request, repo_not_found
from .names import ACTIONS, KINDS, PLURAL

MAX_JSON_BYTES = 8 * 1024 * 1024
MAX_COMMIT_BYTES = 512 * 1024 * 1024
_log = logging.getLogger("release.rehearsal")

# (method, action, fewest arguments, most arguments) → endpoint, under /api/<kind>/<repo id>/
REPO_API: dict[tuple[str, str], tuple[int, int, Callable]] = {
    ("GET", ""): (0, 0, repos.info),
    ("GET", "revision"): (1, 1, repos.info),
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
}
PAGES: dict[tuple[str, str], Callable] = {("GET", "resolve"): files.resolve, ("GET", "raw"): files.raw}


def make_app(hub: Hub) -> Starlette:
    """The ASGI application for one Hub."""

    async def answer(request: Request) -> Response:
        try:
            # An unknown token is refused everywhere, before anything is read.
            user = hub.accounts.user(request.headers.get("authorization"))
            return await _dispatch(hub, request, user)
        except HubError as error:
            return _refusal(error)
        except ClientDisconnect:
            return _refusal(HubError(400, "The upload was cut off."))
        except Exception as error:
            # Where it happened, not what was sent: no body and no token may reach a log.
            frame = error.__traceback__
            while frame.tb_next:
                frame = frame.tb_next
            place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
            _log.error("%s in %s %s at %s", type(error).__name__, request.method, request.url.path, place)
            return _refusal(HubError(500, "Internal error of the rehearsal Hub"))

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])])


def _refusal(error: HubError) -> JSONResponse:
    # A header is Latin-1 on one line; the whole message is in the body.
    message = error.message.replace("\r", " ").replace("\n", " ").encode("ascii", "replace").decode()[:500]
    headers = {"X-Error-Message": message, **error.headers}
    if error.code:
        headers["X-Error-Code"] = error.code
    return JSONResponse({"error": error.message, **error.body}, error.status, headers)


async def _body(request: Request, limit: int) -> bytes:
    """The whole body; 413 as soon as it is, or says it will be, above the limit."""
    if int(request.headers.get("content-length", "0")) > limit:
        raise HubError(413, f"The body may have at most {limit} bytes.")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise HubError(413, f"The body may have at most {limit} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


async def _dispatch(hub: Hub, request: Request, user) -> Response:
    raw_path = request.scope.get("raw_path", request.url.path.encode()).split(b"?")[0].decode("ascii", "replace")
    parts = [unquote(part) for part in raw_path.strip("/").split("/")]
    if parts[0] == "lfs-upload":
        return await _receive_upload(hub, request, parts[1:])
    method = "GET" if request.method == "HEAD" else request.method
    call_facts = {
        "hub": hub,
        "user": user,
        "endpoint": str(request.base_url).rstrip("/"),
        "query": request.query_params,
        "headers": request.headers,
        "head": request.method == "HEAD",
    }
    endpoint, facts = _route(method, parts)
    limit = MAX_COMMIT_BYTES if endpoint is commits.commit else MAX_JSON_BYTES
    if method != "GET" and endpoint is not files.paths_info:
        require_user(user)  # before the body is read: nobody unknown may make us hold half a gigabyte
    body = await _body(request, limit) if method != "GET" else b""
    answer = await run_in_threadpool(endpoint, Call(body=body, **call_facts, **facts))
    return answer if isinstance(answer, Response) else JSONResponse(answer)


def _route(method: str, parts: list[str]) -> tuple[Callable, dict]:
    """(endpoint, what the address says); 404 or 405 for an address that is not served."""
    if parts[0] == "api":
        if len(parts) >= 2 and parts[1] in KINDS:
            if len(parts) == 2 and method == "GET":
                return repos.listing, {"kind": parts[1]}
            if len(parts) > 2:
                return _repo_route(method, parts[1], parts[2:], REPO_API)
        if len(parts) > 1 and parts[1] == "collections":
            return _collection_route(method, parts[2:])
        if (method, *parts[1:]) in FIXED:
            return FIXED[method, *parts[1:]], {}
        raise HubError(404, "The rehearsal Hub does not serve this address")
    if parts[-4:-1] == ["info", "lfs", "objects"] and method == "POST":
        return _lfs_route(parts)
    kind = parts[0] if parts[0] in ("datasets", "spaces") else "models"
    return _repo_route(method, kind, parts if kind == "models" else parts[1:], PAGES)


def _repo_route(method: str, kind: str, parts: list[str], table: dict) -> tuple[Callable, dict]:
    # `a/b/…` is the repo a/b, unless b is an action: then a is a bare name.
    bare = len(parts) < 2 or parts[1] in ACTIONS
    repo_id, rest = ("".join(parts[:1]), parts[1:]) if bare else ("/".join(parts[:2]), parts[2:])
    action, args = (rest[0], rest[1:]) if rest else ("", [])
    if (method, action) not in table:
        served = any(known == action for _, known in table)
        raise HubError(405 if served else 404, "The rehearsal Hub does not serve this address")
    found = table[method, action]
    if table is REPO_API:
        fewest, most, found = found
        if not fewest <= len(args) <= most:
            raise HubError(404, "The rehearsal Hub does not serve this address")
    elif len(args) < 2:
        raise HubError(404, "The rehearsal Hub does not serve this address")
    return found, {"kind": kind, "repo_id": repo_id, "args": args}


def _lfs_route(parts: list[str]) -> tuple[Callable, dict]:
    """`[datasets/]<repo id>.git/info/lfs/objects/<batch|verify>`."""
    kind = parts[0] if parts[0] in ("datasets", "spaces") else "models"
    repo_id = "/".join(parts[:-4] if kind == "models" else parts[1:-4])
    if not repo_id.endswith(".git") or parts[-1] not in ("batch", "verify"):
        raise HubError(404, "The rehearsal Hub does not serve this address")
    return _lfs_batch if parts[-1] == "batch" else _lfs_verify, {"kind": kind, "repo_id": repo_id.removesuffix(".git")}


def _lfs_batch(call: Call) -> Response:
    found = lfs.batch(call.repo_to_write(), call.json(), call.hub.links, call.endpoint)
    return JSONResponse(found, media_type="application/vnd.git-lfs+json")


def _lfs_verify(call: Call) -> dict:
    return lfs.verify(call.repo_to_write(), call.json())


async def _receive_upload(hub: Hub, request: Request, parts: list[str]) -> Response:
    """PUT of one large file to a signed address."""
    if request.method != "PUT" or len(parts) != 4 or parts[0] not in KINDS:
        raise HubError(404, "The rehearsal Hub does not serve this address")
    kind, repo_id, oid = parts[0], "/".join(parts[1:3]), lfs.check_oid(parts[3])
    size = hub.links.check(kind, repo_id, oid, request.query_params)
    repo = hub.store.open(kind, repo_id)
    if repo is None:
        raise repo_not_found(anonymous=False)
    await repo.lfs.receive(oid, size, request.stream())
    return Response(status_code=200)


def _whoami(call: Call) -> dict:
    return require_user(call.user).whoami()


def _validate_yaml(call: Call) -> Response:
    payload = call.json()
    content, repo_type = payload.get("content"), payload.get("repoType", "model")
    if not isinstance(content, str) or repo_type not in PLURAL:
        raise bad_request("'content' must be the text of a README.md and 'repoType' the type of its repo.")
    errors, warnings = validate(content, repo_type)
    body = {"errors": [{"message": text} for text in errors], "warnings": [{"message": text} for text in warnings]}
    return JSONResponse(body, 400 if errors else 200)


FIXED: dict[tuple[str, ...], Callable] = {
    ("GET", "whoami-v2"): _whoami,
    ("POST", "validate-yaml"): _validate_yaml,
    ("POST", "repos", "create"): repos.create,
    ("DELETE", "repos", "delete"): repos.delete,
    ("POST", "repos", "move"): repos.move,
}


def _collection_route(method: str, parts: list[str]) -> tuple[Callable, dict]:
    """`/api/collections[/<namespace>/<slug>[/items[/<item>]]]`."""
    slug, rest = "/".join(parts[:2]), parts[2:]
    actions: dict[tuple[str, int], Callable] = {
        ("GET", 0): lambda call: call.hub.collections.listing(
            call.user, call.many("owner"), call.many("item"), call.query.get("limit", "")
        ),
        ("POST", 0): lambda call: call.hub.collections.create(call.user, call.json()),
        ("GET", 2): lambda call: call.hub.collections.get(call.user, slug),
        ("PATCH", 2): lambda call: call.hub.collections.update(call.user, slug, call.json()),
        ("DELETE", 2): lambda call: call.hub.collections.delete(call.user, slug),
        ("POST", 3): lambda call: call.hub.collections.add_item(call.user, slug, call.json(), _item_exists(call)),
        ("PATCH", 4): lambda call: call.hub.collections.update_item(call.user, slug, rest[1], call.json()),
        ("DELETE", 4): lambda call: call.hub.collections.delete_item(call.user, slug, rest[1]),
    }
    if (method, len(parts)) not in actions or (rest and rest[0] != "items"):
        raise HubError(404, "The rehearsal Hub does not serve this address")
    return actions[method, len(parts)], {}


def _item_exists(call: Call) -> Callable[[str, str], bool]:
    """Papers live elsewhere and are taken on trust; a repo must be one the user can read."""

    def exists(item_type: str, item_id: str) -> bool:
        if item_type == "paper":
            return True
        repo = call.hub.store.open(PLURAL[item_type], item_id)
        return repo is not None and call.can_read(repo)

    return exists
