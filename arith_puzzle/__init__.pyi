from arith_puzzle.api import generate as generate
from arith_puzzle.api import load_metric as load_metric
from arith_puzzle.api import solve as solve
from arith_puzzle.metrics.arith_puzzle_verifier.normalize import verify_lenient as verify_lenient
from arith_puzzle.metrics.arith_puzzle_verifier.verify import Verdict as Verdict
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify as verify
from arith_puzzle.metrics.rewards import graded_reward as graded_reward
from arith_puzzle.metrics.rewards import graded_reward_for as graded_reward_for
from arith_puzzle.metrics.rewards import reward as reward
from arith_puzzle.metrics.rewards import reward_for as reward_for

__version__: str
__all__ = [
    "Verdict", "generate", "graded_reward", "graded_reward_for", "load_metric", "reward", "reward_for", "solve",
    "verify", "verify_lenient",
]  # fmt: skip
