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

import sys
from collections.abc import Callable
from pathlib import Path

from arith_puzzle.training import run
from arith_puzzle.training.recipe import Recipe


def train(recipe: Recipe, output: Path, *, dataset: str | None = None) -> Path:
    """``run.train`` for recipes without a ``grpo`` section."""
    return run.train(METHOD, recipe, output, dataset=dataset)


def _arguments(recipe: Recipe, checkpoints: Path):
    from trl import SFTConfig

    # The dataset's one column is a sequence's index.
    return run.trainer_arguments(SFTConfig, recipe, checkpoints, dataset_kwargs={"skip_prepare_dataset": True})


def _trainer(recipe: Recipe, arguments, model, tokenizer, dataset: str | None) -> tuple[object, Callable[[], dict]]:
    from arith_puzzle.training.data.packing import Sequences, collator
    from arith_puzzle.training.data.token_cache import token_cache
    from arith_puzzle.training.models import lora_config
    from arith_puzzle.training.trainer import CompletionTrainer, StopAtNaN

    sequences = Sequences(token_cache(recipe, tokenizer, dataset), recipe.pack)
    trainer = CompletionTrainer(
        model=model,
        args=arguments,
        train_dataset=sequences.dataset(),
        data_collator=collator(tokenizer, model, packed=recipe.pack is not None),
        processing_class=tokenizer,
        peft_config=lora_config(recipe) if not recipe.model.adapter else None,
        callbacks=[StopAtNaN(recipe.name)],
        muon=recipe.optimizer == "muon",
    )
    return trainer, lambda: {
        **sequences.record(),
        "tokens_seen": round(trainer.state.epoch * sequences.num_tokens),
    }


METHOD = run.Method("sft", _arguments, _trainer)

if __name__ == "__main__":
    sys.exit(run.main(METHOD, __file__, __doc__))
