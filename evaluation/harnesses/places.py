"""Where the files for each harness are, how a user names them, and how the harness is installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE


@dataclass(frozen=True)
class Harness:
    """One harness.

    Attributes:
        library: the package that Python imports.
        install: what pip installs.
        place: the file or folder of ours, below the package.
        use: how a user names it.
    """

    library: str
    install: str
    place: str
    use: str

    @property
    def path(self) -> Path:
        """The file or folder on this machine."""
        return PACKAGE / self.place

    @property
    def installed(self) -> bool:
        """Whether Python finds the library. It is not imported."""
        return find_spec(self.library) is not None


HARNESSES = {
    "lm_eval": Harness(
        "lm_eval",
        "'lm-eval[hf]==0.4.13'",
        "evaluation/harnesses/lm_eval",
        'lm_eval run --include_path "$(arith-puzzle harness lm_eval)" --tasks arith_puzzle',
    ),
    "lighteval": Harness(
        "lighteval",
        "'lighteval==0.13.0' 'huggingface_hub<2' 'xxhash<4'",
        "evaluation/harnesses/lighteval_tasks.py",
        'lighteval accelerate ARGS arith_puzzle:starter:test --custom-tasks "$(arith-puzzle harness lighteval)"',
    ),
    "inspect": Harness(
        "inspect_ai",
        "'inspect-ai==0.3.285' datasets transformers accelerate",
        "evaluation/inspect_task/task.py",
        "inspect eval arith_puzzle/arith_puzzle",
    ),
    "reasoning_gym": Harness(
        "reasoning_gym",
        "'reasoning-gym==0.1.25'",
        "evaluation/harnesses/reasoning_gym_dataset.py",
        "import arith_puzzle.evaluation.harnesses.reasoning_gym_dataset",
    ),
}
"""Name -> harness."""


def find_harness(name: str) -> Harness:
    """The harness of a name. Raises InputError for an unknown name."""
    if name not in HARNESSES:
        raise InputError(f"unknown harness {name!r}; known: {', '.join(HARNESSES)}")
    return HARNESSES[name]


def not_installed(name: str) -> InputError:
    """The error for a harness that is missing; it names the command that installs it."""
    harness = HARNESSES[name]
    return InputError(f"{harness.library} is not installed; run: pip install {harness.install}")
