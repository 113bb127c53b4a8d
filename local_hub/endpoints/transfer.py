"""Large files over HTTP: the LFS batch API with basic and multipart transfers, upload, verify and download.

As on the Hub, a transfer needs no token: the answer to a batch request holds signed addresses (links.py) on the second
port. Sources: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md; multipart: `huggingface_hub.lfs`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from arith_puzzle.local_hub.calls import Call, Hub
from arith_puzzle.local_hub.errors import HubError, bad_request, repo_not_found
from arith_puzzle.local_hub.store.lfs import check_oid, check_size
from arith_puzzle.local_hub.store.repo import Repo

MULTIPART_FROM = 32 * 1024 * 1024  # bytes; from this size on, clients that support multipart must use it
PART_BYTES = 16 * 1024 * 1024
MAX_PARTS = 10_000


def batch(call: Call) -> Response:
    """For each object the addresses to upload it (unless it is stored) and verify it, or to download it."""
    payload = call.json()
    operation, objects = payload.get("operation"), payload.get("objects")
    if operation not in ("upload", "download"):
        raise HubError(422, "The 'operation' of an LFS batch must be 'upload' or 'download'.")
    if payload.get("hash_algo", "sha256") != "sha256":
        raise HubError(422, "The 'hash_algo' of an LFS batch must be 'sha256'.")
    transfers = payload.get("transfers", ["basic"])
    if not isinstance(transfers, list) or "basic" not in transfers:
        raise HubError(422, "The transfers served are 'basic' and 'multipart' (set HF_HUB_DISABLE_XET=1).")
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise bad_request("An LFS batch must list its objects.")
    repo = call.repo_to_contribute() if operation == "upload" else call.repo_to_download()
    answers = []
    for item in objects:
        oid, size = check_oid(item.get("oid")), check_size(item.get("size"))
        answer: dict = {"oid": oid, "size": size, "authenticated": True}
        stored = repo.lfs.size(oid)
        if stored is not None and stored != size:
            answer["error"] = {"code": 422, "message": f"This object is stored with {stored} bytes, not {size}."}
        elif operation == "download" and stored is None:
            answer["error"] = {"code": 404, "message": "This object is not stored."}
        elif operation == "download":
            answer["actions"] = {"download": {"href": download_address(call, repo, oid, oid)}}
        elif stored is None:
            answer["actions"] = _upload_actions(call, repo, oid, size, "multipart" in transfers)
        answers.append(answer)
    found = {"transfer": "basic", "objects": answers, "hash_algo": "sha256"}
    return JSONResponse(found, media_type="application/vnd.git-lfs+json")


def _upload_actions(call: Call, repo: Repo, oid: str, size: int, multipart: bool) -> dict:
    def address(**facts: object) -> str:
        where = f"{repo.kind}/{repo.id}/{oid}"
        return call.files_endpoint + call.hub.links.make("lfs-upload", where, size=size, **facts)

    verify = {"href": f"{call.endpoint}{repo.url_path}.git/info/lfs/objects/verify"}
    if not multipart or size < MULTIPART_FROM:
        return {"upload": {"href": address()}, "verify": verify}
    chunk = max(PART_BYTES, -(-size // MAX_PARTS))
    parts = -(-size // chunk)
    header = {f"{number:05d}": address(part=number, chunk=chunk) for number in range(1, parts + 1)}
    return {"upload": {"href": address(parts=parts), "header": {"chunk_size": str(chunk), **header}}, "verify": verify}


def verify(call: Call) -> dict:
    """`{}` if the object is stored with this size. Raises `HubError` 404 or 422 otherwise."""
    repo, payload = call.repo_to_contribute(), call.json()
    oid, size = check_oid(payload.get("oid")), check_size(payload.get("size"))
    stored = repo.lfs.size(oid)
    if stored is None:
        raise HubError(404, "This object is not stored.")
    if stored != size:
        raise HubError(422, f"This object has {stored} bytes, not {size}.")
    return {}


async def receive(hub: Hub, request: Request, where: str) -> Response:
    """PUT of a whole object, or of one part, to a signed address. The answer to a part has the part's ETag."""
    facts = hub.links.check("lfs-upload", where, request.query_params)
    repo, oid = _object(hub, where)
    size = int(facts["size"])
    if "part" not in facts:
        await repo.lfs.receive(oid, size, request.stream())
        return Response(status_code=200)
    number, chunk = int(facts["part"]), int(facts["chunk"])
    part = await repo.lfs.receive_part(oid, number, min(chunk, size - (number - 1) * chunk), request.stream())
    return Response(status_code=200, headers={"ETag": f'"{part}"'})


def complete(hub: Hub, where: str, query, payload: object) -> dict:
    """POST of the list of parts, which says that all have been sent."""
    facts = hub.links.check("lfs-upload", where, query)
    repo, oid = _object(hub, where)
    try:
        parts = sorted(payload["parts"], key=lambda part: part["partNumber"])
        numbers, etags = [part["partNumber"] for part in parts], [part["etag"].strip('"') for part in parts]
    except (TypeError, KeyError, AttributeError):
        raise bad_request("The body must list the 'parts', each with its 'partNumber' and 'etag'.") from None
    if numbers != list(range(1, int(facts.get("parts", "0")) + 1)):
        raise bad_request(f"The parts must be numbered from 1 to {facts.get('parts', '0')}.")
    repo.lfs.assemble(oid, int(facts["size"]), etags)
    return {"success": True}


def download_address(call: Call, repo: Repo, oid: str, filename: str) -> str:
    """A signed address of an object, valid without a token."""
    return call.files_endpoint + call.hub.links.make("lfs-download", f"{repo.kind}/{repo.id}/{oid}", filename=filename)


def download(hub: Hub, request: Request, where: str) -> Response:
    """GET of an object at a signed address, whole or in ranges."""
    facts = hub.links.check("lfs-download", where, request.query_params)
    repo, oid = _object(hub, where)
    if repo.lfs.size(oid) is None:
        raise HubError(404, "This object is not stored.")
    headers = {"ETag": f'"{oid}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    name = facts["filename"].rsplit("/", 1)[-1]
    return FileResponse(
        repo.lfs.path(oid), headers=headers, media_type="application/octet-stream", filename=name,
        content_disposition_type="inline",
    )  # fmt: skip


def _object(hub: Hub, where: str) -> tuple[Repo, str]:
    """The repo and the oid of a checked address. Raises `HubError` 404 if the repo was deleted."""
    kind, namespace, name, oid = where.split("/")
    repo = hub.store.open(kind, f"{namespace}/{name}")
    if repo is None:
        raise repo_not_found(anonymous=False)
    return repo, check_oid(oid)
