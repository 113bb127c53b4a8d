"""A temporary cache for each local dataset folder, because the usual one could give the rows of another folder.

``datasets`` knows a folder only by its name and its card. So it may return the rows or column types of another folder
of that name, or of the same folder before its files were replaced.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


def datasets_cache(source: str) -> str | None:
    """``cache_dir`` for ``load_dataset(source, ...)``: an empty folder that this process removes at its end.

    Args:
        source: a folder, or the id of a repo on the Hub, which ``datasets`` knows by its commit; for it None, the usual
            cache.
    """
    return _folder(str(Path(source).resolve())).name if Path(source).is_dir() else None


@cache
def _folder(path: str) -> TemporaryDirectory:
    return TemporaryDirectory(prefix="arith-puzzle-datasets-", ignore_cleanup_errors=True)
