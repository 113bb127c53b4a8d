"""Settings of the demo, from ``settings.json`` and the environment, all optional; and helpers that modules share."""

from __future__ import annotations

import gc
import json
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path

from pydantic.dataclasses import dataclass as strict_dataclass

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.strict_yaml import STRICT, build
from arith_puzzle.dataset_builder.formats import PUZZLE_FORMATS
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of


@strict_dataclass(frozen=True, config=STRICT)
class Along:
    """A further adapter of the page: Hub id or folder, revision, and format of its prompts and answers."""

    adapter: str
    adapter_revision: str | None = None
    format: str | None = None
    """None: the one in the adapter's run.json."""


@dataclass(frozen=True)
class Settings:
    """The settings in ``settings.json``, beside this file. A release writes it; environment variables override it."""

    adapter: str | None = None
    adapter_revision: str | None = None
    dataset: str | None = None
    dataset_revision: str | None = None
    config: str = "starter"
    split: str = "test"
    results: str | None = None
    """Folder with results.json, or with subfolders that have one. None: the adapter's own repo or folder."""
    format: str | None = "symbolic"
    """Format of prompts and answers, from ``dataset_builder.formats``. None: the one in the adapter's run.json."""
    chat: Chat | None = None
    """Write prompts by the tokenizer's chat template. None: plain text, or what run.json says if ``format`` is None."""
    model: str | None = None
    """A whole model, such as a merged one, instead of an adapter."""
    rules: dict[str, str] | None = None
    """Rule, division and form of ``verify``. None: those that the dataset's rows state, else the paper's."""
    comparison: str | None = None
    """File with the scores of several models on the same rows, beside settings.json. None: there is none."""
    along: tuple[Along, ...] = ()
    """Further adapters, from which visitors can choose. The page begins with the first of them."""

    @classmethod
    def read(cls, path: Path, environment: dict[str, str]) -> Settings:
        """Read the file, if there is one, and apply the environment.

        Raises:
            InputError: the file is not a JSON object of these keys, or names an unknown format.
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
        values["along"] = _further(values.get("along", []), path.name)
        values["chat"] = make_chat(values.get("chat"), path.name)
        try:
            rules_of(values.get("rules") or {})
        except (ValueError, AttributeError) as error:
            raise InputError(f"{path.name}: rules: {error}: write it again with the stage command") from None
        for name in ("model", "adapter", "dataset", "results"):
            if override := environment.get(f"ARITH_PUZZLE_{name.upper()}"):
                values[name] = override
                if name != "dataset":
                    values["comparison"] = None  # it is of the adapter in the file
                if name in ("model", "adapter"):  # the format in the file belongs to the adapter in the file
                    values |= {"format": None, "model": None, "adapter": None, "along": (), name: override}
            elif not values.get(name) or not Path(values[name]).is_dir():
                continue
            # A revision belongs to the repo in the file, not to a folder or another repo.
            if name in ("adapter", "dataset"):
                values[f"{name}_revision"] = None
        if values.get("comparison"):
            values["comparison"] = str(path.parent / str(values["comparison"]))
        return cls(**values)


def _further(values: object, where: str) -> tuple[Along, ...]:
    """The adapters in ``along`` of a settings.json. Raises InputError if they are no list of objects with its keys."""
    if not isinstance(values, list) or not all(isinstance(each, dict) and each.get("adapter") for each in values):
        raise InputError(f"{where}: along is a list of objects with an adapter: write it again with the stage command")
    found = tuple(build(where, "along.", Along, each) for each in values)
    for each in found:
        if each.format is not None:
            check_format(each.format, where)
    return found


def check_format(name: object, where: str) -> None:
    """Raise InputError unless ``dataset_builder.formats`` has this format of puzzles. ``where`` names its source."""
    if name not in PUZZLE_FORMATS:
        known = ", ".join(PUZZLE_FORMATS)
        raise InputError(f"{where}: format is one of {known}; got {str(name)[:30]!r}: write one of these")


def make_chat(values: object, where: str) -> Chat | None:
    """The chat of a settings.json or a run.json. Raises InputError if its keys are not those of ``Chat``."""
    return None if values is None else build(where, "chat.", Chat, values)


def recorded(adapter: str, revision: str | None, name: str) -> dict | None:
    """A JSON file in an adapter's folder or its repo on the Hub; None if there is none.

    Raises:
        OSError, ValueError: the file cannot be read or is not JSON.
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
    """The first line of an error, shortened, with tokens masked."""
    text = (str(error).strip().splitlines() or [""])[0]
    text = re.sub(r"\bhf_\w+|(?<=://)[^/\s@]+@", "***", text)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def keep_loaded() -> None:
    """Exclude all present objects from garbage collection: a collection of them takes 0.3 s and blocks all clicks."""
    gc.freeze()


def port(environment: dict[str, str]) -> int:
    """The port to listen on: ARITH_PUZZLE_PORT, or 7860. Raises InputError if it is not a port."""
    text = environment.get("ARITH_PUZZLE_PORT", "7860")
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise InputError(f"ARITH_PUZZLE_PORT must be 1 to 65535, not {text[:20]!r}: choose a free port, such as 7860")
    return int(text)


def host(environment: dict[str, str]) -> str:
    """The address to listen on: all addresses on a Space, which is reached from outside; elsewhere loopback."""
    return "0.0.0.0" if environment.get("SPACE_ID") else "127.0.0.1"


def environment() -> dict[str, str]:
    """A copy of the environment variables."""
    return dict(os.environ)
