"""The console command ``arith-puzzle``. Each command is a module here; ``options`` holds what several share.

A module has a docstring, which is its help text, ``add_arguments(parser)`` and ``run(args)``, which returns the exit
status. 0: success. 1: a negative result, such as no solution or a failed check. 2: bad input, reported in one line.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import warnings
from importlib.metadata import version
from itertools import pairwise

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.processes import Stopped, raise_on_stop

COMMANDS = {
    "build": "write a dataset: Parquet shards, manifest and card",
    "train": "train a recipe with TRL and accelerate",
    "score": "score a model or an adapter on evaluation splits",
    "report": "make tables and plots of scores",
    "stage": "write one complete folder for each Hub repo",
    "publish": "publish the staged folders, or withdraw a version",
    "check": "check what is published, as a new user would load it",
    "release": "do all of this: build, train, score, stage, publish, check",
    "solve": "print solutions of one puzzle",
    "verify": "judge the answers in a file",
    "harness": "print where the tasks for other evaluation harnesses are",
    "audit": "judge answers of other evaluations again, or test another scorer",
    "study": "run a scaling study: train and score a model for each size or change",
    "rejection": "make training rows from a model's verified answers",
    "merge": "merge an adapter into its base and save the model",
    "augment": "make aug-gsm8k: new questions from GSM8K's, with checked solutions",
    "base": "write a base model that needs no hub",
    "hub": "serve a local Hub for rehearsals",
    "demo": "serve the demo",
}
"""Command -> what it does. The pipeline's stages come first, in their order; then the tools."""

SERVERS = ("demo", "hub")
"""Commands that only a signal ends: for them Ctrl-C is success."""
SHORT = ("solve", "verify", "harness", "audit", "report", "base", "merge", "rejection")
"""Commands that begin again after they were stopped."""
EXTRAS = {
    "accelerate": "train", "datasets": "train", "evaluate": "metric", "matplotlib": "train", "peft": "train",
    "tokenizers": "train", "torch": "train", "transformers": "train", "trl": "train", "trackio": "curves",
    "gradio": "demo", "httpx2": "release", "markdown_it": "release", "pygit2": "hub", "starlette": "hub",
    "uvicorn": "hub",
    "openai": "augment", "fastapi": "augment", "datatrove": "executors", "fsspec": "executors", "ray": "executors",
    "math_verify": "math", "sentencepiece": "sentencepiece",
}  # fmt: skip
"""Library -> the extra that installs it."""


ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PYTHONWARNINGS": "ignore::FutureWarning",  # notes from one library to another
    "TOKENIZERS_PARALLELISM": "false",
    # Idle OpenMP threads that spin for long slow a small model tenfold as soon as another process needs a core. Those
    # that never spin slow it by a third on an idle machine. This number of turns is about 0.1 ms.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "10000",
    # Child processes keep freed memory. A cache of keys and values that grows with each token halves its time.
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
}
"""Environment variables of this process and its children, where the user has not set them."""
PLACES = ("--out", "--work")
"""Options that name a place. An empty one would be the current folder."""


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    warnings.simplefilter("ignore", FutureWarning)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # as after >&-
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    chosen = _parser().parse_args(argv)
    command = importlib.import_module(f"arith_puzzle.cli.{chosen.command}")
    parser = argparse.ArgumentParser(
        prog=f"arith-puzzle {chosen.command}",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    given = sys.argv[1:] if argv is None else argv
    arguments = given[given.index(chosen.command) + 1 :]  # with a "--" that argparse would drop here
    args = parser.parse_args(arguments)
    args.argv = [chosen.command, *arguments]
    try:
        for option, value in pairwise([*arguments, None]):
            if (option in PLACES and value == "") or option in {f"{place}=" for place in PLACES}:
                raise InputError(f"{option.rstrip('=')} is empty; give a place, or leave it out")
            if not _readable(option):
                raise InputError(f"the locale cannot read {option!a}; set LC_ALL=C.UTF-8, or PYTHONUTF8=1")
        with raise_on_stop():
            status = command.run(args)
            sys.stdout.flush()
            return status
    except InputError as error:
        print(f"arith-puzzle {chosen.command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        library = (error.name or "").split(".")[0]
        if library not in EXTRAS:
            raise
        install = f"pip install 'arith-puzzle[{EXTRAS[library]}]'"
        print(
            f"arith-puzzle {chosen.command}: needs {library}, which is not installed; run: {install}", file=sys.stderr
        )
        return 2
    except BrokenPipeError:  # as in `arith-puzzle ... | head`
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        place = error.filename or "the output"
        print(f"arith-puzzle {chosen.command}: {place}: {error.strerror or error}; give another place", file=sys.stderr)
        _drop_output()
        return 2
    except Stopped as stopped:
        if chosen.command in SERVERS:
            return 0 if str(stopped) == "SIGINT" else stopped.status
        goes_on = "" if chosen.command in SHORT else "; the same command continues from here"
        print(f"arith-puzzle {chosen.command}: stopped by {stopped}{goes_on}", file=sys.stderr)
        return stopped.status


def _readable(argument: str) -> bool:
    """Whether an argument is text: Python keeps bytes that the locale cannot decode as surrogates."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _drop_output() -> None:
    """Let Python's last flush of standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    table = "\n".join(f"  {name:<12}{text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="arith-puzzle",
        description="Arithmetic puzzles: datasets, an exact verifier, models, and their release on the Hub.",
        epilog=f"commands:\n{table}\n\narith-puzzle COMMAND --help explains one of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="arith-puzzle [--version] COMMAND ...",
    )
    parser.add_argument("--version", action="version", version=f"arith-puzzle {version('arith-puzzle')}")
    parser.add_argument("command", metavar="COMMAND", choices=COMMANDS, help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser
