"""The environment for TRL: ``GRPOTrainer(environment_factory=ArithPuzzle, ...)``.

Each rollout has an instance, and each instance a session of a served environment. The address is that of
ARITH_PUZZLE_ENV_URL, or ``partial(ArithPuzzle, url)`` gives it. A row of the training data says which puzzle it is: by
``config``, ``split`` and ``seed``, or by ``numbers`` and ``target``, as in the dataset's rows.

If the server restarts, or a Space sleeps, a turn waits until it is back. The episode goes on where it was: its puzzle
and its turns are played again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of

try:
    from websockets.exceptions import WebSocketException

    from arith_puzzle.environments.openenv import ArithPuzzleEnv, PuzzleAction, PuzzleObservation
except ModuleNotFoundError as error:
    raise InputError(
        f"the environment's client needs {error.name}, which is not installed; run: pip install 'arith-puzzle[openenv]'"
    ) from None

URL = "ARITH_PUZZLE_ENV_URL"
"""Environment variable: the address of the served environment, such as http://127.0.0.1:8000."""
PATIENCE = 180.0
"""Seconds for which a turn waits for a server that does not answer. A Space needs about a minute to wake up."""
_SOURCE = ("config", "split", "seed")


class ArithPuzzle:
    """Arithmetic puzzles as an environment of TRL. Public methods are the model's tools, so there are no others.

    Args:
        url: the address of the served environment; None: that of ARITH_PUZZLE_ENV_URL.
        patience: seconds for which a turn waits for a server that does not answer.
        prompt: what ``reset`` returns: "natural" (rules and puzzle in English) or "symbolic" (``3,6,7:4``, a newline).

    Raises:
        InputError: there is no address, or an unknown ``prompt``.
    """

    def __init__(self, url: str | None = None, patience: float = PATIENCE, prompt: str = "natural"):
        self._url = url or os.environ.get(URL, "")
        if not self._url:
            raise InputError(f"the environment has no address; set {URL}, such as http://127.0.0.1:8000")
        if prompt not in ("natural", "symbolic"):
            raise InputError(f"prompt is natural or symbolic, not {prompt!r}")
        self._patience, self._prompt = patience, prompt
        self._session: Any = None
        self._puzzle: dict[str, Any] = {}
        self._played: list[PuzzleAction] = []
        self._reward = 0.0

    def reset(self, **row: Any) -> str:
        """Begin an episode: the puzzle of a row. Other columns are ignored. Returns the puzzle as text.

        Raises:
            InputError: the row names no puzzle, or the server does not answer.
        """
        if row.get("numbers") is not None:
            self._puzzle = {"numbers": list(row["numbers"]), "target": row.get("target"), "rules": rules_of(row)}
        else:
            self._puzzle = {name: row[name] for name in _SOURCE if row.get(name) is not None}
        self._played, self._reward = [], 0.0
        seen = self._insist(self._begin)
        if seen.seed is not None:
            self._puzzle["seed"] = seen.seed  # if the server drew it
        if self._prompt == "symbolic":
            return f"{','.join(map(str, seen.numbers))}:{seen.target}\n"
        return seen.message

    def combine(self, a: str, op: str, b: str) -> str:
        """Replace two numbers of the board by the result of an operation.

        Args:
            a: The left number, one of the numbers on the board.
            op: The operation: +, -, * or /.
            b: The right number, another of the numbers on the board.

        Returns:
            The board after the move, or why the move is not allowed.
        """
        return self._play(PuzzleAction(move="combine", a=str(a), op=str(op), b=str(b)))

    def undo(self) -> str:
        """Take the last move back.

        Returns:
            The board after it.
        """
        return self._play(PuzzleAction(move="undo"))

    def answer(self, equations: str) -> str:
        """Answer with the whole solution. This ends the episode.

        Args:
            equations: The equations, one per line, without spaces, such as 58-51=7.

        Returns:
            Whether the answer is right, or which rule it breaks.
        """
        return self._play(PuzzleAction(move="answer", equations=str(equations)))

    def get_reward(self) -> float:
        """1.0 if the episode was solved, else 0.0."""
        return self._reward

    def _close(self) -> None:
        session, self._session = getattr(self, "_session", None), None
        if session is not None:
            try:
                session.close()
            except Exception:  # the server may be gone
                return

    def _begin(self) -> PuzzleObservation:
        """Begin the episode in a session, and play again what was played."""
        if self._session is None:
            self._session = ArithPuzzleEnv(base_url=self._url).sync()
        seen = self._session.reset(**self._puzzle).observation
        for action in self._played:
            seen = self._session.step(action).observation
        return seen

    def _play(self, action: PuzzleAction) -> str:
        def turn() -> PuzzleObservation:
            if self._session is None:
                self._begin()
            seen = self._session.step(action).observation
            if seen.target is None:  # a new session, which does not know the episode
                self._begin()
                seen = self._session.step(action).observation
            return seen

        seen = self._insist(turn)
        self._reward = max(self._reward, float(seen.reward or 0.0))
        if seen.turns > len(self._played):
            self._played.append(action)
        return seen.message

    def _insist(self, step: Callable[[], PuzzleObservation]) -> PuzzleObservation:
        """The step's result. If the server does not answer, the session is opened anew, for ``patience`` seconds."""
        deadline, pause = time.monotonic() + self._patience, 0.2
        while True:
            try:
                return step()
            except (OSError, TimeoutError, RuntimeError, WebSocketException) as error:
                said = first_line(error)
                self._close()
                if "EXECUTION_ERROR" in said and not self._played:  # the server refuses the puzzle
                    refused = said.removeprefix("Server error: ").removesuffix(" (code: EXECUTION_ERROR)")
                    raise InputError(f"the environment at {self._url}: {refused}") from None
                if time.monotonic() >= deadline:
                    raise InputError(f"the environment at {self._url} does not answer: {said}") from None
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
