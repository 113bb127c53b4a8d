"""The oracle: play episodes of a served environment with the solver, and print their rewards. Exit status 1: not all 1.

    python oracle.py [http://127.0.0.1:8000]

It runs in the Space's folder. Of each puzzle it plays the solver's equations as moves, then answers another episode of
the same puzzle with their text.
"""

from __future__ import annotations

import sys

from arith_puzzle.environments.game import Puzzle, oracle
from arith_puzzle.metrics.arith_puzzle_verifier.verify import parse_equation

try:
    from .client import ArithPuzzleEnv
except ImportError:  # as a script, in the Space's folder
    from client import ArithPuzzleEnv

EPISODES = [
    ("starter", "train", 0),
    ("starter", "test", 1),
    ("1m", "test", 2),
    ("1m", "ood_form", 3),
    ("stress", "n15", 4),
]


def play(url: str) -> list[float]:
    """The rewards of two episodes for each of EPISODES."""
    rewards = []
    with ArithPuzzleEnv(base_url=url).sync() as env:
        for config, split, seed in EPISODES:
            puzzle = {"config": config, "split": split, "seed": seed}
            seen = env.reset(**puzzle).observation
            solution = oracle(Puzzle(tuple(seen.numbers), seen.target, seen.rules)) or ""
            moves = [parse_equation(line) for line in solution.splitlines()]
            turns = [env.combine(move[0], move[1], move[2]) for move in moves if move]
            rewards.append(turns[-1].reward if turns and turns[-1].done else 0.0)
            env.reset(**puzzle)
            rewards.append(env.answer(solution).reward)
    return rewards


if __name__ == "__main__":
    found = play(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
    print(*found)
    sys.exit(min(found) < 1.0)
