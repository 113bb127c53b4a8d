"""The client: a session with a served environment. Its methods are the moves.

    with ArithPuzzleEnv(base_url="http://127.0.0.1:8000").sync() as env:
        start = env.reset(config="starter", split="test", seed=7)
        after = env.combine("58", "-", "51")
        print(after.observation.message, after.reward, after.done)

Without ``.sync()`` the same methods are coroutines.
"""

from __future__ import annotations

from typing import Any

from openenv.core import EnvClient
from openenv.core.client_types import StepResult

try:
    from .models import PuzzleAction, PuzzleObservation, PuzzleState
except ImportError:  # for a script in the Space's folder
    from models import PuzzleAction, PuzzleObservation, PuzzleState


class ArithPuzzleEnv(EnvClient[PuzzleAction, PuzzleObservation, PuzzleState]):
    """A session. ``reset`` takes ``config``, ``split`` and ``seed``, or ``numbers`` and ``target`` (and ``rules``)."""

    async def combine(self, a: str | int, op: str, b: str | int) -> StepResult[PuzzleObservation]:
        """Replace two numbers of the board by the result of ``a op b``."""
        return await self._step_async(PuzzleAction(move="combine", a=str(a), op=op, b=str(b)))

    async def undo(self) -> StepResult[PuzzleObservation]:
        """Take the last move back."""
        return await self._step_async(PuzzleAction(move="undo"))

    async def answer(self, equations: str) -> StepResult[PuzzleObservation]:
        """Answer with a whole solution, one equation per line. It ends the episode."""
        return await self._step_async(PuzzleAction(move="answer", equations=equations))

    def _step_payload(self, action: PuzzleAction) -> dict[str, Any]:
        return action.model_dump(exclude_defaults=True)

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[PuzzleObservation]:
        told = {"done": payload.get("done", False), "reward": payload.get("reward")}
        return StepResult(observation=PuzzleObservation(**payload["observation"], **told), **told)

    def _parse_state(self, payload: dict[str, Any]) -> PuzzleState:
        return PuzzleState(**payload)
