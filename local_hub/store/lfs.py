"""Large files on disk: the object store of one repo.

An object is written to `tmp/`, hashed on the way, and renamed to its sha256 only when size and hash are what was
announced: a truncated or a wrong upload leaves nothing. A file that comes in parts has them in `tmp/<sha256>/` until
they are put together.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from arith_puzzle.local_hub.errors import HubError, bad_request, repo_not_found

MAX_OBJECT_BYTES = 50_000_000_000  # the Hub's limit for one file
_CHUNK = 1024 * 1024
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

    def all(self) -> Iterator[Path]:
        """Every stored object, by its sha256."""
        yield from sorted((self.folder / "objects").glob("*/*/*"))

    def delete(self, oid: str) -> None:
        self.path(oid).unlink(missing_ok=True)

    def copy_from(self, other: LfsObjects, oid: str) -> bool:
        """Take an object over from another repo, by a link where the disk allows; False when it has none such."""
        partial = self._make_folder("tmp") / uuid.uuid4().hex
        try:
            os.link(other.path(oid), partial)
        except FileNotFoundError:
            return False
        except OSError:
            shutil.copyfile(other.path(oid), partial)
        os.replace(partial, self._make_folder("objects", oid[:2], oid[2:4]) / oid)
        partial.unlink(missing_ok=True)  # replace() leaves it where both were one file already
        return True

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
            found = await _write(partial, size, chunks)
            if found != oid:
                raise bad_request("The upload's sha256 is not the oid announced.")
            os.replace(partial, self._make_folder("objects", oid[:2], oid[2:4]) / oid)
        finally:
            partial.unlink(missing_ok=True)

    async def receive_part(self, oid: str, number: int, size: int, chunks: AsyncIterator[bytes]) -> str:
        """Keep one part of an object; its sha256. Raises `HubError` 400 or 413 unless it has this size."""
        partial = self._make_folder("tmp") / uuid.uuid4().hex
        try:
            found = await _write(partial, size, chunks)
            os.replace(partial, self._make_folder("tmp", oid) / str(number))
        finally:
            partial.unlink(missing_ok=True)
        return found

    def assemble(self, oid: str, size: int, parts: list[str]) -> None:
        """Put the parts together, given the sha256 of each. 400, storing nothing, unless all are there and make the
        object; the parts are then gone, so that the next try begins anew."""
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
                        raise bad_request(f"Part {number} is not the one whose ETag was given.")
            if partial.stat().st_size != size or digest.hexdigest() != oid:
                shutil.rmtree(folder, ignore_errors=True)
                raise bad_request("The parts do not make the object announced.")
            os.replace(partial, self._make_folder("objects", oid[:2], oid[2:4]) / oid)
            shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            # A repeated request finds the parts gone and the object there.
            if self.size(oid) != size:
                raise bad_request("A part of this upload has not arrived.") from None
        finally:
            partial.unlink(missing_ok=True)


async def _write(path: Path, size: int, chunks: AsyncIterator[bytes]) -> str:
    """Write what arrives, which must have this size; its sha256."""
    digest, received = hashlib.sha256(), 0
    with open(path, "wb") as file:
        async for chunk in chunks:
            received += len(chunk)
            if received > size:
                raise HubError(413, f"The upload is longer than the {size} bytes announced.")
            digest.update(chunk)
            file.write(chunk)
    if received != size:
        raise bad_request(f"The upload has {received} bytes, {size} were announced.")
    return digest.hexdigest()
