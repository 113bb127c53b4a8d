"""Supervised fine-tuning by TRL: LoRA where the recipe has a ``lora`` section, else all parameters.

accelerate launch training/sft.py --recipe training/recipes/tiny_cpu.yaml --dataset arith-puzzle --out runs/tiny

Writes safetensors, the tokenizer and, last, ``run.json``: the recipe, versions, seed and curves.
Killed and started again it resumes from its last whole checkpoint; once run.json is there it does nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import errno
import fcntl
import importlib.util
import itertools
import json
import os
import platform
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import IO

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_json
from arith_puzzle.common.provenance import commit_of_checkout, digest, hardware
from arith_puzzle.training.energy import EnergyMeter, of_all_processes
from arith_puzzle.training.recipe import Recipe, check_hardware, check_sft_keys, load_recipe

PATIENCE = 10.0
"""Seconds that a machine's other processes keep an error back: most are the first one's too, and its end is theirs."""
RECORDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "numpy", "numba")


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", required=True, help="a recipe's file, or the name of one in training/recipes")
    parser.add_argument("--dataset", help="folder or Hub id to use instead of the recipe's dataset.path")
    parser.add_argument("--out", help="folder of the run (default: runs/<the recipe's name>)")
    args = parser.parse_args(argv)
    try:
        recipe = load_recipe(args.recipe)
        train(recipe, Path(args.out or Path("runs") / recipe.name), dataset=args.dataset)
    except InputError as error:
        if int(os.environ.get("LOCAL_RANK", "0")):
            time.sleep(PATIENCE)
        print(f"arith-puzzle train: {error}", file=sys.stderr)
        return 2
    return 0


def train(recipe: Recipe, output: Path, *, dataset: str | None = None) -> Path:
    """Run a recipe to its end and return ``output``; a finished run is left alone.

    ``dataset``, a folder or Hub id, stands in for the recipe's ``dataset.path``.

    Raises:
        InputError: the folder holds another recipe's run, the hardware is not what the recipe needs, the base or the
            dataset cannot be loaded, a recipe key is unknown to TRL, the loss is not finite, or the disk is full.
    """
    done = output / "run.json"
    if done.is_file():
        if json.loads(done.read_text())["recipe_digest"] != recipe.digest:
            raise InputError(f"{output} holds another recipe's run; give another --out, or delete it")
        print(f"{output}: done before, nothing to train")
        return output
    check_hardware(recipe)
    with _claim(output, recipe):
        _run(recipe, output, dataset)
    return output


def _run(recipe: Recipe, output: Path, dataset: str | None) -> None:
    os.environ["TRACKIO_DIR"] = str((output / "trackio").resolve())  # curves stay with the run
    import transformers
    from peft import LoraConfig
    from trl import SFTConfig

    from arith_puzzle.training.base_tokenizer import base_commit
    from arith_puzzle.training.data.packing import Sequences, collator
    from arith_puzzle.training.data.token_cache import token_cache
    from arith_puzzle.training.models import load_model
    from arith_puzzle.training.trainer import CompletionTrainer, StopAtNaN

    check_sft_keys(recipe, [item.name for item in dataclasses.fields(SFTConfig)])
    if "trackio" in (recipe.sft.get("report_to") or ()) and importlib.util.find_spec("trackio") is None:
        raise InputError(f"{recipe.name} draws its curves by trackio, which is not installed; run: pip install "
                         "'arith-puzzle[curves]', or set sft.report_to: none")  # fmt: skip
    transformers.set_seed(recipe.seed)
    commit = commit_of_checkout()
    checkpoints, done = output / "checkpoints", output / "run.json"
    try:
        arguments = SFTConfig(
            output_dir=str(checkpoints),
            seed=recipe.seed,
            dataset_kwargs={"skip_prepare_dataset": True},
            remove_unused_columns=False,  # the one column is where a sequence is read from
            logging_nan_inf_filter=False,
            **{"trackio_space_id": None, "trackio_static_space_id": False, "project": recipe.name, **recipe.sft},
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"{recipe.name}: the sft section is refused: {' '.join(str(error).split())}") from None
    if arguments.n_gpu > 1:  # one process among several GPUs: else every batch would be as many times larger
        arguments._n_gpu = 1
    revision = recipe.model.revision or (base_commit(recipe.base_path) if recipe.model.base else None)
    model, tokenizer = load_model(recipe, revision)
    sequences = Sequences(token_cache(recipe, tokenizer, dataset), recipe.pack)
    try:
        trainer = CompletionTrainer(
            model=model,
            args=arguments,
            train_dataset=sequences.dataset(),
            data_collator=collator(tokenizer, model, packed=recipe.pack is not None),
            processing_class=tokenizer,
            peft_config=LoraConfig(task_type="CAUSAL_LM", **dataclasses.asdict(recipe.lora)) if recipe.lora else None,
            callbacks=[StopAtNaN(recipe.name)],
            muon=recipe.optimizer == "muon",
        )
        checkpoint = last_checkpoint(checkpoints)
        meter, started = EnergyMeter(str(trainer.accelerator.device)).start(), time.time()
        result = trainer.train(resume_from_checkpoint=checkpoint)
        seconds, energy = time.time() - started, of_all_processes(meter.stop(), trainer.accelerator)
        sizes = _parameters(trainer.accelerator.unwrap_model(trainer.model))
        weights = trainer.accelerator.get_state_dict(trainer.model)  # FSDP and ZeRO-3 gather them from all processes
        if not trainer.accelerator.is_main_process:
            return
        trained = trainer.accelerator.unwrap_model(trainer.model)
        if recipe.lora:  # PEFT leaves it open
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
            "dataset_manifest_sha256": digest(dataset or recipe.dataset.path) if recipe.dataset else None,
            "train_loss": (mean_loss(trainer.state.log_history) if checkpoint else None) or result.training_loss,
            "seconds": round(seconds, 1),
            "resumed_from_step": int(checkpoint.split("-")[-1]) if checkpoint else None,
            "energy": energy,
            "hardware": hardware(str(trainer.accelerator.device)) | {"processes": trainer.accelerator.num_processes},
            "versions": {"python": platform.python_version(), **{name: version(name) for name in RECORDED}},
            "sft_config": {k: v for k, v in arguments.to_dict().items() if "token" not in k and "dir" not in k},
            "log": trainer.state.log_history,
        }
        write_json(done, record)
    except Exception as error:
        if shutil.disk_usage(output).free < 2**20 or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"no space left in {output}; free some, and the same command goes on from the last whole "
                             "checkpoint") from None  # fmt: skip
        raise
    shutil.rmtree(checkpoints, ignore_errors=True)


def last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint: trainer_state.json is written last. The first process removes broken ones."""
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
    """The mean over the log, each line as often as it has steps; the trainer knows a resumed run's last part only."""
    points = [(0, 0.0), *((entry["step"], entry["loss"]) for entry in log if "loss" in entry)]
    total = sum((step - before) * loss for (before, _), (step, loss) in itertools.pairwise(points))
    return total / points[-1][0] if len(points) > 1 else None


def _claim(output: Path, recipe: Recipe) -> IO[str]:
    """Write whose run this is before the first checkpoint, so that no other recipe resumes from it.

    Returns the locked file; a second training in this folder is refused while it is open. Of all processes of this one,
    on whatever machine, the first one sees to it: a lock on a shared disk may hold between machines too.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    try:
        output.mkdir(parents=True, exist_ok=True)
        file = (output / "recipe.json").open("a+")
        if not _first():
            return file
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.seek(0)
        earlier = _parsed(file.read())
        said, began = None, earlier.get("processes", processes)
        if earlier and earlier["digest"] != recipe.digest:
            said = f"{output} holds another recipe's unfinished run; give another --out, or delete it"
        elif began != processes and last_checkpoint(output / "checkpoints"):
            said = f"the run in {output} began with {began} process(es); go on with as many, or give another --out"
        if said:
            file.close()
            raise InputError(said)
        file.truncate(0)
        claim = {"digest": recipe.digest, "processes": processes, "recipe": dataclasses.asdict(recipe)}
        file.write(json.dumps(claim, indent=1))
        file.flush()
        return file
    except BlockingIOError:
        raise InputError(f"another process is training in {output}; wait for it, or give another --out") from None
    except OSError as error:
        raise InputError(f"cannot write to {output}: {error.strerror}; give another --out") from None


def _first() -> bool:
    """Is this the first process of all, or the only one?"""
    return int(os.environ.get("RANK", "0")) == 0


def _parsed(text: str) -> dict:
    """{} where a process was killed before it had written whose run this is."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _parameters(model) -> tuple[int, int]:
    """Trained parameters and all of them; a shard of ZeRO-3 knows the number of the whole as ``ds_numel``."""
    counts = [(getattr(p, "ds_numel", p.numel()), p.requires_grad) for p in model.parameters()]
    return sum(count for count, trained in counts if trained), sum(count for count, _ in counts)


if __name__ == "__main__":
    sys.exit(main())
