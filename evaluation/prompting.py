"""What a model is asked, and which part of what it says is judged: shots, chain of thought, chat.

For models that were not trained on the task. In text, examples precede the question, each ended by a blank line:

    3,6,17:8                 the question, as the task writes it
    17-6=11                  its answer: the solution that the row carries
    11-3=8
                             SEPARATOR: a blank line
    9,12,40:19               the question that is asked

Such a model goes on with an example of its own, so its answer is what stands before the first SEPARATOR. That cut is
part of the prompt's format, not of the verifier. A model that is asked without examples, or in chat, ends by eos.

With chain of thought an answer is reasoning, a line that begins with MARKER, and below it the answer proper. What is
judged, strictly and leniently, is what follows the last such line; an answer without one is judged whole.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from arith_puzzle.common.errors import InputError

SEPARATOR = "\n\n"
MARKER = "Answer:"
_MARKED = re.compile(rf"^{MARKER}[ \t]*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Prompting:
    """How rows of ``task`` (see ``arith_puzzle.evaluation.tasks``) are put to a model; ``examples`` are rows of its train split."""

    task: object
    examples: Sequence[dict] = ()
    chain_of_thought: bool = False
    chat: bool = False

    @property
    def stop(self) -> str | None:
        """What ends an answer besides eos."""
        return SEPARATOR if self.examples and not self.chat else None

    def text(self, row: dict) -> str:
        """The prompt in text, for models that go on with it."""
        worked = [self._question(example) + self._answer(example) + SEPARATOR for example in self.examples]
        return "".join(worked) + self._question(row)

    def messages(self, row: dict) -> list[dict[str, str]]:
        """The same as a conversation, examples as earlier turns, ending with the question."""
        turns = []
        for example in self.examples:
            turns.append({"role": "user", "content": self._question(example).strip()})
            turns.append({"role": "assistant", "content": self._answer(example).strip()})
        return [*turns, {"role": "user", "content": self._question(row).strip()}]

    def encode(self, tokenizer, row: dict) -> list[int]:
        """The prompt's token ids; in chat by the tokenizer's template, which writes its own special tokens.

        Raises:
            InputError: the tokenizer has no chat template, or no tokens for the prompt's characters.
        """
        try:
            if not self.chat:
                return tokenizer(self.text(row))["input_ids"]
            if not tokenizer.chat_template:
                raise InputError("--chat needs a tokenizer with a chat template, and this one has none; leave it out")
            whole = tokenizer.apply_chat_template(self.messages(row), tokenize=False, add_generation_prompt=True)
            return tokenizer(whole, add_special_tokens=False)["input_ids"]
        except InputError:
            raise
        except Exception as error:  # tokenizers raises no narrower class for an unknown character
            raise InputError(f"the tokenizer cannot write this prompt ({error}); take another --format") from None

    @property
    def keeps_raw(self) -> bool:
        """Whether what is judged may be another text than what was said."""
        return self.chain_of_thought or getattr(self.task, "rewrites", False)

    def judged(self, text: str) -> str:
        """The part of an answer that is judged."""
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
    """``count`` different ``rows``, the same for the same seed: those of the least SHA-256 of seed and row.

    Args:
        group: a column whose values are taken in turn, smallest first, so that examples with few numbers and with
            many are as frequent as each other.

    Raises:
        InputError: fewer different rows than that.
    """
    different = {json.dumps(row): row for row in rows}  # train may hold a puzzle twice
    if count > len(different):
        raise InputError(f"--shots {count} needs as many rows of train; there are {len(different)}")
    piles: dict[object, list[dict]] = {}
    for text in sorted(different, key=lambda text: hashlib.sha256(f"{seed}/{text}".encode()).digest()):
        piles.setdefault(different[text][group] if group else None, []).append(different[text])
    turns = sorted(piles)
    chosen: list[dict] = []
    while len(chosen) < count:
        chosen += [piles[turn].pop(0) for turn in turns if piles[turn]][: count - len(chosen)]
    return chosen
