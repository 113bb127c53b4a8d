"""The console command, in this process."""

from collections.abc import Callable, Sequence
from functools import partial

from arith_puzzle.cli import main


def command(name: str) -> Callable[[Sequence[str]], int]:
    """``command("score")(arguments)`` runs ``arith-puzzle score`` and returns the exit status."""
    return partial(_run, name)  # which a process that is started may be given


def _run(name: str, arguments: Sequence[str]) -> int:
    return main([name, *arguments])
