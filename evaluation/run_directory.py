"""The folder of a score: whose it is (score.json, locked while in use), and results.json, which comes last."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import IO

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_json

RESULTS = "results.json"


def claim(out: Path, identity: dict) -> IO[str]:
    """Say whose folder this is, and lock it. Returns the open file; the lock lasts until it is closed.

    Raises:
        InputError: it holds another run's answers, another process is at it, or it cannot be written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / "score.json").open("a+")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.seek(0)
        earlier = _parsed(file.read())
        if earlier is None:  # a new folder, or a process was killed before it had said whose this is
            file.truncate(0)
            file.write(json.dumps(identity, indent=1, sort_keys=True) + "\n")
            file.flush()
        elif _fingerprint(earlier) != _fingerprint(identity):
            file.close()
            raise InputError(f"{out} holds the scores of another run; give another --out, or delete it")
        return file
    except BlockingIOError:
        raise InputError(f"another process is scoring into {out}; wait for it, or give another --out") from None
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; give another --out") from None


def before(out: Path, identity: dict) -> dict:
    """The results that are there already, or {} where there are none of this run."""
    path = out / RESULTS
    earlier = _parsed(path.read_text()) if path.is_file() else None
    return earlier if earlier and _fingerprint(earlier) == _fingerprint(identity) else {}


def write_results(out: Path, results: dict) -> None:
    """Write results.json, whole or not at all.

    Raises:
        InputError: the disk is full, or not to be written to.
    """
    try:
        write_json(out / RESULTS, results)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; make room and repeat the command") from None


def _fingerprint(identity: dict) -> dict:
    """What makes two runs the same: where a folder lies does not matter, what is in it does."""
    names = ("name", "task", "config", "limit", "decoding", "model_revision", "adapter_revision", "sources")
    kept = {name: identity.get(name) for name in names}
    return kept | {name: identity.get(name) for name, known in identity.get("sources", {}).items() if known is None}


def _parsed(text: str) -> dict | None:
    try:
        return json.loads(text)
    except ValueError:
        return None
