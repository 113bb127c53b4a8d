"""Large files on disk: the LFS object store of one repo, and the pointers to it in git.

An upload is written to `tmp/` and hashed on the way. It is renamed to its sha256 only if size and hash are as
announced, so a truncated or wrong upload leaves nothing. The parts of a multipart upload lie in `tmp/<sha256>/` until
they are assembled.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pygit2

from arith_puzzle.local_hub.errors import HubError, bad_request, repo_not_found

MAX_OBJECT_BYTES = 50_000_000_000  # the Hub's limit for one file
_CHUNK = 1024 * 1024
_OID = re.compile(r"[0-9a-f]{64}")
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n")


_MAX_POINTER_BYTES = 200  # a pointer has about 140


def check_oid(oid: object) -> str:
    """Return a sha256 unchanged. Raises `HubError` 400 if it is not one."""
    if not isinstance(oid, str) or not _OID.fullmatch(oid):
        raise bad_request("An LFS oid must be a sha256 in 64 lower-case hex digits.")
    return oid


def check_size(size: object) -> int:
    """Return a number of bytes unchanged. Raises `HubError` 400 if it is not one, and 413 above the limit."""
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise bad_request("An LFS size must be a whole number of bytes.")
    if size > MAX_OBJECT_BYTES:
        raise HubError(413, f"A file may have at most {MAX_OBJECT_BYTES} bytes.")
    return size


def pointer(oid: str, size: int) -> bytes:
    """The content of the git blob that points to a large file (git-lfs spec v1)."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()


def parse_pointer(blob: pygit2.Blob) -> tuple[str, int] | None:
    """(sha256, size in bytes) if a blob is a pointer, else None."""
    match = _POINTER.fullmatch(blob.data) if blob.size <= _MAX_POINTER_BYTES else None
    return (match[1].decode(), int(match[2])) if match else None


class LfsObjects:
    """The large files of one repo."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, oid: str) -> Path:
        return self.folder / "objects" / oid[:2] / oid[2:4] / oid

    def size(self, oid: str) -> int | None:
        """Size of a stored object in bytes; None if it is not stored."""
        try:
            return self.path(oid).stat().st_size
        except FileNotFoundError:
            return None

    def all(self) -> Iterator[Path]:
        """The paths of all stored objects, sorted by sha256."""
        yield from sorted((self.folder / "objects").glob("*/*/*"))

    def delete(self, oid: str) -> None:
        self.path(oid).unlink(missing_ok=True)

    def copy_from(self, other: LfsObjects, oid: str) -> bool:
        """Copy an object from another repo, by a hard link if possible. False if the other repo does not have it."""
        partial = self._make_folder("tmp") / uuid.uuid4().hex
        try:
            os.link(other.path(oid), partial)
        except FileNotFoundError:
            return False
        except OSError:
            shutil.copyfile(other.path(oid), partial)
        os.replace(partial, self._make_folder("objects", oid[:2], oid[2:4]) / oid)
        partial.unlink(missing_ok=True)  # rename(2) does nothing if both names are links to one file
        return True

    def _make_folder(self, *names: str) -> Path:
        """Create a folder below the store, level by level.

        `mkdir(parents=True)` would recreate an empty shell of a repo that was deleted meanwhile; this gives 404.
        """
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
        """Store an upload. Raises `HubError` 400 or 413, and stores nothing, if size or sha256 differ."""
        partial = self._make_folder("tmp") / uuid.uuid4().hex
        try:
            found = await _write(partial, size, chunks)
            if found != oid:
                raise bad_request("The upload's sha256 is not the announced oid.")
            os.replace(partial, self._make_folder("objects", oid[:2], oid[2:4]) / oid)
        finally:
            partial.unlink(missing_ok=True)

    async def receive_part(self, oid: str, number: int, size: int, chunks: AsyncIterator[bytes]) -> str:
        """Keep one part of an object and return the part's sha256. Raises `HubError` 400 or 413 if its size differs."""
        partial = self._make_folder("tmp") / uuid.uuid4().hex
        try:
            found = await _write(partial, size, chunks)
            os.replace(partial, self._make_folder("tmp", oid) / str(number))
        finally:
            partial.unlink(missing_ok=True)
        return found

    def assemble(self, oid: str, size: int, parts: list[str]) -> None:
        """Assemble the parts of an object, given the sha256 of each part.

        Raises `HubError` 400, and stores nothing, if a part is missing or the parts do not make the object. In the
        latter case the parts are deleted, so that the next attempt starts over.
        """
        folder, partial = self.folder / "tmp" / oid, self._make_folder("tmp") / uuid.uuid4().hex
        digest = hashlib.sha256()
        try:
            with open(partial, "wb") as file:
                for number, wanted in enumerate(parts, 1):
                    part = hashlib.sha256()
                    with open(folder / str(number), "rb") as source:
                        while chunk := source.read(_CHUNK):
                            part.update(chunk)
                            digest.update(chunk)
                            file.write(chunk)
                    if part.hexdigest() != wanted:
                        raise bad_request(f"The ETag of part {number} is not that of the uploaded part.")
            if partial.stat().st_size != size or digest.hexdigest() != oid:
                shutil.rmtree(folder, ignore_errors=True)
                raise bad_request("The parts do not make the announced object.")
            os.replace(partial, self._make_folder("objects", oid[:2], oid[2:4]) / oid)
            shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            # If the request is repeated, the parts are gone and the object is stored.
            if self.size(oid) != size:
                raise bad_request("A part of this upload has not arrived.") from None
        finally:
            partial.unlink(missing_ok=True)


async def _write(path: Path, size: int, chunks: AsyncIterator[bytes]) -> str:
    """Write the chunks to a file and return their sha256. Raises `HubError` 400 or 413 if the size differs."""
    digest, received = hashlib.sha256(), 0
    with open(path, "wb") as file:
        async for chunk in chunks:
            received += len(chunk)
            if received > size:
                raise HubError(413, f"The upload is longer than the announced {size} bytes.")
            digest.update(chunk)
            file.write(chunk)
    if received != size:
        raise bad_request(f"The upload has {received} bytes, {size} were announced.")
    return digest.hexdigest()
