"""Stream the greedy answer to one prompt while the model generates it. The demo shows answers this way.

The whole answer is the same as that of ``arith_puzzle.evaluation.inference.generate``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Event, Thread

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer


class _TokenQueue(BaseStreamer):
    """Passes token ids from the generating thread to the reader. None marks the end."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[list[int] | None] = SimpleQueue()
        self._prompt = True  # generate() passes the prompt first; it is not part of the answer

    def put(self, value: torch.Tensor) -> None:
        if not self._prompt:
            self.queue.put(value.flatten().tolist())
        self._prompt = False

    def end(self) -> None:
        self.queue.put(None)


class _ReaderGone(StoppingCriteria):
    """Stops generation when the reader has closed the iterator."""

    def __init__(self, gone: Event):
        self.gone = gone

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_) -> torch.Tensor:
        return torch.full((len(input_ids),), self.gone.is_set(), dtype=torch.bool, device=input_ids.device)


def stream_answer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt_ids: Sequence[int], *, max_new_tokens: int
) -> Iterator[str]:
    """Yield the text so far after each complete line of the greedy answer, and finally the whole answer.

    Closing the iterator ends the generation within one token.

    Raises:
        Exception: any error of the generating thread, raised in the reading thread.
    """
    tokens, gone = _TokenQueue(), Event()
    failed: list[Exception] = []

    def generate() -> None:
        try:
            stop = StoppingCriteriaList([_ReaderGone(gone)])
            ids = torch.tensor([list(prompt_ids)], device=model.device)
            with torch.inference_mode():
                model.generate(
                    input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False,
                    max_new_tokens=max_new_tokens, streamer=tokens, stopping_criteria=stop,
                )  # fmt: skip
        except Exception as error:
            failed.append(error)
            tokens.end()

    thread = Thread(target=generate, daemon=True)
    thread.start()
    try:
        ids: list[int] = []
        lines = 0
        while (more := tokens.queue.get()) is not None:
            ids += more
            text = tokenizer.decode(ids, skip_special_tokens=True)
            if text.count("\n") > lines:
                lines = text.count("\n")
                yield text
        if failed:
            raise failed[0]
        yield tokenizer.decode(ids, skip_special_tokens=True)
    finally:
        gone.set()
        thread.join()
