"""The replies that were paid for: an append-only JSONL file, written through to the disk record by record.

A reply's key is a hash of all that determines the call, so that no call is made twice, and the file is
all that a later run needs to come to the same dataset. It holds neither keys nor addresses.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from arith_puzzle.common.errors import InputError

_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Reply:
    """What a model said. Token counts are None where the server did not tell."""

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None


def call_key(model: str, parameters: dict, messages: list[dict], seed: int) -> str:
    """SHA-256, hex, over the canonical JSON of what determines a call."""
    call = {"model": model, "parameters": parameters, "messages": messages, "seed": seed}
    return hashlib.sha256(json.dumps(call, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Store:
    """A store that is open for this process alone; a context manager.

    A last line that a kill cut short is removed. Anything else that is not a record is refused, and nothing is
    written then.

    Attributes:
        repaired: bytes of a cut last line that were removed on opening.

    Raises:
        InputError: a file that cannot be opened, is in use, or holds what no run has written.
    """

    def __init__(self, path: Path):
        self.path = path
        self.repaired = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise InputError(f"cannot open the store {path}: {error.strerror}; give another --store") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._offsets = self._index()
        except BlockingIOError:
            self._file.close()
            raise InputError(f"the store {path} is in use by another run; wait, or give another --store") from None
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._offsets)

    def get(self, key: str) -> Reply | None:
        """The reply to a call, or None if there is none yet."""
        if key not in self._offsets:
            return None
        self._file.seek(self._offsets[key])
        return _reply(json.loads(self._file.readline()))

    def add(self, key: str, reply: Reply) -> None:
        """Append a reply and return once it is on the disk. Raises InputError if it cannot be written."""
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write((json.dumps({"key": key} | asdict(reply), ensure_ascii=True) + "\n").encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(f"cannot write the store {self.path}: {error.strerror}; free space and go on") from None
        self._offsets[key] = end

    def _index(self) -> dict[str, int]:
        """Where each record begins; cuts off a last line without its end."""
        offsets: dict[str, int] = {}
        self._file.seek(0)
        offset = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                self.repaired = len(line)
                self._file.truncate(offset)
                break
            try:
                record = json.loads(line)
                _reply(record)
                key = record["key"]
                if not _KEY.fullmatch(key) or key in offsets:
                    raise ValueError
            except (ValueError, KeyError, TypeError, RecursionError):
                raise InputError(
                    f"{self.path}:{number} is no record of a run; nothing was changed: restore the file or delete line"
                    f" {number}, whose call is then made again"
                ) from None
            offsets[key] = offset
            offset += len(line)
        return offsets


def _reply(record: dict) -> Reply:
    reply = Reply(record["text"], record["finish_reason"], record["prompt_tokens"], record["completion_tokens"])
    texts, counts = (reply.text, reply.finish_reason), (reply.prompt_tokens, reply.completion_tokens)
    if not all(isinstance(text, str) for text in texts) or not all(n is None or type(n) is int for n in counts):
        raise TypeError
    return reply
