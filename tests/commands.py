"""The console command, in this process."""

from collections.abc import Callable, Sequence

from arith_puzzle.cli import main


def command(name: str) -> Callable[[Sequence[str]], int]:
    """``command("score")(arguments)`` runs ``arith-puzzle score`` and returns the exit status."""
    return lambda arguments: main([name, *arguments])
