"""The greedy answer to one prompt as it grows, for the demo: the one that ``inference.answer_batches`` gives."""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Event, Thread

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer


class _Tokens(BaseStreamer):
    """Hands token ids from the generating thread to the reading one; first comes the prompt, last None."""

    def __init__(self):
        self.queue: SimpleQueue = SimpleQueue()
        self._prompt = True

    def put(self, value: torch.Tensor) -> None:
        if not self._prompt:
            self.queue.put(value.flatten().tolist())
        self._prompt = False

    def end(self) -> None:
        self.queue.put(None)


class _Left(StoppingCriteria):
    """Ends generation once nobody reads any more."""

    def __init__(self, left: Event):
        self.left = left

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_) -> torch.Tensor:
        return torch.full((len(input_ids),), self.left.is_set(), dtype=torch.bool, device=input_ids.device)


def stream_answer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str, *, max_new_tokens: int
) -> Iterator[str]:
    """The greedy answer so far, each time that another of its lines is complete; last the whole answer.

    A consumer that closes the iterator ends the generation within one token.

    Raises:
        whatever generation raises, in the reading thread.
    """
    tokens, left, failed = _Tokens(), Event(), []

    def generate() -> None:
        try:
            stop = StoppingCriteriaList([_Left(left)])
            encoded = tokenizer([prompt], return_tensors="pt").to(model.device)
            with torch.inference_mode():
                model.generate(
                    input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"], do_sample=False,
                    max_new_tokens=max_new_tokens, streamer=tokens, stopping_criteria=stop,
                )  # fmt: skip
        except Exception as error:
            failed.append(error)
            tokens.end()

    thread = Thread(target=generate, daemon=True)
    thread.start()
    try:
        ids, lines = [], 0
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
        left.set()
        thread.join()
