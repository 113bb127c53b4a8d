"""The OpenEnv environment: what a client needs. The server is in ``server/``."""

from .client import ArithPuzzleEnv
from .models import PuzzleAction, PuzzleObservation, PuzzleState

__all__ = ["ArithPuzzleEnv", "PuzzleAction", "PuzzleObservation", "PuzzleState"]
