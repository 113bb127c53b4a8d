"""Train a recipe in a separate process, through the launcher of accelerate, and return the exit status."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.processes import PARENT, child, exit_status, follow_parent
from arith_puzzle.training.recipe import load_recipe

SINGLE = PACKAGE / "training" / "accelerate" / "single.yaml"
SEVERAL = PACKAGE / "training" / "accelerate" / "ddp_cpu.yaml"


def launch(recipe: Path, *, out: Path, dataset: str | Path | None = None, accelerate_config: Path | None = None) -> int:
    """Train a recipe in separate processes and return the exit status, as a shell reports it.

    Args:
        recipe: a YAML file, or the name of a recipe of the package.
        out: folder of the run.
        dataset: folder or Hub id of the dataset, instead of the recipe's ``dataset.path``.
        accelerate_config: a file such as those in training/accelerate. None: the recipe's ``processes``, or one.

    Raises:
        ModuleNotFoundError: the extra [train] is not installed.
    """
    if importlib.util.find_spec("accelerate") is None:
        raise ModuleNotFoundError("No module named 'accelerate'", name="accelerate")
    loaded = load_recipe(recipe)
    processes = loaded.processes
    config = accelerate_config or (SEVERAL if processes else SINGLE)
    command = [sys.executable, "-m", "arith_puzzle.training.launch", "--config_file", str(config)]
    if processes and not accelerate_config:
        command += ["--num_processes", str(processes), "--main_process_port", "0"]  # any free port
    command += ["-m", f"arith_puzzle.training.{loaded.method}", "--recipe", str(recipe), "--out", str(out)]
    command += ["--dataset", str(dataset)] if dataset else []
    with child(command, env=os.environ | {"TOKENIZERS_PARALLELISM": "false"}) as launcher:
        return exit_status(launcher.wait())


def main(argv: list[str]) -> int:
    """Run ``accelerate launch`` and return the script's exit status. The launcher alone would print a traceback."""
    follow_parent()
    os.environ[PARENT] = str(os.getpid())  # the training's processes follow this one
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
