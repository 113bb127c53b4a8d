"""Answers from a model behind an OpenAI-compatible server or an Inference Provider, for ``arith-puzzle score``.

The replies of the calls are kept in CALLS beside the answers. So a run that was killed pays for no call twice, and its
answers are the same bytes as those of a run without an interruption.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from arith_puzzle.common.endpoint import Endpoint, Engine, Limits
from arith_puzzle.common.reply_store import Reply, Store
from arith_puzzle.evaluation.decoding import Answer, Decoding
from arith_puzzle.evaluation.prompting import Prompting

CALLS = "calls.jsonl"
TOKENS = ("prompt_tokens", "completion_tokens")


class EndpointBackend:
    """A model behind an endpoint. Prompts are conversations; the server applies the chat template.

    Args:
        store: the replies of the run. The caller closes it.
    """

    max_positions: int | None = None  # the server knows

    def __init__(self, endpoint: Endpoint, limits: Limits, store: Store):
        self._engine = Engine(endpoint, store, limits)

    def encode(self, prompting: Prompting, row: dict) -> list[dict]:
        """The conversation that asks a row."""
        return prompting.messages(row)

    def generate(self, prompts: Sequence[list[dict]], decoding: Decoding, seeds: Sequence[int]) -> list[Answer]:
        """Answer a batch of conversations, several at a time. Each call has its own seed, of 31 bits.

        Raises:
            InputError: the endpoint refuses a call, or does not answer. What it answered is kept.
        """
        parameters = {"temperature": decoding.temperature or 0.0, "max_tokens": decoding.max_new_tokens}
        if decoding.top_p != 1:
            parameters["top_p"] = decoding.top_p

        async def ask(item: tuple[list[dict], int]) -> Reply:
            messages, seed = item
            return await self._engine.reply(messages, parameters, seed & 0x7FFFFFFF)

        replies = self._engine.run(list(zip(prompts, seeds, strict=True)), ask, title=None)
        return [Answer(reply.text, _tokens(reply, decoding)) for reply in replies]


def usage(out: Path, price: tuple[float, float]) -> dict:
    """Calls, tokens and cost of a run.

    Args:
        price: US dollars per million prompt tokens and per million completion tokens.
    """
    records = [json.loads(line) for line in (out / CALLS).read_text(encoding="utf-8").splitlines()]
    prompt, completion = (sum(record[name] or 0 for record in records) for name in TOKENS)
    return {
        "calls": len(records),
        "calls_without_usage": sum(record["completion_tokens"] is None for record in records),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cost_usd": round((prompt * price[0] + completion * price[1]) / 1e6, 6),
    }


def _tokens(reply: Reply, decoding: Decoding) -> int:
    """The number of generated tokens; the limit if the answer reached it; 0 if the server does not say."""
    if reply.finish_reason == "length":
        return max(decoding.max_new_tokens, reply.completion_tokens or 0)
    return reply.completion_tokens or 0
