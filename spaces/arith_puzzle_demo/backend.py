"""What the demo is given from outside: its settings, the model, the dataset. Each may be missing; the rest works on."""

from __future__ import annotations

import json
import os
import random
import re
import threading
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

from logic import Unavailable

from dataset_builder.errors import InputError

MAX_ROWS = 10_000
"""Rows of the split that are held to draw from: the first ones."""
TOKENS_PER_EQUATION = 24
"""With one token a character: three numbers of up to seven digits or so, and their signs."""
MAX_NEW_TOKENS = 192

# Two threads that import these large packages at once can see each other's half-made modules.
_IMPORTS = threading.Lock()


@dataclass(frozen=True)
class Settings:
    """``settings.json`` beside this file, which staging writes; the environment overrides it."""

    adapter: str | None = None
    adapter_revision: str | None = None
    dataset: str | None = None
    dataset_revision: str | None = None
    config: str = "starter"
    split: str = "test"

    @classmethod
    def read(cls, path: Path, environment: dict[str, str]) -> Settings:
        """
        Raises:
            InputError: the file is not JSON of these keys.
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
        for name in ("adapter", "dataset"):
            if override := environment.get(f"ARITH_PUZZLE_{name.upper()}"):
                values |= {name: override, f"{name}_revision": None}
            if values.get(name) and Path(values[name]).is_dir():
                values[f"{name}_revision"] = None
        return cls(**values)


class Model:
    """The adapter on its base, loaded in the background; answers come one at a time."""

    def __init__(self, adapter: str | None, revision: str | None = None):
        self.adapter, self.revision, self.base = adapter, revision, None
        self.state = "loading" if adapter else "none"
        self.reason = "the model is loading" if adapter else "no model is set for this page"
        self._loaded = None
        self._turn = threading.Lock()

    def start(self) -> None:
        if self.adapter:
            threading.Thread(target=self.load, daemon=True).start()

    def load(self) -> None:
        try:
            with _IMPORTS:
                from training.inference import load
            self._loaded = load(adapter=self.adapter, adapter_revision=self.revision)
            self.base = self._loaded[0].peft_config["default"].base_model_name_or_path
            self.state, self.reason = "ready", ""
        except Exception as error:  # whatever it is, the page lives on without the model and says why
            self.state, self.reason = "none", f"the model could not be loaded: {one_line(error)}"

    def status(self) -> dict:
        return {"model": self.state, "reason": self.reason, "adapter": self.adapter, "base": self.base}

    def answer(self, prompt: str, equations: int) -> str:
        """The greedy answer to a prompt that needs so many equations.

        Raises:
            Unavailable: the model is not there, or failed.
        """
        if self.state != "ready":
            raise Unavailable(self.reason)
        from training.inference import answer_batches

        room = min(MAX_NEW_TOKENS, TOKENS_PER_EQUATION * equations + 8)
        try:
            with self._turn:
                return next(answer_batches(*self._loaded, [prompt], max_new_tokens=room))[0]
        except Exception as error:
            raise Unavailable(f"the model could not answer: {one_line(error)}") from None


class Puzzles:
    """Random rows of one split. Read at the first need; after a failure the next need tries again."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._rows: list[dict] = []
        self._reading = threading.Lock()

    def start(self) -> None:
        """Reads ahead, so that the first visitor need not wait."""
        if self.settings.dataset:
            threading.Thread(target=self._try_read, daemon=True).start()

    def _try_read(self) -> None:
        try:
            self.read()
        except Unavailable as error:
            print(error, flush=True)

    def random(self) -> dict:
        """
        Raises:
            Unavailable: no dataset is set, or it cannot be read.
        """
        return random.choice(self.read())

    def read(self) -> list[dict]:
        chosen = self.settings
        if not chosen.dataset:
            raise Unavailable("no dataset is set for this page: type a puzzle of your own")
        with self._reading:
            if not self._rows:
                try:
                    with _IMPORTS:
                        from datasets import load_dataset
                    # Streamed, as else every split of the config would be fetched for the one that is used.
                    rows = load_dataset(
                        chosen.dataset, chosen.config, split=chosen.split, revision=chosen.dataset_revision,
                        streaming=True,
                    ).select_columns(["numbers", "target"])  # fmt: skip
                    self._rows = list(islice(rows, MAX_ROWS))
                except Exception as error:
                    raise Unavailable(f"the dataset could not be read: {one_line(error)}") from None
            if not self._rows:
                raise Unavailable(f"the dataset's split {chosen.config}/{chosen.split} is empty")
            return self._rows


def one_line(error: BaseException) -> str:
    """The first line of an error, short, without anything that looks like a token."""
    text = (str(error).strip().splitlines() or [""])[0]
    text = re.sub(r"\bhf_\w+|(?<=://)[^/\s@]+@", "***", text)
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


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
