"""Recipes: one YAML file describes one training run. An unknown key is an error, never ignored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.common.files import PACKAGE, shipped
from arith_puzzle.common.strict_yaml import STRICT, NotNegative, build, check_keys, names, read_yaml
from arith_puzzle.training.sections import (
    LATER,
    DatasetSection,
    DrillsSection,
    LoraSection,
    ModelSection,
    NeedsSection,
    RewardSection,
    ScoreSection,
)


@dataclass(frozen=True, config=STRICT)
class Recipe:
    """A training run.

    Attributes:
        name: name of the run, its folder and its Hub repos.
        dataset, drills: where the rows come from; at least one of the two.
        chat: write rows by the base's chat template: the prompt is a user's turn, the completion an assistant's.
        pack: tokens of a packed sequence. Whole rows fill it and do not attend to each other. None: each row is a
            sequence, padded to the longest of its batch.
        lora: None trains all parameters.
        optimizer: ``muon`` trains the matrices of the layers with Muon (``arith_puzzle.training.muon``) instead of
            ``sft.optim`` or ``grpo.optim``.
        processes: CPU processes that train together (data parallel, gloo), one thread each. The batch of a step is
            ``sft.per_device_train_batch_size`` times this number. None: one process, or what ``accelerate launch``
            starts.
        sft: fields of ``trl.SFTConfig``.
        grpo: fields of ``trl.GRPOConfig``. With this section, even an empty one, the recipe trains by reinforcement
            learning (``arith_puzzle.training.grpo``) and has no ``sft``.
        reward: what ``grpo`` rewards. None: the strict reward.
    """

    name: str
    model: ModelSection
    seed: NotNegative = 0
    dataset: DatasetSection | None = None
    drills: DrillsSection | None = None
    chat: Chat | None = field(default=None, metadata=LATER)
    pack: Annotated[int, Field(ge=64)] | None = field(default=None, metadata=LATER)
    lora: LoraSection | None = None
    optimizer: Literal["muon"] | None = field(default=None, metadata=LATER)
    processes: Annotated[int, Field(ge=2, le=64)] | None = field(default=None, metadata=LATER)
    sft: dict[str, Any] = field(default_factory=dict)
    grpo: dict[str, Any] | None = field(default=None, metadata=LATER)
    reward: RewardSection | None = field(default=None, metadata=LATER)
    score: ScoreSection = field(default_factory=ScoreSection)
    needs: NeedsSection | None = None

    @property
    def method(self) -> Literal["sft", "grpo"]:
        """Name of the section with the trainer's arguments."""
        return "sft" if self.grpo is None else "grpo"

    @property
    def trainer(self) -> dict[str, Any]:
        """The section with the trainer's arguments."""
        return self.sft if self.grpo is None else self.grpo

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the run depends on, hex: two recipes with the same digest are the same run.

        ``needs`` does not count: it says where the run fits, not what it is. Fields marked LATER count only where they
        differ from their defaults, so that runs from the time without these fields keep their digests.
        """
        values = dataclasses.asdict(self)
        del values["needs"]
        sections = ("model", "dataset", "drills", "lora", "score")
        parts = [(self, values), *((getattr(self, key), values[key]) for key in sections)]
        for part, kept in parts:
            for item in dataclasses.fields(part) if part else ():
                if item.metadata.get("later") and getattr(part, item.name) == item.default:
                    del kept[item.name]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @property
    def base_path(self) -> str:
        """The folder of the base, in the package or below the current directory; else its Hub id."""
        return _shipped_folder(self.model.base, "config.json")

    @property
    def adapter_path(self) -> str | None:
        """The folder of the adapter, in the package or below the current directory; None without one."""
        return None if self.model.adapter is None else _shipped_folder(self.model.adapter, "adapter_config.json")


def _shipped_folder(name: str | None, file: str) -> str:
    for local in (PACKAGE / (name or ""), Path(name or "")):
        if name and (local / file).is_file():
            return str(local)
    return str(name)


NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
SHAPE = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
"""Required fields of ``model.shape``. The default of a missing field would silently be that of Llama-7B."""
CHAT_FORMATS = ("natural", "alpaca")
"""The formats whose questions are sentences, as a chat expects them."""
WINDOW = "sliding_window"
"""Optional field of ``model.shape``: how many tokens back attention reaches."""
NOPE = "no_rope_layer_interval"
"""Optional field of ``model.shape``: layers that are multiples of it have no positional embedding (NoPE, arXiv
2305.19466). With 1 no layer has any, and the order of tokens comes from the causal mask alone."""
RESERVED = {
    "output_dir": "--out",
    "seed": "the recipe's seed",
    "data_seed": "the recipe's seed",
    "resume_from_checkpoint": "nothing: a run resumes by itself",
    "save_only_model": "nothing: a run resumes to the same weights",
    "ignore_data_skip": "nothing: a run resumes to the same weights",
    "push_to_hub": "arith-puzzle publish",
    "hub_token": "HF_TOKEN",
    "trust_remote_code": "nothing: no remote code is run",
    "model_init_kwargs": "the recipe's model section",
    "remove_unused_columns": "nothing: the trainer needs all columns",
    "logging_nan_inf_filter": "nothing: a loss that is not finite ends the run",
    "pad_to_multiple_of": "the recipe's pack",
    "fsdp": "accelerate's configuration, training/accelerate/fsdp.yaml",
    "fsdp_config": "accelerate's configuration, training/accelerate/fsdp.yaml",
    "deepspeed": "accelerate's configuration, training/accelerate/zero3.yaml",
}
"""Keys of the trainer's section that a recipe does not set, and what sets them."""
RESERVED_BY_METHOD = {
    "sft": {
        "chat_template_path": "the base's tokenizer; see the recipe's chat",
        "eos_token": "the recipe's model.eos_token",
        "pad_token": "the base's tokenizer, which is given one",
        "completion_only_loss": "nothing: only completions have a loss",
        "assistant_only_loss": "nothing: only completions have a loss",
        "dataset_text_field": "the recipe's dataset.format",
        "dataset_kwargs": "the recipe's dataset section",
        "dataset_num_proc": "nothing: rows are tokenized by all cores",
        "max_length": "nothing: rows are never cut; see the recipe's pack",
        "truncation_mode": "nothing: rows are never cut",
        "packing_strategy": "the recipe's pack",
        "eval_packing": "nothing: scores are taken after the training",
        "packing": "the recipe's pack",
        "padding_free": "the recipe's pack",
    },
    "grpo": {
        "reward_weights": "the recipe's reward.graded",
        "chat_template_kwargs": "the recipe's chat.template_kwargs",
        "log_completions_hub_repo": "nothing: a run uploads nothing",
    },
}


def load_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe. It imports nothing of torch, so a typing error shows at once.

    Args:
        path: a file, or the name of a recipe of the package, such as ``tiny_cpu``.

    Raises:
        InputError: the file cannot be read or is not YAML, a key is unknown, a value has the wrong type or is out of
            bounds, or sections are missing or contradict each other.
    """
    path = shipped(path, "training/recipes")
    return make_recipe(path, read_recipe(path))


def read_recipe(path: Path) -> dict[str, Any]:
    """The unchecked content of a recipe's file. Raises InputError: not readable, not YAML, or not a mapping."""
    raw = read_yaml(path, "recipe", "; see training/recipes/")
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a recipe is a mapping with the keys {', '.join(names(Recipe))}")
    return raw


def make_recipe(path: str | Path, raw: dict[str, Any]) -> Recipe:
    """The recipe with the content ``raw``; errors name ``path``. Raises InputError as ``load_recipe``."""
    recipe = build(path, "", Recipe, raw)
    try:
        json.dumps(dataclasses.asdict(recipe), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: a value is not of JSON's types: {first_line(error)}; write it as text") from None
    _check_sense(path, recipe)
    return recipe


def check_trainer_keys(recipe: Recipe, known: list[str]) -> None:
    """Raise InputError on a key of ``recipe.trainer`` that is not in ``known``, the fields of TRL's configuration."""
    check_keys(recipe.name, f"{recipe.method}.", recipe.trainer, known)


def check_hardware(recipe: Recipe) -> None:
    """Check that this machine meets the recipe's ``needs``, before anything large is loaded.

    Raises:
        InputError: too few GPUs or processes, too little memory on a GPU, or bf16 where TRL refuses it.
    """
    import torch

    smaller = "take training/recipes/tiny_cpu.yaml, which a CPU trains in minutes"
    found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    if recipe.needs:
        wanted = f"{recipe.name} needs {recipe.needs.gpus} GPU{'s' * (recipe.needs.gpus > 1)} of "
        wanted += f"{recipe.needs.gpu_memory_gb} GB"
        # accelerate tells each process how many processes run on all machines. Each has its own GPU.
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        count = max(len(found), processes) if found else 0
        if count < recipe.needs.gpus:
            have = f"this run has {count}" if found else "this machine has none"
            raise InputError(f"{wanted} and {have}; {smaller}, or change 'needs' if you know that it fits")
        if processes < recipe.needs.gpus:
            have = f"this run has {processes} process{'es' * (processes > 1)}, each with a GPU"
            raise InputError(f"{wanted} and {have}; start it by accelerate launch, see training/accelerate/")
        least = min(found, key=lambda gpu: gpu.total_memory)
        if least.total_memory < recipe.needs.gpu_memory_gb * 1e9:
            raise InputError(
                f"{wanted} and {least.name} has {least.total_memory / 1e9:.0f} GB; lower the batch size, raise "
                f"{recipe.method}.gradient_accumulation_steps and change 'needs', or {smaller}"
            )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if recipe.processes and recipe.processes != started:
        raise InputError(
            f"{recipe.name} trains with {recipe.processes} processes and this run has {started}; start it by "
            "arith-puzzle train, or by accelerate launch with training/accelerate/ddp_cpu.yaml"
        )
    section = recipe.method
    bf16 = recipe.trainer.get("bf16", not recipe.trainer.get("fp16"))  # TRL's default is true
    if bf16 and not recipe.trainer.get("use_cpu"):
        if not found:
            raise InputError(f"{recipe.name} trains in bf16 on a GPU, and this machine has none; set "
                             f"{section}.bf16: false")  # fmt: skip
        if not torch.cuda.is_bf16_supported(including_emulation=False):
            raise InputError(f"{recipe.name} trains in bf16, and {found[0].name} has no bf16; "
                             f"set {section}.bf16: false")  # fmt: skip


def _check_sense(path: str | Path, recipe: Recipe) -> None:
    """Raise InputError where a name is not usable or sections contradict each other."""
    model, section, arguments = recipe.model, recipe.method, recipe.trainer
    if not re.fullmatch(NAME, recipe.name):
        raise InputError(f"{path}: name: {recipe.name[:60]!r} names folders and repos; use letters, digits, . _ -")
    for key, owner in (RESERVED | RESERVED_BY_METHOD[section]).items():
        if key in arguments:
            raise InputError(f"{path}: {section}.{key} is not set in a recipe; it is set by {owner}")
    for key, value in arguments.items():
        if isinstance(value, str) and _is_number(value):
            raise InputError(f"{path}: {section}.{key}: {value!r} is text in YAML, not a number; write 1e-4 as 1.0e-4")
    _check_grpo(path, recipe)
    if recipe.dataset is None and recipe.drills is None:
        raise InputError(f"{path}: add 'dataset', 'drills' or both: they say where the rows come from")
    if (model.base is None) == (model.shape is None):
        raise InputError(f"{path}: 'model' has exactly one of 'base' and 'shape'")
    if model.shape is not None:
        if recipe.lora is not None:
            raise InputError(f"{path}: 'lora' needs a 'model.base' to adapt; with a 'shape', drop 'lora'")
        check_keys(path, "model.shape.", model.shape, [*SHAPE, WINDOW, NOPE])
        for key in SHAPE:
            if key not in model.shape:
                raise InputError(f"{path}: model.shape has no {key}; it needs {', '.join(SHAPE)}")
        if WINDOW in model.shape and NOPE in model.shape:
            raise InputError(f"{path}: model.shape has {WINDOW} and {NOPE}; drop one of them")
        for key in ("revision", "dtype", "quantization"):
            if getattr(model, key) is not None:
                raise InputError(f"{path}: model.{key} goes with a 'model.base'; with a 'shape', drop it")
    if model.tokenizer and (model.tokenizer == "slow") != (model.base is not None):
        raise InputError(f"{path}: model.tokenizer: slow goes with a 'model.base' and pairs with a 'shape'; drop it")
    if recipe.chat:
        if model.shape is not None or recipe.drills is not None:
            raise InputError(f"{path}: 'chat' needs a 'model.base' with a chat template, and rows of a dataset alone; "
                             "drop 'chat', or drop 'shape' and 'drills'")  # fmt: skip
        if recipe.dataset and recipe.dataset.format not in CHAT_FORMATS:
            raise InputError(f"{path}: 'chat' needs questions in English; set dataset.format: "
                             f"{' or '.join(CHAT_FORMATS)}")  # fmt: skip
    if model.eos_token is not None and model.base is None:
        raise InputError(f"{path}: model.eos_token goes with a 'model.base'; with a 'shape', drop it")
    if model.positions is not None and recipe.lora is not None:
        raise InputError(f"{path}: model.positions needs training of all parameters; drop it, or drop 'lora'")
    if model.quantization and recipe.lora is None:
        raise InputError(f"{path}: model.quantization: weights in 4 bits cannot be trained; add a 'lora' section")
    if model.quantization and model.dtype is None:
        raise InputError(f"{path}: model.quantization needs model.dtype, the type of its computations; set bfloat16")
    if arguments.get("bf16") and arguments.get("fp16"):
        raise InputError(
            f"{path}: {section}.bf16 and {section}.fp16 exclude each other; keep bf16 if the GPU supports it"
        )
    if model.dtype == "bfloat16" and recipe.lora is None:
        raise InputError(f"{path}: model.dtype: trained weights stay float32; drop it, and set {section}.bf16: true")
    if model.attn_implementation == "flash_attention_2" and not (arguments.get("bf16") or arguments.get("fp16")):
        raise InputError(f"{path}: flash_attention_2 works in 16 bits only; set {section}.bf16: true, or use sdpa")
    if recipe.optimizer and "optim" in arguments:
        raise InputError(f"{path}: 'optimizer' replaces {section}.optim; drop one of them")
    if recipe.processes and not arguments.get("use_cpu"):
        raise InputError(
            f"{path}: 'processes' share a CPU; set {section}.use_cpu: true. accelerate launch starts several GPUs"
        )
    if recipe.needs and arguments.get("use_cpu"):
        raise InputError(f"{path}: 'needs' requires GPUs and {section}.use_cpu forbids them; drop one of them")


def _check_grpo(path: str | Path, recipe: Recipe) -> None:
    """Raise InputError where sections contradict each other about an adapter to start from, or about ``grpo``."""
    if recipe.model.adapter is not None and recipe.model.base is None:
        raise InputError(f"{path}: model.adapter needs the 'model.base' that it was trained on; add it")
    if recipe.model.adapter and recipe.model.quantization:
        raise InputError(f"{path}: model.adapter and model.quantization do not go together; drop one of them")
    if recipe.grpo is None:
        if recipe.reward:
            raise InputError(f"{path}: 'reward' is for recipes with a 'grpo' section; drop it, or add one")
        return
    if recipe.sft:
        raise InputError(f"{path}: 'sft' and 'grpo' exclude each other: a recipe is one training; drop one of them")
    if recipe.dataset is None or recipe.dataset.format == "alpaca":
        raise InputError(f"{path}: 'grpo' needs puzzles; add a 'dataset' with one of the formats of puzzles")
    if recipe.model.base is None:
        raise InputError(f"{path}: 'grpo' needs a model that solves some puzzles; set model.base, not model.shape")
    for key in ("drills", "pack"):
        if getattr(recipe, key) is not None:
            raise InputError(f"{path}: {key!r} is not for 'grpo'; drop it")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
