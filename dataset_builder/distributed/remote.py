"""``Remote``: an fsspec address with the methods of a Path that ``shards`` uses, and uploads that are never partial."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from arith_puzzle.common import files
from arith_puzzle.common.errors import InputError


class Remote:
    """A file or folder of a remote filesystem. It has the methods of a Path that ``shards`` uses."""

    def __init__(self, filesystem: fsspec.AbstractFileSystem, path: str):
        self.filesystem, self.path = filesystem, path

    def __truediv__(self, below: str) -> Remote:
        return Remote(self.filesystem, f"{self.path.rstrip('/')}/{below}")

    def __str__(self) -> str:
        return self.filesystem.unstrip_protocol(self.path)

    def __fspath__(self) -> str:
        return f"fsspec+{self}"  # pyarrow opens fsspec addresses with this prefix

    @property
    def name(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]

    def is_file(self) -> bool:
        return self.filesystem.isfile(self.path)

    def read_text(self) -> str:
        return self.filesystem.cat_file(self.path).decode()

    def put(self, source: Path) -> None:
        """Upload the file ``source``. A reader sees the complete file or none.

        If the filesystem can rename, the upload goes to a temporary name first. Object stores and the Hub cannot: they
        inherit ``AbstractFileSystem.mv``, which copies and deletes. There, a file appears only when its upload is
        complete.

        Raises:
            OSError: the upload failed or is incomplete.
        """
        parent, _, name = self.path.rpartition("/")
        renames = type(self.filesystem).mv is not fsspec.AbstractFileSystem.mv
        target = f"{parent}/.{name}.{uuid.uuid4().hex}.tmp" if renames else self.path
        self.filesystem.makedirs(parent, exist_ok=True)
        try:
            self.filesystem.put_file(str(source), target)
            if self.filesystem.size(target) != source.stat().st_size:
                raise OSError(f"{self}: the upload is incomplete")
            if renames:
                self.filesystem.mv(target, self.path)
        except BaseException:
            if self.filesystem.exists(target):
                self.filesystem.rm_file(target)
            raise


def place_of(address: str | Path) -> Path | Remote:
    """The place of an address: a Path if it is on the local filesystem, else a Remote.

    Raises:
        InputError: fsspec does not know the filesystem, or its driver is not installed.
    """
    try:
        filesystem, path = fsspec.core.url_to_fs(str(address))
    except (ValueError, ImportError) as error:
        raise InputError(
            f"--out {address}: {error}; give a path or an fsspec address such as s3://bucket/folder"
        ) from None
    return Path(path) if isinstance(filesystem, LocalFileSystem) else Remote(filesystem, path)


def write_text(place: Path | Remote, text: str) -> None:
    """Write a text file. A reader sees the complete file or none."""
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(place, text)
        return
    with tempfile.TemporaryDirectory(prefix="arith-puzzle-") as folder:
        source = Path(folder) / "text"
        source.write_text(text, encoding="utf-8")
        place.put(source)
