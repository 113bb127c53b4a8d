"""The ASGI application: it turns a request into a `Call`, runs the endpoint, and turns the result into a response."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import uuid

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from arith_puzzle.local_hub.calls import Call, Hub
from arith_puzzle.local_hub.endpoints import commits, git_http, transfer
from arith_puzzle.local_hub.errors import HubError, bad_request
from arith_puzzle.local_hub.routes import OPEN_TO_ALL, git_route, route, take_apart
from arith_puzzle.local_hub.store.accounts import require_user

MAX_JSON_BYTES = 8 * 1024 * 1024
MAX_COMMIT_BYTES = 512 * 1024 * 1024
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_log = logging.getLogger("arith_puzzle.local_hub")


def make_app(hub: Hub) -> Starlette:
    """The ASGI application for one Hub."""

    async def answer(request: Request) -> Response:
        # The client prints this id with an error. If the client sends an id, it gets that one back.
        known = [request.headers.get(name, "") for name in ("x-request-id", "x-amzn-trace-id")]
        request_id = next((name for name in known if name.isascii() and 0 < len(name) < 100), str(uuid.uuid4()))
        try:
            response = await _dispatch(hub, request)
        except HubError as error:
            response = _refusal(error)
        except ClientDisconnect:
            response = _refusal(HubError(400, "The upload was cut off."))
        except Exception as error:
            # Log where it happened, but not the request: no body and no token may reach a log.
            frame = error.__traceback__
            while frame.tb_next:
                frame = frame.tb_next
            place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
            _log.error("%s in %s %s at %s", type(error).__name__, request.method, request.url.path, place)
            response = _refusal(HubError(500, "Internal error of the local Hub"))
        response.headers["X-Request-Id"] = request_id
        return response

    return Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])


def _token(authorization: str | None) -> str | None:
    """The token of an `Authorization` header: a bearer token, or the password that git and git-lfs send."""
    if not authorization:
        return None
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
    raise HubError(401, "Invalid credentials in Authorization header")


def _refusal(error: HubError) -> JSONResponse:
    # A header is one line of Latin-1. The body holds the whole message.
    message = error.message.replace("\r", " ").replace("\n", " ").encode("ascii", "replace").decode()[:500]
    headers = {"X-Error-Message": message, **error.headers}
    if error.code:
        headers["X-Error-Code"] = error.code
    return JSONResponse({"error": error.message, **error.body}, error.status, headers)


async def _body(request: Request, limit: int) -> bytes:
    """The whole body. Raises `HubError` 413 as soon as its announced or received size exceeds the limit."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > limit:
        raise HubError(413, f"The body may have at most {limit} bytes.")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise HubError(413, f"The body may have at most {limit} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


async def _dispatch(hub: Hub, request: Request) -> Response:
    raw_path = request.scope.get("raw_path", request.url.path.encode()).split(b"?")[0].decode("ascii", "replace")
    parts = take_apart(raw_path)
    if parts[0] in ("lfs-upload", "lfs-download"):
        return await _transfer(hub, request, parts[0], "/".join(parts[1:]))
    # Every address refuses an unknown token, even public ones.
    user = hub.accounts.user(_token(request.headers.get("authorization")))
    method = "GET" if request.method == "HEAD" else request.method
    endpoint = str(request.base_url).rstrip("/")
    base = request.base_url.replace(port=hub.files_port)
    facts = {
        "hub": hub,
        "user": user,
        "endpoint": endpoint,
        "files_endpoint": str(base).rstrip("/"),
        "path": raw_path,
        "query": request.query_params,
        "headers": request.headers,
        "head": request.method == "HEAD",
    }
    if parts[0] != "api" and (found := git_route(parts)):
        return await _git(Call(**facts, **found), request, method)
    function, about = route(method, parts)
    if method != "GET" and function not in OPEN_TO_ALL:
        require_user(user)  # before reading the body: strangers must not make the server hold half a gigabyte
    limit = MAX_COMMIT_BYTES if function is commits.commit else MAX_JSON_BYTES
    body = await _body(request, limit) if method != "GET" else b""
    answer = await run_in_threadpool(function, Call(body=body, **facts, **about))
    return answer if isinstance(answer, Response) else JSONResponse(answer)


async def _transfer(hub: Hub, request: Request, purpose: str, where: str) -> Response:
    """Upload or download of a large file at a signed address."""
    if "authorization" in request.headers:
        # As the storage behind the real Hub does: a token must not be sent there.
        raise bad_request("A signed address takes no Authorization header.")
    if purpose == "lfs-download" and request.method in ("GET", "HEAD"):
        return await run_in_threadpool(transfer.download, hub, request, where)
    if purpose == "lfs-upload" and request.method == "PUT":
        return await transfer.receive(hub, request, where)
    if purpose == "lfs-upload" and request.method == "POST":
        try:
            payload = json.loads(await _body(request, MAX_JSON_BYTES))
        except (ValueError, RecursionError):
            raise bad_request("The body is not JSON.") from None
        return JSONResponse(await run_in_threadpool(transfer.complete, hub, where, request.query_params, payload))
    raise HubError(405, f"A signed address does not take {request.method}")


async def _git(call: Call, request: Request, method: str) -> Response:
    """The requests of `git clone` and `git fetch`."""
    (action,) = call.args
    git_http.check_service(action, request.query_params)
    if method != ("GET" if action == "info/refs" else "POST"):
        raise HubError(405, f"{action} does not take {method}")
    try:
        repo = await run_in_threadpool(call.repo_to_download)
    except HubError as error:
        if error.status == 401:
            error.headers["WWW-Authenticate"] = 'Basic realm="Hugging Face"'  # makes git ask for name and token
        raise
    body = await _body(request, MAX_JSON_BYTES) if method == "POST" else b""
    return await git_http.serve(repo, action, method, request.url.query, request.headers, body)
