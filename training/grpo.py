"""Reinforcement learning with TRL's GRPOTrainer (GRPO, arXiv 2402.03300), rewarded by the verifier.

In a checkout, installed by ``pip install -e .``:

    accelerate launch training/grpo.py --recipe training/recipes/grpo_tiny_cpu.yaml --dataset arith-puzzle --out runs/g

Installed from a wheel:

    accelerate launch -m arith_puzzle.training.grpo --recipe grpo_tiny_cpu --dataset arith-puzzle --out runs/g

The model answers puzzles of the dataset, several samples for each, and learns from those that are better than their
group. It does not see the dataset's solutions. A run writes what a run of ``sft`` writes; the log in run.json has
reward, pass@1 of the samples, their length, the share of groups without a signal, and the entropy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.verify import check_options, rules_of
from arith_puzzle.metrics.rewards import completion_text, graded_reward_for, other_rules, reward_for
from arith_puzzle.training import run
from arith_puzzle.training.recipe import Recipe
from arith_puzzle.training.sections import RewardSection


def train(recipe: Recipe, output: Path, *, dataset: str | None = None) -> Path:
    """``run.train`` for recipes with a ``grpo`` section."""
    return run.train(METHOD, recipe, output, dataset=dataset)


def _arguments(recipe: Recipe, checkpoints: Path):
    from trl import GRPOConfig

    graded = recipe.reward.graded if recipe.reward else 0.0
    arguments = run.trainer_arguments(
        GRPOConfig,
        recipe,
        checkpoints,
        reward_weights=[1.0, graded] if graded else None,
        chat_template_kwargs=recipe.chat.template_kwargs if recipe.chat else None,
    )
    for key in ("num_generations", "steps_per_generation", "num_iterations", "gradient_accumulation_steps",
                "per_device_train_batch_size", "max_completion_length", "temperature"):  # fmt: skip
        if not getattr(arguments, key) > 0:
            raise InputError(f"{recipe.name}: grpo.{key} is {getattr(arguments, key)}; it must be above 0")
    each = arguments.steps_per_generation * arguments.num_iterations / arguments.gradient_accumulation_steps
    if arguments.save_strategy == "steps" and (arguments.save_steps < 1 or arguments.save_steps % each):
        raise InputError(f"{recipe.name}: grpo.save_steps is {arguments.save_steps:g}; one batch of samples serves "
                         f"{each:g} steps, and a checkpoint does not hold it; use a multiple of {each:g}")  # fmt: skip
    return arguments


def _trainer(recipe: Recipe, arguments, model, tokenizer, dataset: str | None) -> tuple[object, Callable[[], dict]]:
    from arith_puzzle.training.grpo_trainer import SignalTrainer
    from arith_puzzle.training.models import lora_config
    from arith_puzzle.training.trainer import StopAtNaN

    tokenizer.padding_side = "left"
    rows = puzzles(recipe, dataset)
    trainer = SignalTrainer(
        model=model,
        reward_funcs=rewards(recipe),
        args=arguments,
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=lora_config(recipe) if not recipe.model.adapter else None,
        callbacks=[StopAtNaN(recipe.name)],
        muon=recipe.optimizer == "muon",
    )
    each = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    return trainer, lambda: {
        "puzzles": len(rows),
        "samples": trainer.state.global_step * each,
        "tokens_seen": trainer.state.num_input_tokens_seen,
    }


def puzzles(recipe: Recipe, dataset: str | None = None):
    """The puzzles of a recipe: a datasets.Dataset with the columns prompt, numbers, target and those of their rules.

    A prompt is the text that ``arith-puzzle score`` asks, or with ``chat`` the messages.

    Args:
        dataset: folder or Hub id of the dataset, instead of the recipe's ``dataset.path``.

    Raises:
        InputError: the dataset cannot be loaded, lacks a column or has too few rows; a row is no puzzle, or has rules
            that ``reward.graded`` cannot judge.
    """
    from datasets import Dataset

    from arith_puzzle.training.data.rows import first_rows

    section = recipe.dataset
    question = FORMATS[section.format].question
    path = dataset or section.path
    rows = first_rows(section, path, ("numbers", "target")).to_pylist()
    for number, row in enumerate(rows, 1):
        try:
            puzzle_of(row)
            rules = rules_of(row)
            check_options(**rules)
        except ValueError as error:
            raise InputError(f"row {number} of {path}/{section.config}/{section.split}: {error}") from None
        if len(row["numbers"]) < 2:
            raise InputError(f"row {number} of {path}/{section.config}/{section.split} has fewer than 2 numbers")
        if recipe.reward and recipe.reward.graded and other_rules(rules):
            raise InputError(f"{recipe.name}: reward.graded is for the paper's rules, and row {number} of {path} has "
                             f"{rules}; drop it")  # fmt: skip
    asked = (lambda row: recipe.chat.messages(question(row))) if recipe.chat else question
    return Dataset.from_list([row | {"prompt": asked(row)} for row in rows])


def rewards(recipe: Recipe) -> list[Callable[..., list[float]]]:
    """The rewards of a recipe. They judge what ``arith-puzzle score`` judges, such as the part after a search.

    Returns:
        [reward], or with ``reward.graded`` [reward, graded_reward]. TRL logs them by these names, so
        ``rewards/reward/mean`` is pass@1 of the samples.
    """
    section, strict = recipe.reward or RewardSection(), FORMATS[recipe.dataset.format].strict

    def judged(function: Callable[..., list[float]]) -> Callable[..., list[float]]:
        @wraps(function)
        def judge(completions, **columns):
            return function([strict(completion_text(each)) for each in completions], **columns)

        return judge

    functions = [reward_for(lenient=section.lenient)]
    if section.graded:
        functions.append(graded_reward_for(lenient=section.lenient))
    return [judged(function) for function in functions]


METHOD = run.Method("grpo", _arguments, _trainer)

if __name__ == "__main__":
    sys.exit(run.main(METHOD, __file__, __doc__))
