"""Large files: the object store of one repo and the LFS batch API (basic transfer, upload and verify).

An object is written to `tmp/`, hashed on the way, and renamed to its sha256 only when size and hash are what was
announced: a truncated or a wrong upload leaves nothing. As on the Hub the upload itself carries no token; the batch
answer holds a signed, short-lived address (https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from .errors import HubError, bad_request, forbidden, repo_not_found

MAX_OBJECT_BYTES = 50_000_000_000  # the Hub's limit for one file
UPLOAD_SECONDS = 3600  # how long a signed address is good for
_OID = re.compile(r"[0-9a-f]{64}")
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n")


def check_oid(oid: object) -> str:
    if not isinstance(oid, str) or not _OID.fullmatch(oid):
        raise bad_request("An LFS oid must be a sha256 in 64 lower-case hex digits.")
    return oid


def check_size(size: object) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise bad_request("An LFS size must be a whole number of bytes.")
    if size > MAX_OBJECT_BYTES:
        raise HubError(413, f"A file may have at most {MAX_OBJECT_BYTES} bytes.")
    return size


def pointer(oid: str, size: int) -> bytes:
    """The git blob that stands for a large file (git-lfs' spec v1)."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()


def parse_pointer(blob: bytes) -> tuple[str, int] | None:
    """(sha256, size) when a blob is a pointer, else None."""
    match = _POINTER.fullmatch(blob)
    return (match[1].decode(), int(match[2])) if match else None


class LfsObjects:
    """The large files of one repo."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, oid: str) -> Path:
        return self.folder / "objects" / oid[:2] / oid[2:4] / oid

    def size(self, oid: str) -> int | None:
        """Bytes of a stored object, None when it is not stored."""
        try:
            return self.path(oid).stat().st_size
        except FileNotFoundError:
            return None

    def _make_folder(self, *names: str) -> Path:
        """A folder below the store, made level by level: a repo deleted meanwhile must not come back as a shell."""
        folder = self.folder
        try:
            folder.mkdir(exist_ok=True)
            for name in names:
                folder = folder / name
                folder.mkdir(exist_ok=True)
        except FileNotFoundError:
            raise repo_not_found(anonymous=False) from None
        return folder

    async def receive(self, oid: str, size: int, chunks: AsyncIterator[bytes]) -> None:
        """Store an upload. Raises `HubError` 400 or 413, storing nothing, unless it has this size and this sha256."""
        partial = self._make_folder("tmp") / uuid.uuid4().hex
        try:
            digest, received = hashlib.sha256(), 0
            with open(partial, "wb") as file:
                async for chunk in chunks:
                    received += len(chunk)
                    if received > size:
                        raise HubError(413, f"The upload is longer than the {size} bytes announced.")
                    digest.update(chunk)
                    file.write(chunk)
            if received != size:
                raise bad_request(f"The upload has {received} bytes, {size} were announced.")
            if digest.hexdigest() != oid:
                raise bad_request("The upload's sha256 is not the oid announced.")
            os.replace(partial, self._make_folder("objects", oid[:2], oid[2:4]) / oid)
        finally:
            partial.unlink(missing_ok=True)


class UploadLinks:
    """Signed upload addresses, good for one object of one repo for an hour of this server's life."""

    def __init__(self):
        self._key = secrets.token_bytes(32)

    def _sign(self, kind: str, repo_id: str, oid: str, size: int, expires: int) -> str:
        return hmac.new(self._key, f"{kind}/{repo_id}/{oid}/{size}/{expires}".encode(), "sha256").hexdigest()

    def make(self, kind: str, repo_id: str, oid: str, size: int) -> str:
        """Path and query of the address."""
        expires = int(time.time()) + UPLOAD_SECONDS
        signature = self._sign(kind, repo_id, oid, size, expires)
        return f"/lfs-upload/{kind}/{repo_id}/{oid}?size={size}&expires={expires}&signature={signature}"

    def check(self, kind: str, repo_id: str, oid: str, query) -> int:
        """The announced size; 403 when the address is not one of ours or too old."""
        try:
            size, expires = int(query["size"]), int(query["expires"])
        except (KeyError, ValueError):
            raise forbidden("Not an upload address of this server") from None
        good = self._sign(kind, repo_id, oid, size, expires)
        if not hmac.compare_digest(good, query.get("signature", "")) or expires < time.time():
            raise forbidden("Not an upload address of this server, or one that has expired")
        return size


def batch(repo, payload: dict, links: UploadLinks, endpoint: str) -> dict:
    """The answer to an LFS batch request: for each object not stored yet, where to send it and where to verify it."""
    if payload.get("operation") != "upload":
        raise HubError(422, "Only the LFS operation 'upload' is served; files are read through /resolve/.")
    if payload.get("hash_algo", "sha256") != "sha256" or "basic" not in payload.get("transfers", ["basic"]):
        raise HubError(422, "Only sha256 and the transfer 'basic' are served (set HF_HUB_DISABLE_XET=1).")
    objects = payload.get("objects")
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise bad_request("An LFS batch must list its objects.")
    answers = []
    for item in objects:
        oid, size = check_oid(item.get("oid")), check_size(item.get("size"))
        answer: dict = {"oid": oid, "size": size, "authenticated": True}
        stored = repo.lfs.size(oid)
        if stored is not None and stored != size:
            answer["error"] = {"code": 422, "message": f"This object is stored with {stored} bytes, not {size}."}
        elif stored is None:
            answer["actions"] = {
                "upload": {"href": endpoint + links.make(repo.kind, repo.id, oid, size)},
                "verify": {"href": f"{endpoint}{repo.url_path}.git/info/lfs/objects/verify"},
            }
        answers.append(answer)
    return {"transfer": "basic", "objects": answers, "hash_algo": "sha256"}


def verify(repo, payload: dict) -> dict:
    """`{}` when the object is stored with this size; 404 or 422 otherwise."""
    oid, size = check_oid(payload.get("oid")), check_size(payload.get("size"))
    stored = repo.lfs.size(oid)
    if stored is None:
        raise HubError(404, "This object is not stored.")
    if stored != size:
        raise HubError(422, f"This object has {stored} bytes, not {size}.")
    return {}
