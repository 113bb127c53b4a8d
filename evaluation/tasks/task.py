"""`Task`, the base class of the tasks of ``arith-puzzle score``: reading rows, asking, judging."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Task(ABC):
    """What a task defines. A row is a dict of the columns that the task needs."""

    config: str | None = None
    """The dataset's default config."""
    formats: tuple[str, ...]
    """Prompt formats; the first is the default."""
    max_new_tokens: int
    """Default limit of an answer, in tokens."""
    max_thinking_tokens: int
    """The same for an answer with chain of thought."""
    group: str | None = None
    """The column by which examples are balanced."""
    opening: str = ""
    """The text with which every question begins; empty if there is none."""
    think: str = ""
    """Text that asks for a chain of thought, after the question."""
    rewrites: bool = False
    """Whether ``strict`` may change an answer before it is judged."""

    def __init__(self, prompt_format: str):
        """``prompt_format`` is one of ``formats``."""
        self.prompt_format = prompt_format

    @staticmethod
    @abstractmethod
    def row(raw: dict) -> dict:
        """Keep the columns of a dataset's row that the task needs. Raises KeyError or ValueError if one is bad."""

    def rules(self, rows: Sequence[dict]) -> dict[str, str]:
        """Return the rules under which rows are judged, for results.json. Only puzzles have them.

        Raises:
            ValueError: the rows have different rules, or the prompt format cannot ask by them.
        """
        return {}

    @staticmethod
    @abstractmethod
    def record(row: dict) -> dict:
        """Return the columns of a row that the file of answers repeats."""

    @abstractmethod
    def question(self, row: dict) -> str:
        """Return the prompt that a model continues."""

    @abstractmethod
    def chat_question(self, row: dict) -> str:
        """Return the question as a user's chat message."""

    @staticmethod
    @abstractmethod
    def solution(row: dict) -> str:
        """Return the answer that an example shows after the prompt."""

    @staticmethod
    def reasoning(row: dict) -> str:
        """Return the chain of thought that an example shows. Only puzzles have one."""
        raise NotImplementedError("only puzzles have examples with a chain of thought")

    def strict(self, text: str) -> str:
        """Return the part of an answer that is judged."""
        return text

    @staticmethod
    @abstractmethod
    def measure(rows: Sequence[dict], answers: Sequence, k: Sequence[int]) -> dict:
        """Judge ``answers``, a string or a list of samples for each row, and return the metric's scores and "n"."""

    @staticmethod
    @abstractmethod
    def rates(rows: Sequence[dict], answers: Sequence) -> list[float]:
        """Return for each row the share of its answers that are right. The columns of ``record`` are enough."""
