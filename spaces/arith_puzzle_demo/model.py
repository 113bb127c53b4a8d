"""The models: adapters on their bases, loaded in the background. If there is none, the page works without it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import searched
from backend import Settings, check_format, keep_loaded, make_chat, one_line, recorded
from logic import Unavailable
from zerogpu import ON, gpu

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError

TOKENS_PER_EQUATION = 24
"""Enough for three numbers of about seven digits and their signs, at one token per character."""
MAX_NEW_TOKENS = 192
SEARCH_TOKENS = 700
"""Token limit of a search, if the adapter's results.json does not state the limit it was scored with."""

IMPORTS = threading.Lock()
"""Hold this while importing large packages: threads that import at once can see half-imported modules."""

_loaded: dict[str, tuple] = {}
"""Name of a model -> (model, tokenizer). A global, because ZeroGPU runs the two functions below in a fork of this
process."""


@gpu
def _stream(name: str, prompt_ids: list[int], room: int) -> Iterator[str]:
    from arith_puzzle.evaluation.streaming import stream_answer

    yield from stream_answer(*_loaded[name], prompt_ids, max_new_tokens=room)


@gpu
def _sample(name: str, prompt_ids: list[int], room: int, count: int, temperature: float | None, seed: int) -> list[str]:
    from arith_puzzle.evaluation.inference import Decoding, generate

    answers = generate(*_loaded[name], [prompt_ids] * count, Decoding(room, temperature=temperature), seed=seed)
    return [answer.text for answer in answers]


class Model:
    """A model of this process. It writes one answer at a time; ``turns.Turns`` makes visitors wait."""

    def __init__(
        self, adapter: str | None, revision: str | None = None, form: str | None = "symbolic",
        chat: Chat | None = None, whole: str | None = None,
    ):  # fmt: skip
        """
        Args:
            adapter: Hub id or folder; None: the model is ``whole``, or there is none.
            revision: of the adapter's Hub repo.
            form: format of prompts and answers, a key of ``formats.FORMATS``; None: the one in the adapter's run.json,
                with its chat.
            chat: write prompts by the tokenizer's chat template; None: plain text.
            whole: Hub id or folder of a model that needs no adapter, such as a merged one.
        """
        self.name = adapter or whole or ""
        self.adapter, self.revision, self.base = adapter, revision, None if adapter else whole
        self._form, self._chat, self._search_tokens = form, chat, SEARCH_TOKENS
        self.state = "loading" if adapter or whole else "none"
        self.reason = "the model is loading" if adapter or whole else "no model is set for this page"

    def load(self) -> None:
        """Load the model, if there is one. If that fails, ``state`` is "none" and ``reason`` says why."""
        if self.state == "none":
            return
        try:
            with IMPORTS:
                import torch

                from arith_puzzle.evaluation.inference import adapter_config, load
            torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))  # leave one core for the page
            device = "cuda" if torch.cuda.is_available() else "cpu"
            self._read_records()
            merge = bool(self.adapter) and self.searches  # it is faster, and a search is long
            _loaded[self.name] = load(
                self.base, adapter=self.adapter, adapter_revision=self.revision, device=device, merge=merge
            )
            if self.adapter:
                self.base = adapter_config(self.adapter, self.revision)["base_model_name_or_path"]
            self.state, self.reason = "ready", ""
        except Exception as error:  # the page works without a model, whatever the error is
            self.state, self.reason = "none", f"the model could not be loaded: {one_line(error)}"
        keep_loaded()

    def _read_records(self) -> None:
        """Read the model's answer format and the token limit that it was scored with."""
        place = self.adapter or self.base
        if self._form is None:
            recipe = (recorded(place, self.revision, "run.json") or {}).get("recipe") or {}
            self._form = (recipe.get("score") or {}).get("format", "symbolic")
            check_format(self._form, "run.json")
            self._chat = make_chat(recipe.get("chat"), "run.json")
        if self.searches:
            self._search_tokens = _tokens_of(recorded(place, self.revision, "results.json"))

    @property
    def form(self) -> str:
        """Format of prompts and answers, a key of ``formats.FORMATS``. Raises Unavailable if there is no model."""
        self._ready()
        return self._form

    @property
    def searches(self) -> bool:
        """Whether the model writes a search before its answer."""
        return self._form == searched.FORMAT

    def status(self) -> dict:
        """The state for the page and the API: ``model`` ("ready", "loading" or "none"), ``reason``, names."""
        return {"model": self.state, "reason": self.reason, "adapter": self.adapter, "base": self.base}

    def stream(self, prompt: str, equations: int) -> Iterator[str]:
        """Yield the greedy answer while it grows: the text after each line, and finally the whole text.

        Args:
            equations: number of equations in a solution; it limits the length of the answer.

        Raises:
            Unavailable: there is no model, or it failed.
        """
        self._ready()
        try:
            prompt_ids = self._encode(prompt)
            yield from _stream(self.name, prompt_ids, self._room(prompt_ids, equations))
        except Exception as error:
            raise Unavailable(f"the model could not answer: {one_line(error)}") from None

    def sample(self, prompt: str, equations: int, count: int, temperature: float, seed: int) -> list[str]:
        """Sample ``count`` answers; at temperature 0 only one, the greedy answer. The same seed repeats the answers.

        Raises:
            Unavailable: there is no model, or it failed.
        """
        self._ready()
        try:
            prompt_ids = self._encode(prompt)
            room = self._room(prompt_ids, equations)
            return _sample(self.name, prompt_ids, room, count if temperature else 1, temperature or None, seed)
        except Exception as error:
            raise Unavailable(f"the model could not answer: {one_line(error)}") from None

    def _ready(self) -> None:
        if self.state != "ready":
            raise Unavailable(self.reason)

    def _encode(self, prompt: str) -> list[int]:
        tokenizer = _loaded[self.name][1]
        return self._chat.encode(tokenizer, prompt) if self._chat else tokenizer(prompt)["input_ids"]

    def _room(self, prompt_ids: list[int], equations: int) -> int:
        """Maximum number of new tokens. Together with the prompt it never exceeds the model's positions."""
        room = min(MAX_NEW_TOKENS, TOKENS_PER_EQUATION * equations + 8)
        if self.searches:
            room = self._search_tokens
        positions = getattr(_loaded[self.name][0].config.get_text_config(), "max_position_embeddings", None)
        if positions:
            room = min(room, positions - len(prompt_ids))
        if room < 1:
            raise ValueError(f"the puzzle is longer than its {positions} positions")
        return room


class Models:
    """The models of the page, one or several, each with a name of its own. They are loaded one after another.

    The first one answers where no name is given.
    """

    def __init__(self, models: list[Model]):
        self.models = models

    @classmethod
    def of(cls, settings: Settings) -> Models:
        """The models of a settings.json: those of ``along`` come first."""
        along = [Model(each.adapter, each.adapter_revision, each.format) for each in settings.along]
        own = Model(settings.adapter, settings.adapter_revision, settings.format, settings.chat, settings.model)
        return cls([*along, *([own] if own.name or not along else [])])

    def start(self) -> None:
        """Load the models: in the background, but on ZeroGPU at once."""
        if ON:
            self._load()
        else:
            threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> None:
        for model in self.models:
            model.load()

    def find(self, name: object) -> Model:
        """The model of that name; the first one if the name is empty. Raises InputError if there is no such model."""
        found = next((model for model in self.models if name in (model.name, "", None)), None)
        if found is None:
            known = ", ".join(filter(None, (model.name for model in self.models)))
            raise InputError(f"the models of this page are {known or 'none'}; got {str(name)[:60]!r}")
        return found

    @property
    def loading(self) -> bool:
        """Whether a model is not loaded yet."""
        return any(model.state == "loading" for model in self.models)

    def status(self) -> dict:
        """The state of the first model, and in ``models`` that of each; see ``Model.status``."""
        return self.models[0].status() | {
            "models": [model.status() | {"searches": model.searches} for model in self.models]
        }


def _tokens_of(results: dict | None) -> int:
    """decoding.max_new_tokens of a results.json, which holds one run, or a base and an adapter."""
    results = results or {}
    run = results if "splits" in results else results.get("adapter") or {}
    return (run.get("decoding") or {}).get("max_new_tokens") or SEARCH_TOKENS
