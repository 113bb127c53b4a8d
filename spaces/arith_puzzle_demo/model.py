"""The model: an adapter on its base, loaded in the background. It may be missing; the page lives on and says why."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import searched
from backend import check_format, keep_loaded, one_line, recorded
from logic import Unavailable
from zerogpu import ON, gpu

TOKENS_PER_EQUATION = 24
"""With one token a character: three numbers of up to seven digits or so, and their signs."""
MAX_NEW_TOKENS = 192
SEARCH_TOKENS = 700
"""For an answer that searches, where the adapter's results.json does not say how many it was scored with."""

IMPORTS = threading.Lock()
"""Two threads that import large packages at once can see each other's half-made modules."""

_loaded: tuple | None = None
"""(model, tokenizer). Of the module, because ZeroGPU runs the two functions below in a copy of this process."""


@gpu
def _stream(prompt: str, room: int) -> Iterator[str]:
    from arith_puzzle.evaluation.streaming import stream_answer

    yield from stream_answer(*_loaded, prompt, max_new_tokens=room)


@gpu
def _sample(prompt: str, room: int, count: int, temperature: float | None, seed: int) -> list[str]:
    from arith_puzzle.evaluation.inference import Decoding, generate

    prompt_ids = _loaded[1](prompt)["input_ids"]
    answers = generate(*_loaded, [prompt_ids] * count, Decoding(room, temperature=temperature), seed=seed)
    return [answer.text for answer in answers]


class Model:
    """There is one in a process, and one answer at a time: ``turns.Turns`` sees to that."""

    def __init__(self, adapter: str | None, revision: str | None = None, form: str | None = "symbolic"):
        """form: a key of ``arith_puzzle.dataset_builder.formats.FORMATS``; None takes it from the adapter's run.json."""
        self.adapter, self.revision, self.base = adapter, revision, None
        self._form, self._search_tokens = form, SEARCH_TOKENS
        self.state = "loading" if adapter else "none"
        self.reason = "the model is loading" if adapter else "no model is set for this page"

    def start(self) -> None:
        if not self.adapter:
            return
        if ON:
            self.load()
        else:
            threading.Thread(target=self.load, daemon=True).start()

    def load(self) -> None:
        global _loaded
        try:
            with IMPORTS:
                import torch

                from arith_puzzle.evaluation.inference import load
            torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))  # one core stays the page's
            device = "cuda" if torch.cuda.is_available() else "cpu"
            _loaded = load(adapter=self.adapter, adapter_revision=self.revision, device=device)
            self._read_records()
            self.base = _loaded[0].peft_config["default"].base_model_name_or_path
            self.state, self.reason = "ready", ""
        except Exception as error:  # whatever it is, the page lives on without the model and says why
            self.state, self.reason = "none", f"the model could not be loaded: {one_line(error)}"
        keep_loaded()

    def _read_records(self) -> None:
        """How the adapter was trained to answer, and with how much room it was scored."""
        if self._form is None:
            self._form = _form_of(recorded(self.adapter, self.revision, "run.json"))
            check_format(self._form, "run.json")
        if self.searches:
            self._search_tokens = _tokens_of(recorded(self.adapter, self.revision, "results.json"))

    @property
    def form(self) -> str:
        """How it is asked and answers, a key of ``arith_puzzle.dataset_builder.formats.FORMATS``. Raises Unavailable: it is not there."""
        self._ready()
        return self._form

    @property
    def searches(self) -> bool:
        """Does it search before it answers?"""
        return self._form == searched.FORMAT

    def status(self) -> dict:
        return {"model": self.state, "reason": self.reason, "adapter": self.adapter, "base": self.base}

    def stream(self, prompt: str, equations: int) -> Iterator[str]:
        """The greedy answer to a prompt that needs so many equations, as it grows, line by line; last the whole.

        Raises:
            Unavailable: the model is not there, or failed.
        """
        self._ready()
        try:
            yield from _stream(prompt, self._room(prompt, equations))
        except Exception as error:
            raise Unavailable(f"the model could not answer: {one_line(error)}") from None

    def sample(self, prompt: str, equations: int, count: int, temperature: float, seed: int) -> list[str]:
        """``count`` answers at a temperature; at 0 one, the greedy. The same seed gives the same. Raises as above."""
        self._ready()
        try:
            room = self._room(prompt, equations)
            return _sample(prompt, room, count if temperature else 1, temperature or None, seed)
        except Exception as error:
            raise Unavailable(f"the model could not answer: {one_line(error)}") from None

    def _ready(self) -> None:
        if self.state != "ready":
            raise Unavailable(self.reason)

    def _room(self, prompt: str, equations: int) -> int:
        """New tokens for an answer; with the prompt they are no more than the model has positions."""
        room = min(MAX_NEW_TOKENS, TOKENS_PER_EQUATION * equations + 8)
        if self.searches:
            room = self._search_tokens
        model, tokenizer = _loaded
        positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        if positions:
            room = min(room, positions - len(tokenizer(prompt)["input_ids"]))
        if room < 1:
            raise ValueError(f"the puzzle is longer than its {positions} positions")
        return room


def _form_of(run: dict | None) -> str:
    """recipe.score.format of a run.json; "symbolic" where it says nothing."""
    return (((run or {}).get("recipe") or {}).get("score") or {}).get("format", "symbolic")


def _tokens_of(results: dict | None) -> int:
    """decoding.max_new_tokens of a results.json, which is of one run or of base and adapter."""
    results = results or {}
    run = results if "splits" in results else results.get("adapter") or {}
    return (run.get("decoding") or {}).get("max_new_tokens") or SEARCH_TOKENS
