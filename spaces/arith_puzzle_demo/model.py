"""The model: an adapter on its base, loaded in the background. It may be missing; the page lives on and says why."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from backend import keep_loaded, one_line
from logic import Unavailable
from zerogpu import ON, gpu

TOKENS_PER_EQUATION = 24
"""With one token a character: three numbers of up to seven digits or so, and their signs."""
MAX_NEW_TOKENS = 192

IMPORTS = threading.Lock()
"""Two threads that import large packages at once can see each other's half-made modules."""

_loaded: tuple | None = None
"""(model, tokenizer). Of the module, because ZeroGPU runs the two functions below in a copy of this process."""


@gpu
def _stream(prompt: str, room: int) -> Iterator[str]:
    from training.stream import stream_answer

    yield from stream_answer(*_loaded, prompt, max_new_tokens=room)


@gpu
def _sample(prompt: str, room: int, count: int, temperature: float | None, seed: int) -> list[str]:
    from training.inference import Decoding, generate

    prompt_ids = _loaded[1](prompt)["input_ids"]
    answers = generate(*_loaded, [prompt_ids] * count, Decoding(room, temperature=temperature), seed=seed)
    return [answer.text for answer in answers]


class Model:
    """There is one in a process, and one answer at a time: ``turns.Turns`` sees to that."""

    def __init__(self, adapter: str | None, revision: str | None = None):
        self.adapter, self.revision, self.base = adapter, revision, None
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

                from training.inference import load
            torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))  # one core stays the page's
            device = "cuda" if torch.cuda.is_available() else "cpu"
            _loaded = load(adapter=self.adapter, adapter_revision=self.revision, device=device)
            self.base = _loaded[0].peft_config["default"].base_model_name_or_path
            self.state, self.reason = "ready", ""
        except Exception as error:  # whatever it is, the page lives on without the model and says why
            self.state, self.reason = "none", f"the model could not be loaded: {one_line(error)}"
        keep_loaded()

    def status(self) -> dict:
        return {"model": self.state, "reason": self.reason, "adapter": self.adapter, "base": self.base}

    def stream(self, prompt: str, equations: int) -> Iterator[str]:
        """The greedy answer to a prompt that needs so many equations, as it grows, line by line; last the whole.

        Raises:
            Unavailable: the model is not there, or failed.
        """
        self._ready()
        try:
            yield from _stream(prompt, _room(equations))
        except Exception as error:
            raise Unavailable(f"the model could not answer: {one_line(error)}") from None

    def sample(self, prompt: str, equations: int, count: int, temperature: float, seed: int) -> list[str]:
        """``count`` answers at a temperature; at 0 one, the greedy. The same seed gives the same. Raises as above."""
        self._ready()
        try:
            return _sample(prompt, _room(equations), count if temperature else 1, temperature or None, seed)
        except Exception as error:
            raise Unavailable(f"the model could not answer: {one_line(error)}") from None

    def _ready(self) -> None:
        if self.state != "ready":
            raise Unavailable(self.reason)


def _room(equations: int) -> int:
    return min(MAX_NEW_TOKENS, TOKENS_PER_EQUATION * equations + 8)
