"""Build the prompt of a row (examples, chain of thought, chat), and find the part of an answer that is judged.

Examples and chat are for models that were not trained on the task. In plain text, examples come before the question.
A blank line, SEPARATOR, ends each of them:

    3,6,17:8                 an example's question, in the task's format
    17-6=11                  its answer: the solution of that row
    11-3=8

    9,12,40:19               the question to answer

After its answer such a model often writes another example. Therefore the answer is the text before the first SEPARATOR
that is followed by the task's ``opening``: a blank line alone may be part of an answer. This cut belongs to the prompt
format, not to the verifier. Without examples, and in chat, only an eos token ends an answer.

With chain of thought, an answer has three parts: reasoning, a line that begins with MARKER, and the final answer. Only
the text after the last such line is judged, strictly and leniently. Without such a line the whole answer is judged.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.tasks import MARKER, Task

SEPARATOR = "\n\n"
_MARKED = re.compile(rf"^{MARKER}[ \t]*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Prompting:
    """How rows of ``task`` become prompts. ``examples`` are rows of its train split; ``chat`` None is plain text."""

    task: Task
    examples: Sequence[dict] = ()
    chain_of_thought: bool = False
    chat: Chat | None = None

    @property
    def stop(self) -> str | None:
        """The text that ends an answer, besides an eos token; None if only eos does."""
        return SEPARATOR + self.task.opening if self.examples and not self.chat else None

    def __post_init__(self) -> None:
        for example in self.examples:
            if self.stop and self.stop in self._answer(example):
                raise InputError(f"an example's answer contains {self.stop!r}, which ends an answer; leave out "
                                 f"its row: {self._answer(example)[:60]!r}")  # fmt: skip

    def text(self, row: dict) -> str:
        """Return the prompt as plain text, which the model continues."""
        worked = [self._question(example) + self._answer(example) + SEPARATOR for example in self.examples]
        return "".join(worked) + self._question(row)

    def messages(self, row: dict) -> list[dict[str, str]]:
        """Return the prompt as a conversation. Only in chat."""
        assert self.chat is not None
        examples = [(self._question(example), self._answer(example)) for example in self.examples]
        return self.chat.messages(self._question(row), examples)

    def encode(self, tokenizer, row: dict) -> list[int]:
        """Return the prompt's token ids. In chat the tokenizer's template writes the special tokens.

        Raises:
            InputError: the tokenizer has no chat template, or no tokens for the prompt's characters.
        """
        try:
            if self.chat is None:
                return tokenizer(self.text(row))["input_ids"]
            examples = [(self._question(example), self._answer(example)) for example in self.examples]
            return self.chat.encode(tokenizer, self._question(row), examples)
        except InputError:
            raise
        except Exception as error:  # for an unknown character tokenizers raises Exception itself
            raise InputError(f"the tokenizer cannot write this prompt ({error}); choose another --format") from None

    @property
    def keeps_raw(self) -> bool:
        """Whether the judged text can differ from the model's text, so that both are kept."""
        return self.chain_of_thought or self.task.rewrites

    def judged(self, text: str) -> str:
        """Return the part of an answer that is judged."""
        if self.chain_of_thought:
            return _MARKED.split(text)[-1]
        return self.task.strict(text) if self.keeps_raw else text

    def _question(self, row: dict) -> str:
        question = self.task.chat_question(row) if self.chat else self.task.question(row)
        return question + (self.task.think if self.chain_of_thought else "")

    def _answer(self, row: dict) -> str:
        solution = self.task.solution(row)
        return f"{self.task.reasoning(row)}\n{MARKER}\n{solution}" if self.chain_of_thought else solution


def choose_examples(rows: Sequence[dict], count: int, *, seed: int, group: str | None = None) -> list[dict]:
    """Choose ``count`` different rows: those with the smallest SHA-256 of seed and row. Their order has no effect.

    Args:
        group: a column whose values take turns, smallest first. With "n", puzzles of every size are equally frequent.

    Raises:
        InputError: there are fewer different rows.
    """
    different = {json.dumps(row): row for row in rows}  # train may contain a puzzle twice
    if count > len(different):
        raise InputError(f"--shots {count} needs as many rows of train; there are {len(different)}")
    piles: dict[Any, list[dict]] = {}
    for text in sorted(different, key=lambda text: hashlib.sha256(f"{seed}/{text}".encode()).digest()):
        piles.setdefault(different[text][group] if group else None, []).append(different[text])
    turns = sorted(piles)
    chosen: list[dict] = []
    while len(chosen) < count:
        chosen += [piles[turn].pop(0) for turn in turns if piles[turn]][: count - len(chosen)]
    return chosen
