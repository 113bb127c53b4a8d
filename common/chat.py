"""Conversations in a tokenizer's chat template: the prompt of a question, and the token that ends an answer.

Training, scoring, the cards and the demo build their prompts here, so that a model sees the same tokens everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Any

from pydantic.dataclasses import dataclass

from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.common.strict_yaml import STRICT

_SYSTEM, _QUESTION, _ANSWER = "6666666", "7777777", "8888888"
"""Texts of which a template is rendered to find out how it works. No template contains them."""
_TODAY = "<today's date>"
_UNDATED = f"{{% macro strftime_now(format) %}}{_TODAY}{{% endmacro %}}\n"
"""Before a template, it hides transformers' function of that name: the date is another one in scoring."""


@dataclass(frozen=True, config=STRICT)
class Chat:
    """How a question becomes a conversation.

    Attributes:
        system: text of the system's turn; None: no such turn.
        template_kwargs: further variables of the chat template, such as ``enable_thinking: false`` for Qwen3.
    """

    system: str | None = None
    template_kwargs: dict[str, Any] = field(default_factory=dict)

    def messages(self, question: str, examples: Sequence[tuple[str, str]] = ()) -> list[dict[str, str]]:
        """The conversation as messages: the system's turn, (question, answer) of each example, and the question."""
        turns = [("system", self.system)] if self.system is not None else []
        for asked, answered in examples:
            turns += [("user", asked.strip()), ("assistant", answered.strip())]
        return [{"role": role, "content": text} for role, text in [*turns, ("user", question.strip())]]

    def prompt(self, tokenizer, question: str, examples: Sequence[tuple[str, str]] = ()) -> str:
        """The text that the model continues with its answer. It contains the special tokens of the template.

        Raises:
            InputError: the tokenizer has no chat template, or the template refuses the conversation or writes the date
                of this day.
        """
        text = self._render(tokenizer, self.messages(question, examples), add_generation_prompt=True)
        if _TODAY in text:
            remedy = "remove strftime_now from the template"
            if "date_string" in str(tokenizer.chat_template):
                remedy = "set chat.template_kwargs: {date_string: 26 Jul 2024} in the recipe, and the same in scoring"
            raise InputError(f"the chat template writes today's date, which is another one in scoring; {remedy}")
        return text

    def encode(self, tokenizer, question: str, examples: Sequence[tuple[str, str]] = ()) -> list[int]:
        """The token ids of ``prompt``."""
        return tokenizer(self.prompt(tokenizer, question, examples), add_special_tokens=False)["input_ids"]

    def probe(self, tokenizer) -> str:
        """The prompt of a made-up question: with the template, what its prompts depend on.

        Raises:
            InputError: the template drops the question or the system's turn, or an error of ``prompt``.
        """
        prompt = self.prompt(tokenizer, _QUESTION)
        if _QUESTION not in prompt:
            raise InputError("the chat template drops the user's turn, so the model would not see the question; train "
                             "and score without chat")  # fmt: skip
        if self.system and _SYSTEM not in replace(self, system=_SYSTEM).prompt(tokenizer, _QUESTION):
            raise InputError("the chat template drops the system's turn; leave out the system prompt")
        return prompt

    def check(self, tokenizer) -> None:
        """Check that a whole conversation is its prompt, the answer and a special token, as training needs it.

        Raises:
            InputError: the template writes another text between prompt and answer, or changes the prompt when the
                answer is there; no special token follows the answer; or an error of ``probe``.
        """
        prompt = self.probe(tokenizer)
        answer = {"role": "assistant", "content": _ANSWER}
        whole = self._render(tokenizer, [*self.messages(_QUESTION), answer])
        if not whole.startswith(prompt + _ANSWER):
            remedy = "leave out chat.system" if self.system is not None else "train without 'chat'"
            if "enable_thinking" in str(tokenizer.chat_template) and "enable_thinking" not in self.template_kwargs:
                remedy = "set chat.template_kwargs: {enable_thinking: false}"
            raise InputError(f"the chat template writes {whole[-60:]!r}, which is not the prompt {prompt[-40:]!r} and "
                             f"the answer; {remedy}")  # fmt: skip
        if end_of_turn(tokenizer) is None:
            raise InputError("the chat template ends an answer without a special token, so a model would not stop; "
                             "train without 'chat'")  # fmt: skip

    def _render(self, tokenizer, messages: list[dict[str, str]], **options) -> str:
        from jinja2 import TemplateError

        if not tokenizer.chat_template:
            raise InputError("the tokenizer has no chat template; train and score without chat")
        try:
            template = tokenizer.get_chat_template()
            if "strftime_now" in template:
                options["chat_template"] = _UNDATED + template
            return tokenizer.apply_chat_template(messages, tokenize=False, **options, **self.template_kwargs)
        except (TemplateError, ValueError, TypeError) as error:
            remedy = "; leave out the system prompt" if self.system is not None else ""
            raise InputError(f"the chat template refuses the conversation: {first_line(error)}{remedy}") from None


def end_of_turn(tokenizer) -> int | None:
    """The id of the special token that ends an answer in the tokenizer's chat template; None if there is none."""
    if not tokenizer.chat_template:
        return None
    turns = [{"role": "user", "content": _QUESTION}, {"role": "assistant", "content": _ANSWER}]
    try:
        tail = Chat()._render(tokenizer, turns).rpartition(_ANSWER)[2]
    except InputError:
        return None
    first = tokenizer(tail.lstrip(), add_special_tokens=False)["input_ids"][:1]
    return first[0] if first and tokenizer.convert_ids_to_tokens(first[0]) in special_tokens(tokenizer) else None


def special_tokens(tokenizer) -> list[str]:
    """The special tokens of a tokenizer's vocabulary, in the order of their ids."""
    return [str(token) for _, token in sorted(tokenizer.added_tokens_decoder.items()) if token.special]
