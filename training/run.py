"""A training run: a recipe becomes a folder with weights, a tokenizer and, last, ``run.json``.

``sft`` and ``grpo`` build the trainers (``Method``). The rest of a run is the same for both and is here: the script,
the lock, what the run was made from, resumption, and the record.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import importlib.util
import itertools
import json
import os
import platform
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from arith_puzzle.common.errors import InputError, first_line, reported
from arith_puzzle.common.files import PACKAGE, LockedJson, write_json
from arith_puzzle.common.processes import follow_parent
from arith_puzzle.common.provenance import check_name, commit_of_checkout, digest, hardware, model_content, run_record
from arith_puzzle.dataset_builder.configs import how_to_get
from arith_puzzle.training.recipe import Recipe, check_hardware, check_trainer_keys, load_recipe

PATIENCE = 10.0
"""Seconds before another process than the machine's first one prints an error. Most errors occur in all processes; the
first one's end stops the others, so the error is printed once."""
RECORDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "numpy", "numba")


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to train.

    Attributes:
        section: name of the recipe's section with the trainer's arguments, and of the module in training/.
        arguments: (recipe, folder of checkpoints) -> transformers.TrainingArguments.
        trainer: (recipe, arguments, model, tokenizer, dataset) -> (trainer, a function that gives the method's part of
            the record after the training).
    """

    section: str
    arguments: Callable[[Recipe, Path], Any]
    trainer: Callable[..., tuple[Any, Callable[[], dict]]]


def main(method: Method, script: str, doc: str | None, argv: list[str] | None = None) -> int:
    """The command line of a method's script; returns the exit status.

    Args:
        script: the script's ``__file__``.
        doc: its docstring.
    """
    follow_parent()
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", required=True, help="file of a recipe, or the name of one in training/recipes")
    parser.add_argument("--dataset", help="folder or Hub id of the dataset (default: the recipe's dataset.path)")
    parser.add_argument("--out", help="folder of the run (default: runs/<name of the recipe>)")
    args = parser.parse_args(argv)
    try:
        _check_installed(Path(script).resolve())
        recipe = load_recipe(args.recipe)
        train(method, recipe, Path(args.out or Path("runs") / recipe.name), dataset=args.dataset)
    except InputError as error:
        if int(os.environ.get("LOCAL_RANK", "0")):
            time.sleep(PATIENCE)
        print(f"arith-puzzle train: {error}", file=sys.stderr)
        return 2
    return 0


def _check_installed(script: Path) -> None:
    """Raise InputError if the script is part of one checkout and the imported package is another."""
    installed = (PACKAGE / "training" / script.name).resolve()
    if script != installed:
        raise InputError(f"{script} is not part of the installed package, which has {installed}; run: "
                         f"pip install -e {shlex.quote(str(script.parent.parent))}")  # fmt: skip


def train(method: Method, recipe: Recipe, output: Path, *, dataset: str | None = None) -> Path:
    """Train a recipe in the folder ``output`` and return that folder. A complete run is left as it is.

    Args:
        dataset: folder or Hub id of the dataset, instead of the recipe's ``dataset.path``.

    Raises:
        InputError: the recipe is for another method; the folder holds a run of another recipe, base or dataset; the
            hardware does not meet the recipe's needs, the base or the dataset cannot be loaded, TRL does not know a
            key, the loss is not finite, or the disk is full.
    """
    if recipe.method != method.section:
        raise InputError(f"{recipe.name} has a {recipe.method} section; run training/{recipe.method}.py, or: "
                         "arith-puzzle train")  # fmt: skip
    if not (output / "run.json").is_file():
        check_hardware(recipe)
    made_from = contents(recipe, dataset)
    if finished(output, recipe, made_from):
        print(f"{output}: complete, nothing to train")
        return output
    with claim(output, recipe, made_from):
        _run(method, recipe, output, dataset, made_from)
    return output


def contents(recipe: Recipe, dataset: str | None = None) -> dict[str, str | None]:
    """What the run is made from, known by content: {"base", "dataset"}. None for what the recipe does not have.

    A recipe with a ``model.adapter`` also has "adapter".

    Args:
        dataset: folder or Hub id of the dataset, instead of the recipe's ``dataset.path``.

    Raises:
        InputError: the base, the adapter or the dataset cannot be read.
    """
    from arith_puzzle.training.data.token_cache import split_content

    section, base, adapter = recipe.dataset, recipe.model.base and recipe.base_path, recipe.adapter_path
    for path, what in ((base, "base"), (adapter, "adapter")):
        if path is not None:
            check_name(path, what)
    if section:
        check_name(dataset or section.path, "dataset", how_to_get(section.config, dataset or section.path))
    with reported(f"cannot load the base {base!r}", base):
        known = model_content(base, recipe.model.revision) if base else None
    made_from = {"base": known, "dataset": split_content(section, dataset or section.path) if section else None}
    if adapter is not None:
        with reported(f"cannot load the adapter {adapter!r}", adapter):
            made_from["adapter"] = model_content(adapter, None)
        stated = Path(adapter) / "run.json"
        trained_on = run_record(Path(adapter)).get("content", {}).get("base") if stated.is_file() else None
        if trained_on not in (None, known):
            raise InputError(
                f"the adapter {adapter} was trained on another base than {base}; name its own in model.base"
            )
    return made_from


def finished(output: Path, recipe: Recipe, made_from: dict) -> bool:
    """Whether ``output`` holds the complete run of a recipe.

    Args:
        made_from: the recipe's ``contents``.

    Raises:
        InputError: it holds another recipe's run, or one that was made from another base or dataset.
    """
    done = output / "run.json"
    if not done.is_file():
        return False
    record = run_record(output)
    _check_same(output, record.get("recipe_digest"), record.get("content", {}), recipe, made_from, "run")
    return True


def _check_same(output: Path, digest: str | None, content: dict, recipe: Recipe, made_from: dict, what: str) -> None:
    if digest != recipe.digest:
        raise InputError(f"{output} holds another recipe's {what}; choose another folder, or delete it")
    for name, known in made_from.items():
        if content.get(name) != known:
            raise InputError(f"the {what} in {output} is of another {name}; choose another folder, or delete it")


def _run(method: Method, recipe: Recipe, output: Path, dataset: str | None, made_from: dict) -> None:
    os.environ["TRACKIO_DIR"] = str((output / "trackio").resolve())  # keeps the curves in the run's folder
    import torch
    import transformers

    from arith_puzzle.training.base_tokenizer import base_commit
    from arith_puzzle.training.models import check_lora, load_model

    if "trackio" in (recipe.trainer.get("report_to") or ()) and importlib.util.find_spec("trackio") is None:
        raise InputError(f"{recipe.name} reports its curves to trackio, which is not installed; run: pip install "
                         f"'arith-puzzle[curves]', or set {method.section}.report_to: none")  # fmt: skip
    transformers.set_seed(recipe.seed)
    commit = commit_of_checkout()
    checkpoints, done = output / "checkpoints", output / "run.json"
    arguments = method.arguments(recipe, checkpoints)
    if arguments.n_gpu > 1:  # one process on several GPUs: DataParallel would multiply every batch
        arguments._n_gpu = 1
    revision = recipe.model.revision or (base_commit(recipe.base_path) if recipe.model.base else None)
    model, tokenizer = load_model(recipe, revision)
    if recipe.lora and not recipe.model.adapter:
        check_lora(model, recipe)
    trainer = None
    try:
        trainer, record_of_method = method.trainer(recipe, arguments, model, tokenizer, dataset)
        checkpoint = last_checkpoint(checkpoints)
        started, cpu_started = time.time(), time.process_time()
        result = trainer.train(resume_from_checkpoint=checkpoint)
        if not trainer.state.global_step:
            raise InputError(f"{recipe.name}: the dataset has fewer rows than one step needs; add rows, or lower "
                             f"{method.section}.per_device_train_batch_size")  # fmt: skip
        seconds, cpu = time.time() - started, time.process_time() - cpu_started
        cpu_seconds = trainer.accelerator.reduce(torch.tensor(cpu, device=trainer.accelerator.device))
        sizes = _parameters(trainer.accelerator.unwrap_model(trainer.model))
        weights = trainer.accelerator.get_state_dict(trainer.model)  # with FSDP and ZeRO-3, every process takes part
        if not trainer.accelerator.is_main_process:
            return
        trained = trainer.accelerator.unwrap_model(trainer.model)
        if recipe.lora:  # PEFT does not set it
            trained.peft_config["default"].revision = revision
        trained.save_pretrained(output, state_dict=weights)
        tokenizer.save_pretrained(output)
        record = {
            "recipe_digest": recipe.digest,
            "recipe": dataclasses.asdict(recipe),
            "source_commit": commit,
            **record_of_method(),
            "parameters": sizes[1],
            "trainable_parameters": sizes[0],
            "base_sha256": digest(recipe.base_path) if recipe.model.base else None,
            "content": made_from,
            "train_loss": (mean_loss(trainer.state.log_history) if checkpoint else None) or result.training_loss,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(cpu_seconds.item(), 1),
            "resumed_from_step": int(checkpoint.split("-")[-1]) if checkpoint else None,
            "hardware": hardware(str(trainer.accelerator.device)) | {"processes": trainer.accelerator.num_processes},
            "versions": {"python": platform.python_version(), **{name: version(name) for name in RECORDED}},
            f"{method.section}_config": {
                k: v for k, v in arguments.to_dict().items() if "token" not in k and "dir" not in k
            },
            "log": trainer.state.log_history,
        }
        write_json(done, record)
    except Exception as error:
        if shutil.disk_usage(output).free < 2**20 or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"no space left in {output}; free some, and repeat the command: it resumes from the "
                             "last complete checkpoint") from None  # fmt: skip
        begun = trainer is not None and trainer.state.global_step
        if "probability tensor contains" in str(error):  # torch's words, where a model samples
            raise InputError(f"{recipe.name}: the model's probabilities are no numbers any more; lower "
                             f"{method.section}.learning_rate, or start from sound weights") from None  # fmt: skip
        refused = isinstance(
            error, ValueError | TypeError | ArithmeticError | AttributeError | LookupError | ImportError
        )
        if refused and not begun and not isinstance(error, InputError):
            raise InputError(f"{recipe.name}: the training does not start: {first_line(error)}; check the recipe's "
                             f"{method.section} section") from error  # fmt: skip
        raise
    shutil.rmtree(checkpoints, ignore_errors=True)


def trainer_arguments(kind: type, recipe: Recipe, checkpoints: Path, **fixed: Any) -> Any:
    """The arguments of TRL's trainer: the recipe's section, and what a recipe does not set.

    Args:
        kind: a dataclass such as trl.SFTConfig.

    Raises:
        InputError: a key that ``kind`` does not have, or a value that it refuses.
    """
    section = recipe.method
    check_trainer_keys(recipe, [item.name for item in dataclasses.fields(kind)])
    curves = {"trackio_space_id": None, "trackio_static_space_id": False, "project": recipe.name}
    try:
        return kind(
            output_dir=str(checkpoints),
            seed=recipe.seed,
            remove_unused_columns=False,
            logging_nan_inf_filter=False,
            **fixed,
            **(curves | recipe.trainer),
        )
    except (TypeError, ValueError, ArithmeticError, ImportError) as error:
        raise InputError(f"{recipe.name}: TRL refuses the {section} section: {' '.join(str(error).split())}") from None


def last_checkpoint(folder: Path) -> str | None:
    """The newest complete checkpoint below ``folder``. The run's first process deletes incomplete ones.

    The trainer writes trainer_state.json last, so a checkpoint is complete if that file can be parsed.
    """
    newest = None
    for path in sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1])):
        try:
            json.loads((path / "trainer_state.json").read_text())
            newest = str(path)
        except (OSError, ValueError):
            if _first():
                shutil.rmtree(path)
    return newest


def mean_loss(log: list[dict]) -> float | None:
    """The mean loss over all steps of a log; None if it has no loss.

    A line of the log counts once for each step since the line above it. The trainer's own mean covers only the steps
    after the last resumption.
    """
    points = [(0, 0.0), *((entry["step"], entry["loss"]) for entry in log if "loss" in entry)]
    total = sum((step - before) * loss for (before, _), (step, loss) in itertools.pairwise(points))
    return total / points[-1][0] if len(points) > 1 else None


def claim(output: Path, recipe: Recipe, made_from: dict) -> contextlib.AbstractContextManager:
    """Lock the folder of a run, and write what it belongs to, so that no other recipe, base or dataset resumes from it.

    Only the first of a run's processes takes the lock, because a lock on a shared disk may hold on all machines.

    Raises:
        InputError: the folder belongs to another run, another process trains in it, the run began with another
            number of processes, or the folder cannot be written to.
    """
    if not _first():
        with contextlib.suppress(OSError):  # the first process reports it
            output.mkdir(parents=True, exist_ok=True)
        return contextlib.nullcontext()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    lock = LockedJson(output / "recipe.json", "training in")
    try:
        earlier = lock.content or {}
        began = earlier.get("processes", processes)
        resumes = earlier and last_checkpoint(output / "checkpoints")
        if resumes:
            _check_same(output, earlier.get("digest"), earlier.get("content", {}), recipe, made_from, "unfinished run")
        if resumes and began != processes:
            raise InputError(f"the run in {output} began with {began} process(es); resume it with {began}, or choose "
                             "another folder")  # fmt: skip
        belongs = {"digest": recipe.digest, "content": made_from, "processes": processes}
        lock.write(belongs | {"recipe": dataclasses.asdict(recipe)})
    except InputError:
        lock.close()
        raise
    return lock


def _first() -> bool:
    """Whether this is the first process of the run, on all machines."""
    return int(os.environ.get("RANK", "0")) == 0


def _parameters(model) -> tuple[int, int]:
    """(number of trained parameters, number of all). With ZeRO-3 ``ds_numel`` is the size of the whole tensor."""
    counts = [(getattr(p, "ds_numel", p.numel()), p.requires_grad) for p in model.parameters()]
    return sum(count for count, trained in counts if trained), sum(count for count, _ in counts)
