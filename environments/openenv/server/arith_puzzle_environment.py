"""One session of the server: OpenEnv's interface around ``arith_puzzle.environments.game``."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import EnvironmentMetadata

from arith_puzzle.common.errors import InputError
from arith_puzzle.environments.episodes import DEFAULT, draw, draw_seed, given
from arith_puzzle.environments.game import Game

try:
    from ..models import PuzzleAction, PuzzleObservation, PuzzleState
except ImportError:  # in the Space's folder, where server/ is a package of its own
    from models import PuzzleAction, PuzzleObservation, PuzzleState


class ArithPuzzleEnvironment(Environment):
    """An episode after another. A session shares nothing with others."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self) -> None:
        super().__init__()
        self._game: Game | None = None
        self._source: dict[str, Any] = {}
        self._state = PuzzleState()

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        config: str | None = None,
        split: str | None = None,
        numbers: list[int] | None = None,
        target: int | None = None,
        rules: dict[str, str] | None = None,
        **unknown: Any,
    ) -> PuzzleObservation:
        """Begin an episode: the puzzle of a config, split and seed, or a given one. Bad input leaves the old episode.

        Raises:
            InputError: an unknown name, a seed out of range, or numbers and target that are no puzzle.
        """
        if unknown:
            known = "seed, config, split, numbers, target and rules"
            raise InputError(f"reset has no option {min(unknown)[:40]!r}; it has {known}")
        if numbers is not None or target is not None:
            if not isinstance(numbers, list) or target is None or config or split:
                raise InputError("give numbers (a list) and target for a puzzle of your own, without config and split")
            puzzle, source = given(numbers, target, rules), {}
        else:
            source = {"config": config or DEFAULT[0], "split": split or DEFAULT[1],
                      "seed": draw_seed() if seed is None else seed}  # fmt: skip
            puzzle = draw(**source)
        self._game, self._source = Game(puzzle), source
        self._state = PuzzleState(episode_id=episode_id or str(uuid4()), step_count=0, **source)
        return self._observe(f"{puzzle.prompt}{self._game.message}")

    def step(self, action: PuzzleAction, timeout_s: float | None = None, **_: Any) -> PuzzleObservation:
        """Play one turn. What is not allowed is said in ``message``."""
        game = self._game
        self._state.step_count += 1
        if game is None:
            return PuzzleObservation(message="There is no episode. Reset first.", done=True, reward=0.0)
        over = game.done
        if action.move == "combine":
            game.combine(action.a, action.op, action.b)
        elif action.move == "undo":
            game.undo()
        else:
            game.answer(action.equations)
        return self._observe(game.message, reward=0.0 if over else game.reward)

    def _observe(self, message: str, reward: float = 0.0) -> PuzzleObservation:
        game = self._game
        assert game is not None
        return PuzzleObservation(
            message=message, prompt=game.puzzle.prompt, numbers=list(game.puzzle.numbers), target=game.puzzle.target,
            rules=game.puzzle.rules, board=[str(number) for number in game.pool], moves=game.solution,
            turns=game.turns, turns_left=game.max_turns - game.turns, done=game.done, reward=reward,
            reason=game.verdict and game.verdict.reason, **self._source,
        )  # fmt: skip

    @property
    def state(self) -> PuzzleState:
        """The episode, without the puzzle's solution."""
        if self._game is not None:
            self._state.board = [str(number) for number in self._game.pool]
            self._state.moves, self._state.done = self._game.solution, self._game.done
        return self._state

    def get_metadata(self) -> EnvironmentMetadata:
        """Name and description, for ``/metadata``."""
        text = "Combine numbers by + - * / until only the target is left; every answer is judged by an exact verifier."
        return EnvironmentMetadata(name="arith_puzzle_env", description=text, version="0.1.0")
