"""Supervised fine-tuning with TRL: LoRA if the recipe has a ``lora`` section, else all parameters.

In a checkout, installed by ``pip install -e .``:

    accelerate launch training/sft.py --recipe training/recipes/tiny_cpu.yaml --dataset arith-puzzle --out runs/tiny

Installed from a wheel:

    accelerate launch -m arith_puzzle.training.sft --recipe tiny_cpu --dataset arith-puzzle --out runs/tiny

A run writes the weights as safetensors, the tokenizer and, last, ``run.json``: the recipe, versions, the seed and the
loss curve. The same command resumes an interrupted run from its last complete checkpoint. A run with a run.json is
complete, and the command leaves it as it is.
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
from importlib.metadata import version
from pathlib import Path

from arith_puzzle.common.errors import InputError, first_line, reported
from arith_puzzle.common.files import PACKAGE, LockedJson, write_json
from arith_puzzle.common.processes import follow_parent
from arith_puzzle.common.provenance import check_name, commit_of_checkout, digest, hardware, model_content, run_record
from arith_puzzle.dataset_builder.configs import how_to_get
from arith_puzzle.training.recipe import Recipe, check_hardware, check_sft_keys, load_recipe

PATIENCE = 10.0
"""Seconds before another process than the machine's first one prints an error. Most errors occur in all processes; the
first one's end stops the others, so the error is printed once."""
RECORDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "numpy", "numba")


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    follow_parent()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", required=True, help="file of a recipe, or the name of one in training/recipes")
    parser.add_argument("--dataset", help="folder or Hub id of the dataset (default: the recipe's dataset.path)")
    parser.add_argument("--out", help="folder of the run (default: runs/<name of the recipe>)")
    args = parser.parse_args(argv)
    try:
        _check_installed()
        recipe = load_recipe(args.recipe)
        train(recipe, Path(args.out or Path("runs") / recipe.name), dataset=args.dataset)
    except InputError as error:
        if int(os.environ.get("LOCAL_RANK", "0")):
            time.sleep(PATIENCE)
        print(f"arith-puzzle train: {error}", file=sys.stderr)
        return 2
    return 0


def _check_installed() -> None:
    """Raise InputError if this file is a script of one checkout and the imported package is another."""
    own, installed = Path(__file__).resolve(), (PACKAGE / "training" / "sft.py").resolve()
    if own != installed:
        raise InputError(f"{own} is not part of the installed package, which has {installed}; run: "
                         f"pip install -e {shlex.quote(str(own.parent.parent))}")  # fmt: skip


def train(recipe: Recipe, output: Path, *, dataset: str | None = None) -> Path:
    """Train a recipe in the folder ``output`` and return that folder. A complete run is left as it is.

    Args:
        dataset: folder or Hub id of the dataset, instead of the recipe's ``dataset.path``.

    Raises:
        InputError: the folder holds a run of another recipe, base or dataset; the hardware does not meet the recipe's
            needs, the base or the dataset cannot be loaded, TRL does not know a key, the loss is not finite, or the
            disk is full.
    """
    if not (output / "run.json").is_file():
        check_hardware(recipe)
    made_from = contents(recipe, dataset)
    if finished(output, recipe, made_from):
        print(f"{output}: complete, nothing to train")
        return output
    with claim(output, recipe, made_from):
        _run(recipe, output, dataset, made_from)
    return output


def contents(recipe: Recipe, dataset: str | None = None) -> dict[str, str | None]:
    """What the run is made from, known by content: {"base", "dataset"}. None for what the recipe does not have.

    Args:
        dataset: folder or Hub id of the dataset, instead of the recipe's ``dataset.path``.

    Raises:
        InputError: the base or the dataset cannot be read.
    """
    from arith_puzzle.training.data.token_cache import split_content

    section, base = recipe.dataset, recipe.model.base and recipe.base_path
    if base:
        check_name(base, "base")
    if section:
        check_name(dataset or section.path, "dataset", how_to_get(section.config, dataset or section.path))
    with reported(f"cannot load the base {base!r}", base):
        known = model_content(base, recipe.model.revision) if base else None
    return {"base": known, "dataset": split_content(section, dataset or section.path) if section else None}


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


def _run(recipe: Recipe, output: Path, dataset: str | None, made_from: dict) -> None:
    os.environ["TRACKIO_DIR"] = str((output / "trackio").resolve())  # keeps the curves in the run's folder
    import transformers
    from trl import SFTConfig

    from arith_puzzle.training.base_tokenizer import base_commit
    from arith_puzzle.training.data.packing import Sequences, collator
    from arith_puzzle.training.data.token_cache import token_cache
    from arith_puzzle.training.models import check_lora, load_model, lora_config
    from arith_puzzle.training.trainer import CompletionTrainer, StopAtNaN

    check_sft_keys(recipe, [item.name for item in dataclasses.fields(SFTConfig)])
    if "trackio" in (recipe.sft.get("report_to") or ()) and importlib.util.find_spec("trackio") is None:
        raise InputError(f"{recipe.name} reports its curves to trackio, which is not installed; run: pip install "
                         "'arith-puzzle[curves]', or set sft.report_to: none")  # fmt: skip
    transformers.set_seed(recipe.seed)
    commit = commit_of_checkout()
    checkpoints, done = output / "checkpoints", output / "run.json"
    try:
        arguments = SFTConfig(
            output_dir=str(checkpoints),
            seed=recipe.seed,
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,  # the dataset's one column is a sequence's index
            logging_nan_inf_filter=False,
            **{"trackio_space_id": None, "trackio_static_space_id": False, "project": recipe.name, **recipe.sft},
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"{recipe.name}: TRL refuses the sft section: {' '.join(str(error).split())}") from None
    if arguments.n_gpu > 1:  # one process on several GPUs: DataParallel would multiply every batch
        arguments._n_gpu = 1
    revision = recipe.model.revision or (base_commit(recipe.base_path) if recipe.model.base else None)
    model, tokenizer = load_model(recipe, revision)
    if recipe.lora:
        check_lora(model, recipe)
    sequences = Sequences(token_cache(recipe, tokenizer, dataset), recipe.pack)
    trainer = None
    try:
        trainer = CompletionTrainer(
            model=model,
            args=arguments,
            train_dataset=sequences.dataset(),
            data_collator=collator(tokenizer, model, packed=recipe.pack is not None),
            processing_class=tokenizer,
            peft_config=lora_config(recipe),
            callbacks=[StopAtNaN(recipe.name)],
            muon=recipe.optimizer == "muon",
        )
        checkpoint = last_checkpoint(checkpoints)
        started = time.time()
        result = trainer.train(resume_from_checkpoint=checkpoint)
        seconds = time.time() - started
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
            **sequences.record(),
            "tokens_seen": round(trainer.state.epoch * sequences.num_tokens),
            "parameters": sizes[1],
            "trainable_parameters": sizes[0],
            "base_sha256": digest(recipe.base_path) if recipe.model.base else None,
            "content": made_from,
            "train_loss": (mean_loss(trainer.state.log_history) if checkpoint else None) or result.training_loss,
            "seconds": round(seconds, 1),
            "resumed_from_step": int(checkpoint.split("-")[-1]) if checkpoint else None,
            "hardware": hardware(str(trainer.accelerator.device)) | {"processes": trainer.accelerator.num_processes},
            "versions": {"python": platform.python_version(), **{name: version(name) for name in RECORDED}},
            "sft_config": {k: v for k, v in arguments.to_dict().items() if "token" not in k and "dir" not in k},
            "log": trainer.state.log_history,
        }
        write_json(done, record)
    except Exception as error:
        if shutil.disk_usage(output).free < 2**20 or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"no space left in {output}; free some, and repeat the command: it resumes from the "
                             "last complete checkpoint") from None  # fmt: skip
        begun = trainer is not None and trainer.state.global_step
        refused = isinstance(error, ValueError | TypeError | ArithmeticError | AttributeError | LookupError)
        if refused and not begun and not isinstance(error, InputError):
            raise InputError(f"{recipe.name}: the training does not start: {first_line(error)}; check the recipe's sft "
                             "section") from error  # fmt: skip
        raise
    shutil.rmtree(checkpoints, ignore_errors=True)


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


if __name__ == "__main__":
    sys.exit(main())
