"""``accelerate launch -m arith_puzzle.training.sft`` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from arith_puzzle.common.files import PACKAGE

SINGLE = PACKAGE / "training" / "accelerate" / "single.yaml"


def launch(recipe: Path, *, out: Path, dataset: str | Path | None = None, accelerate_config: Path = SINGLE) -> int:
    """Train a recipe and return the exit status; interrupted, it takes the training down with it.

    Args:
        recipe: a YAML file. out: folder of the run. dataset: folder or Hub id instead of the recipe's.
    """
    command = [sys.executable, "-m", "arith_puzzle.training.launch", "--config_file", str(accelerate_config)]
    command += ["-m", "arith_puzzle.training.sft", "--recipe", str(recipe), "--out", str(out)]
    command += ["--dataset", str(dataset)] if dataset else []
    # A group of its own: at Ctrl-C launcher and training are ended together, without their tracebacks.
    child = subprocess.Popen(command, env=os.environ | {"TOKENIZERS_PARALLELISM": "false"}, process_group=0)
    try:
        return child.wait()
    except KeyboardInterrupt:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        raise


def main(argv: list[str]) -> int:
    """``accelerate launch``, with the script's exit status in place of the launcher's traceback."""
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    try:
        launch_command(launch_command_parser().parse_args(argv))
    except subprocess.CalledProcessError as error:
        return error.returncode
    except ChildFailedError as error:
        return error.get_first_failure()[1].exitcode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
