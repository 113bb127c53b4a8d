"""arith-puzzle: arithmetic puzzles with an exact verifier, a solver and a deterministic generator.

>>> import arith_puzzle
>>> arith_puzzle.verify([2, 3], 5, "2+3=5").correct
True
>>> arith_puzzle.solve([3, 6, 7, 51, 58], 4)
['58-51=7\\n7/7=1\\n6+1=7\\n7-3=4']

Other projects import ``verify``, ``verify_lenient``, ``Verdict``, ``solve``, ``generate``, ``reward``, ``reward_for``,
``graded_reward``, ``graded_reward_for`` and ``load_metric``. Each is loaded at its first use, so this import stays
light: it needs neither torch nor NumPy.
"""

from __future__ import annotations

import importlib

_PUBLIC = {
    "Verdict": "arith_puzzle.metrics.arith_puzzle_verifier.verify",
    "verify": "arith_puzzle.metrics.arith_puzzle_verifier.verify",
    "verify_lenient": "arith_puzzle.metrics.arith_puzzle_verifier.normalize",
    "reward": "arith_puzzle.metrics.rewards",
    "reward_for": "arith_puzzle.metrics.rewards",
    "graded_reward": "arith_puzzle.metrics.rewards",
    "graded_reward_for": "arith_puzzle.metrics.rewards",
    "solve": "arith_puzzle.api",
    "generate": "arith_puzzle.api",
    "load_metric": "arith_puzzle.api",
}
"""Public name -> the module that defines it. ``__init__.pyi`` says the same to type checkers."""

__all__ = [
    "Verdict", "generate", "graded_reward", "graded_reward_for", "load_metric", "reward", "reward_for", "solve",
    "verify", "verify_lenient",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("arith-puzzle")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
