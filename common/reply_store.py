"""Store model replies in an append-only JSONL file, so that no call is paid for twice.

Every record is on the disk before the next call. A record's key is a hash of everything that determines the call. With
the same source and settings, a later run builds the same dataset from this file, without a call. The file contains no
API keys and no addresses.
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
    """A model's reply.

    Attributes:
        text: the message.
        finish_reason: why the model stopped, such as ``stop`` or ``length``.
        prompt_tokens, completion_tokens: token counts; None if the server does not report them.
    """

    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None


def call_key(model: str, parameters: dict, messages: list[dict], seed: int) -> str:
    """SHA-256 (hex) over the canonical JSON of everything that determines a call."""
    call = {"model": model, "parameters": parameters, "messages": messages, "seed": seed}
    return hashlib.sha256(json.dumps(call, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Store:
    """A store file, locked for this process. It is a context manager.

    A killed run can leave an incomplete last line, which is removed on opening. If any other line is not a record, the
    store refuses the file and leaves it unchanged.

    Attributes:
        path: the file.
        repaired: number of bytes of an incomplete last line that were removed on opening.

    Raises:
        InputError: the file cannot be opened, is in use, or contains a line that is not a record.
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
        """The stored reply to a call, or None."""
        if key not in self._offsets:
            return None
        self._file.seek(self._offsets[key])
        return _reply(json.loads(self._file.readline()))

    def add(self, key: str, reply: Reply) -> None:
        """Append a reply and wait until it is on the disk. Raises InputError if it cannot be written."""
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write((json.dumps({"key": key} | asdict(reply), ensure_ascii=True) + "\n").encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(
                f"cannot write the store {self.path}: {error.strerror}; free space and run again"
            ) from None
        self._offsets[key] = end

    def _index(self) -> dict[str, int]:
        """The offset of each record. Removes an incomplete last line."""
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
                    f"{self.path}:{number} is not a record of a run; the file is unchanged: restore it, or delete line"
                    f" {number} to repeat its call"
                ) from None
            offsets[key] = offset
            offset += len(line)
        return offsets


def _reply(record: dict) -> Reply:
    """Parse a record. Raises KeyError or TypeError if it is malformed."""
    reply = Reply(record["text"], record["finish_reason"], record["prompt_tokens"], record["completion_tokens"])
    texts, counts = (reply.text, reply.finish_reason), (reply.prompt_tokens, reply.completion_tokens)
    if not all(isinstance(text, str) for text in texts) or not all(n is None or type(n) is int for n in counts):
        raise TypeError
    return reply
