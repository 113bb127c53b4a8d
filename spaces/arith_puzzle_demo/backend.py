"""What the demo is given from outside: ``settings.json``, the environment. All of it may be missing."""

from __future__ import annotations

import gc
import json
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.formats import PUZZLE_FORMATS


@dataclass(frozen=True)
class Settings:
    """``settings.json`` beside this file, which staging writes; the environment overrides it."""

    adapter: str | None = None
    adapter_revision: str | None = None
    dataset: str | None = None
    dataset_revision: str | None = None
    config: str = "starter"
    split: str = "test"
    results: str | None = None
    """Folder with results.json, or with folders of them; None: the adapter's own repo or folder."""
    format: str | None = "symbolic"
    """Of ``arith_puzzle.dataset_builder.formats``: how the adapter is asked and its answers read; None: as the adapter's run.json says."""

    @classmethod
    def read(cls, path: Path, environment: dict[str, str]) -> Settings:
        """
        Raises:
            InputError: the file is not JSON of these keys, or names an unknown format.
        """
        values = {}
        if path.is_file():
            try:
                values = dict(json.loads(path.read_text()))
            except (ValueError, TypeError):
                raise InputError(f"{path.name} must be a JSON object: write it again with the stage command") from None
        unknown = sorted(values.keys() - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(f"{path.name} has unknown keys {unknown}: remove them")
        if "format" in values:
            check_format(values["format"], path.name)
        for name in ("adapter", "dataset", "results"):
            if override := environment.get(f"ARITH_PUZZLE_{name.upper()}"):
                values[name] = override
                if name == "adapter":  # the file's format is that of its own adapter
                    values["format"] = None
            elif not values.get(name) or not Path(values[name]).is_dir():
                continue
            if name != "results":  # a revision is of the repo that the file names, not of what stands in its place
                values[f"{name}_revision"] = None
        return cls(**values)


def check_format(name: object, where: str) -> None:
    """Raise InputError unless ``arith_puzzle.dataset_builder.formats`` has this format of puzzles."""
    if name not in PUZZLE_FORMATS:
        known = ", ".join(PUZZLE_FORMATS)
        raise InputError(f"{where}: format is one of {known}; got {str(name)[:30]!r}: write one of these")


def recorded(adapter: str, revision: str | None, name: str) -> dict | None:
    """A JSON file beside an adapter, in its folder or its repo on the Hub; None where there is none.

    Raises:
        OSError, ValueError: it cannot be read, or is not JSON.
    """
    path = Path(adapter) / name
    if not Path(adapter).is_dir():
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        try:
            path = Path(hf_hub_download(adapter, name, revision=revision))
        except EntryNotFoundError:
            return None
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def one_line(error: BaseException) -> str:
    """The first line of an error, short, without anything that looks like a token."""
    text = (str(error).strip().splitlines() or [""])[0]
    text = re.sub(r"\bhf_\w+|(?<=://)[^/\s@]+@", "***", text)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def keep_loaded() -> None:
    """What is loaded by now stays: no garbage collection walks it again. That takes 0.3 s, with all clicks waiting."""
    gc.freeze()


def port(environment: dict[str, str]) -> int:
    """
    Raises:
        InputError: ARITH_PUZZLE_PORT is not a port.
    """
    text = environment.get("ARITH_PUZZLE_PORT", "7860")
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise InputError(f"ARITH_PUZZLE_PORT must be 1 to 65535, not {text[:20]!r}: choose a free port, such as 7860")
    return int(text)


def host(environment: dict[str, str]) -> str:
    """All addresses on a Space, which is reached from outside; loopback anywhere else."""
    return "0.0.0.0" if environment.get("SPACE_ID") else "127.0.0.1"


def environment() -> dict[str, str]:
    return dict(os.environ)
