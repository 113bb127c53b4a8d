"""The run directory of a score: lock it, check that it belongs to the same run, and read and write its results.

``score.json`` identifies the run. It is written first, and is locked while a process scores. ``results.json`` holds the
finished results. It is written last.
"""

from __future__ import annotations

import json
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import LockedJson, write_json

RESULTS = "results.json"


def lock_run_directory(out: Path, identity: dict) -> LockedJson:
    """Create ``out`` or open it again, check that it belongs to the run ``identity``, and lock it.

    Returns:
        The locked ``score.json``. Closing it releases the lock.

    Raises:
        InputError: the folder belongs to another run, another process is using it, or it is not writable.
    """
    file = LockedJson(out / "score.json", "scoring into")
    if file.content is None:  # the folder is new, or a process was killed while it wrote this file
        file.write(identity)
    elif _fingerprint(file.content) != _fingerprint(identity):
        file.close()
        raise InputError(f"{out} holds the scores of another run; give another --out, or delete it")
    return file


def finished_results(out: Path, identity: dict) -> dict:
    """Return the ``results.json`` of this run, or {} if there is none."""
    try:
        results = json.loads((out / RESULTS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return results if isinstance(results, dict) and _fingerprint(results) == _fingerprint(identity) else {}


def write_results(out: Path, results: dict) -> None:
    """Write ``results.json``, complete or not at all.

    Raises:
        InputError: the disk is full or not writable.
    """
    try:
        write_json(out / RESULTS, results)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; make room and repeat the command") from None


def _fingerprint(identity: dict) -> dict:
    """Return the values that two runs must share to be the same run.

    Model, adapter and dataset count by their content, so the path of a folder may change.
    """
    return {name: identity.get(name) for name in ("name", "task", "config", "limit", "decoding", "content")}
