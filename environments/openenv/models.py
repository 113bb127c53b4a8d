"""What goes over the wire: one typed action, the observation after it, and the state of an episode."""

from __future__ import annotations

from typing import Annotated, Literal

from openenv.core.env_server.types import Action, Observation, State
from pydantic import BeforeValidator, Field

Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)]
"""A number as text, because fractions are numbers too; integers are accepted."""


class PuzzleAction(Action):
    """One turn of an episode."""

    move: Literal["combine", "undo", "answer"] = Field(description="what to do")
    a: Text = Field("", description="combine: the left number, one of the board's, such as 58")
    op: str = Field("", description="combine: + - * or /")
    b: Text = Field("", description="combine: the right number")
    equations: str = Field("", description="answer: the whole solution, one equation per line")


class PuzzleObservation(Observation):
    """The board after a turn. ``reward`` is 1.0 in the turn that solves the puzzle, else 0.0."""

    message: str = Field("", description="the reply in words: what was done, or why it was not, and the board")
    prompt: str = Field("", description="the rules and the puzzle in English")
    numbers: list[int] = Field(default_factory=list, description="the given numbers, ascending")
    target: int | None = Field(None, description="the target")
    rules: dict[str, str] = Field(default_factory=dict, description="options of verify that are not the defaults")
    board: list[str] = Field(default_factory=list, description="the numbers on the board, ascending")
    moves: str = Field("", description="the moves on the board, as an answer")
    turns: int = Field(0, description="turns that are over; 0 after reset, or if there is no episode")
    turns_left: int = Field(0, description="turns before the episode ends by itself")
    reason: str | None = Field(None, description="the verdict: ok, or the first broken rule")
    config: str | None = Field(None, description="where the puzzle is from; null if it was given")
    split: str | None = None
    seed: int | None = None


class PuzzleState(State):
    """The episode as the server keeps it."""

    config: str | None = None
    split: str | None = None
    seed: int | None = None
    board: list[str] = Field(default_factory=list)
    moves: str = ""
    done: bool = False
