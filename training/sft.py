"""Supervised fine-tuning by TRL: LoRA where the recipe has a ``lora`` section, else all parameters.

accelerate launch training/sft.py --config training/recipes/tiny_cpu.yaml --dataset arith-puzzle --output runs/tiny

Writes safetensors, the tokenizer and, last, ``run.json``: the recipe, versions, seed and curves.
Killed and started again it resumes from its last whole checkpoint; once run.json is there it does nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import IO

from dataset_builder.errors import InputError
from training.recipe import ROOT, Recipe, check_sft_keys, load_recipe

RECORDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "numpy", "numba")


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="a recipe, training/recipes/*.yaml")
    parser.add_argument("--dataset", help="folder or Hub id to use instead of the recipe's dataset.path")
    parser.add_argument("--output", help="where the run goes; default runs/<the recipe's name>")
    args = parser.parse_args(argv)
    try:
        recipe = load_recipe(args.config)
        train(recipe, Path(args.output or Path("runs") / recipe.name), dataset=args.dataset)
    except InputError as error:
        print(f"arith-puzzle train: {error}", file=sys.stderr)
        return 2
    return 0


def train(recipe: Recipe, output: Path, *, dataset: str | None = None) -> Path:
    """Run a recipe to its end and return ``output``; a finished run is left alone.

    ``dataset``, a folder or Hub id, stands in for the recipe's ``dataset.path``.

    Raises:
        InputError: the folder holds another recipe's run, the base or the dataset cannot be loaded, a
            recipe key is unknown to TRL, or the loss is not finite.
    """
    done = output / "run.json"
    if done.is_file():
        if json.loads(done.read_text())["recipe_digest"] != recipe.digest:
            raise InputError(f"{output} holds another recipe's run; give another --output, or delete it")
        print(f"{output}: done before, nothing to train")
        return output

    os.environ["TRACKIO_DIR"] = str((output / "trackio").resolve())  # curves stay with the run
    import torch
    import transformers
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    check_sft_keys(recipe, [item.name for item in dataclasses.fields(SFTConfig)])
    transformers.set_seed(recipe.seed)
    commit = _source_commit()
    checkpoints = output / "checkpoints"
    lock = _claim(output, recipe)  # held while this function runs
    try:
        arguments = SFTConfig(
            output_dir=str(checkpoints),
            seed=recipe.seed,
            dataset_kwargs={"skip_prepare_dataset": True},
            **{"trackio_space_id": None, "trackio_static_space_id": False, "project": recipe.name, **recipe.sft},
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"{recipe.name}: the sft section is refused: {' '.join(str(error).split())}") from None
    model, tokenizer = load_model(recipe)
    rows = tokenize(_texts(recipe, dataset), tokenizer)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=LoraConfig(task_type="CAUSAL_LM", **dataclasses.asdict(recipe.lora)) if recipe.lora else None,
    )
    started = time.time()
    result = trainer.train(resume_from_checkpoint=last_checkpoint(checkpoints))
    if not math.isfinite(result.training_loss):
        raise InputError(f"{recipe.name}: the loss became {result.training_loss}; lower sft.learning_rate")
    if not trainer.accelerator.is_main_process:
        return output
    trained = trainer.accelerator.unwrap_model(trainer.model)
    trained.save_pretrained(output)
    tokenizer.save_pretrained(output)
    record = {
        "recipe_digest": recipe.digest,
        "recipe": dataclasses.asdict(recipe),
        "source_commit": commit,
        "rows": len(rows),
        "tokens_per_epoch": sum(rows["length"]),
        "parameters": sum(p.numel() for p in trained.parameters()),
        "trainable_parameters": sum(p.numel() for p in trained.parameters() if p.requires_grad),
        "base_sha256": _weights_sha256(recipe),
        "dataset_manifest_sha256": _manifest_sha256(dataset or (recipe.dataset and recipe.dataset.path)),
        "train_loss": result.training_loss,
        "seconds": round(time.time() - started, 1),
        "hardware": {"device": str(trainer.accelerator.device), "processes": trainer.accelerator.num_processes,
                     "cpu_count": os.cpu_count(), "threads": torch.get_num_threads()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in RECORDED}},
        "sft_config": {k: v for k, v in arguments.to_dict().items() if "token" not in k and "dir" not in k},
        "log": trainer.state.log_history,
    }  # fmt: skip
    partial = done.with_suffix(".tmp")
    partial.write_text(json.dumps(record, indent=1, sort_keys=True, default=str) + "\n")
    partial.rename(done)
    shutil.rmtree(checkpoints, ignore_errors=True)
    lock.close()
    return output


def load_model(recipe: Recipe):
    """The model to train (float32 unless the recipe's base says otherwise) and its tokenizer.

    Raises:
        InputError: the base cannot be loaded, or its tokenizer has no pad token of its own.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from training.tiny import build_tokenizer, init_model

    if recipe.model.shape:
        tokenizer = build_tokenizer()
        try:
            return init_model(recipe.model.shape, tokenizer, recipe.seed), tokenizer
        except TypeError as error:
            raise InputError(f"{recipe.name}: model.shape holds LlamaConfig fields; {error}") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(recipe.base_path, revision=recipe.model.revision)
        model = AutoModelForCausalLM.from_pretrained(recipe.base_path, revision=recipe.model.revision)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load the base {recipe.model.base!r}: {str(error).splitlines()[0]}") from None
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        raise InputError(f"the tokenizer of {recipe.model.base!r} needs a pad token that is not eos")
    return model, tokenizer


def tokenize(columns: dict[str, list[str]], tokenizer):
    """Tokenize prompt-completion rows, with the loss on the completion and its eos only.

    Returns:
        datasets.Dataset with input_ids, labels (-100 on the prompt) and length.

    Raises:
        InputError: a prompt's ids are not a prefix of prompt + completion's, so that what is trained
            is not what is asked at inference; or the tokenizer adds a token after the text.
    """
    from datasets import Dataset

    def encode(batch: dict[str, list[str]]) -> dict[str, list]:
        prompts = tokenizer(batch["prompt"])["input_ids"]
        wholes = tokenizer([p + c for p, c in zip(batch["prompt"], batch["completion"], strict=True)])["input_ids"]
        labels = []
        for text, prompt, whole in zip(batch["prompt"], prompts, wholes, strict=True):
            if whole[: len(prompt)] != prompt:
                raise InputError(f"the tokenizer merges prompt and completion of {text!r}; use another base")
            whole.append(tokenizer.eos_token_id)
            labels.append([-100] * len(prompt) + whole[len(prompt) :])
        return {"input_ids": wholes, "labels": labels, "length": [len(ids) for ids in wholes]}

    raw = Dataset.from_dict({"prompt": columns["prompt"], "completion": columns["completion"]})
    return raw.map(encode, batched=True, remove_columns=["prompt", "completion"], desc="Tokenizing")


def last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint: the trainer writes trainer_state.json last. Broken ones are removed."""
    newest = None
    for path in sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1])):
        try:
            json.loads((path / "trainer_state.json").read_text())
            newest = str(path)
        except (OSError, ValueError):
            shutil.rmtree(path)
    return newest


def _claim(output: Path, recipe: Recipe) -> IO[str]:
    """Write whose run this is before the first checkpoint, so that no other recipe resumes from it.

    Returns the locked file; a second process that trains here is refused while it is open.
    """
    marker = output / "recipe.json"
    try:
        if marker.is_file() and marker.stat().st_size and json.loads(marker.read_text())["digest"] != recipe.digest:
            raise InputError(f"{output} holds another recipe's unfinished run; give another --output, or delete it")
        output.mkdir(parents=True, exist_ok=True)
        file = (output / "recipe.json").open("a+")
        rank = int(os.environ.get("LOCAL_RANK", "0"))
        if rank == 0:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(json.dumps({"digest": recipe.digest, "recipe": dataclasses.asdict(recipe)}, indent=1))
            file.flush()
        return file
    except BlockingIOError:
        raise InputError(f"another process is training in {output}; wait for it, or give another --output") from None
    except OSError as error:
        raise InputError(f"cannot write to {output}: {error.strerror}; give another --output") from None


def _texts(recipe: Recipe, path: str | None) -> dict[str, list[str]]:
    if recipe.drills:
        from dataset_builder.drills import drill_columns

        return drill_columns(recipe.drills.rows, recipe.seed, recipe.drills.drill_share)
    from datasets import load_dataset

    section = recipe.dataset
    path = path or section.path
    slice_ = f"[:{section.rows}]" if section.rows else ""
    try:
        rows = load_dataset(path, section.config, split=section.split + slice_)
    except (OSError, ValueError) as error:
        message = str(error).splitlines()[0]
        raise InputError(
            f"cannot load the dataset {path!r}: {message}; build it with: arith-puzzle build --config "
            f"{section.config} --out {path}"
        ) from None
    if section.rows and len(rows) < section.rows:
        raise InputError(f"dataset.rows asks for {section.rows} rows; {section.split} has {len(rows)}")
    return {"prompt": list(rows["prompt"]), "completion": list(rows["completion"])}


def _weights_sha256(recipe: Recipe) -> str | None:
    weights = Path(recipe.base_path) / "model.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest() if recipe.model.base and weights.is_file() else None


def _manifest_sha256(dataset: str | None) -> str | None:
    manifest = Path(dataset) / "manifest.json" if dataset else None
    return hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest and manifest.is_file() else None


def _source_commit() -> str | None:
    """The checkout's commit, with ``+`` if files differ from it; None outside git."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        status = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=ROOT, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if status.stdout.strip() else "")


if __name__ == "__main__":
    sys.exit(main())
