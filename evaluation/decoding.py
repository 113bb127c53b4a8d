"""`Decoding`, how an answer is generated, and `Answer`, its text and tokens.

It imports nothing, so that the demo starts quickly.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """How an answer is generated. ``temperature`` None is greedy. The text ``stop`` ends an answer; it is cut off."""

    max_new_tokens: int
    temperature: float | None = None
    top_p: float = 1.0
    stop: str | None = None


@dataclass(frozen=True)
class Answer:
    """The text of an answer, and the number of tokens generated for it, eos and stop included."""

    text: str
    new_tokens: int
