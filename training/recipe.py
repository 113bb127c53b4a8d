"""Recipes: one YAML file per run, read strictly. An unknown key is an error, never ignored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE, shipped
from arith_puzzle.common.strict_yaml import build, check_keys, names, read_yaml

LATER = {"later": True}
"""Metadata of a field that older recipes did not have; see ``Recipe.digest``."""


@dataclass(frozen=True)
class DatasetSection:
    """Training rows from the dataset: ``load_dataset(path, config, split=split)``, its first ``rows``.

    ``format``: ``symbolic`` takes the columns prompt and completion; ``natural`` writes the prompt anew from numbers
    and target (``arith_puzzle.dataset_builder.puzzle.natural_prompt``); ``alpaca`` puts the column query below ``### Instruction:``
    and trains on the column response (aug-gsm8k; arXiv 2310.05506). ``search`` writes a search before the answer
    (``arith_puzzle.dataset_builder.search_traces``). One change of ``symbolic`` each: ``shuffled`` numbers in the prompt, the operands of
    + and * in ``either_order``, the last equation first (``backward``), every number's ``reversed_digits``.
    """

    path: str = "arith-puzzle"
    config: str = "starter"
    split: str = "train"
    rows: int | None = field(default=None, metadata={"least": 1})
    seed: int = field(default=0, metadata={"least": 0})
    format: Literal[
        "symbolic", "natural", "alpaca", "search", "shuffled", "either_order", "backward", "reversed_digits"
    ] = field(default="symbolic", metadata=LATER)


@dataclass(frozen=True)
class DrillsSection:
    """Training rows of a base; see ``arith_puzzle.dataset_builder.pretraining_mix.drill_columns``, whose defaults stand for None.

    Beside a dataset: what an adapter is to keep of what its base has learned.
    """

    rows: int = field(metadata={"least": 1})
    drill_share: float = field(default=0.5, metadata={"least": 0, "most": 1})
    limit: int | None = field(default=None, metadata={"least": 1, "later": True})
    v: int | None = field(default=None, metadata={"least": 8, "most": 60, "later": True})
    sizes: list[int] | None = field(default=None, metadata=LATER)
    walk_share: float | None = field(default=None, metadata={"least": 0, "most": 1, "later": True})
    format: Literal["symbolic", "search"] = field(default="symbolic", metadata=LATER)


@dataclass(frozen=True)
class ModelSection:
    """``base`` (a folder below the checkout, or a Hub id) with ``revision``; or ``shape``, to start from scratch.

    ``dtype``: of the loaded weights; None: as the base is stored, or float32 where all of them are trained.
    ``attn_implementation``: None is transformers' choice. ``quantization``: ``nf4`` loads frozen weights in 4 bits
    (QLoRA, arXiv 2305.14314). ``positions``: the longest text that the trained model says it can take, where all
    parameters are trained (a rotary embedding has no table to grow); None: what the base says. ``tokenizer``: of a
    base, ``slow`` converts its tokenizer.model, where its own fast tokenizer is wrong (``arith_puzzle.training.base_tokenizer``);
    of a shape, ``pairs`` has a token for two digits (``arith_puzzle.training.tiny``).
    """

    base: str | None = None
    revision: str | None = None
    shape: dict[str, int] | None = field(default=None, metadata={"least": 1})
    dtype: Literal["float32", "bfloat16"] | None = field(default=None, metadata=LATER)
    attn_implementation: Literal["eager", "sdpa", "flash_attention_2", "flex_attention"] | None = field(
        default=None, metadata=LATER
    )
    quantization: Literal["nf4"] | None = field(default=None, metadata=LATER)
    tokenizer: Literal["slow", "pairs"] | None = field(default=None, metadata=LATER)
    positions: int | None = field(default=None, metadata={"least": 64, "later": True})


@dataclass(frozen=True)
class LoraSection:
    """The fields of ``peft.LoraConfig`` that recipes set."""

    r: int = field(default=5, metadata={"least": 1})
    lora_alpha: int = field(default=32, metadata={"least": 1})
    lora_dropout: float = field(default=0.05, metadata={"least": 0, "below": 1})
    target_modules: str | list[str] = "all-linear"


@dataclass(frozen=True)
class ScoreSection:
    """What is scored after training: ``splits`` of the dataset's config, greedily; of each the first ``limit`` rows."""

    splits: list[str] = field(default_factory=lambda: ["test"])
    batch_size: int = field(default=256, metadata={"least": 1})
    max_new_tokens: int = field(default=64, metadata={"least": 1})
    format: Literal["symbolic", "natural", "search", "shuffled", "either_order", "backward", "reversed_digits"] = (
        "symbolic"
    )
    limit: int | None = field(default=None, metadata={"least": 1, "later": True})


@dataclass(frozen=True)
class NeedsSection:
    """The hardware that a recipe was written for: ``gpus`` of ``gpu_memory_gb`` (10^9 bytes) each, on all machines."""

    gpus: int = field(default=1, metadata={"least": 1})
    gpu_memory_gb: int = field(default=16, metadata={"least": 1})


@dataclass(frozen=True)
class Recipe:
    """A run. ``lora`` None trains all parameters. ``sft`` holds fields of ``trl.SFTConfig``.

    ``pack``: tokens of a packed sequence, which whole rows fill without attending to each other; None: one row is
    one sequence, padded to the longest of its batch. ``optimizer``: ``muon`` trains the matrices of the layers by Muon
    (``arith_puzzle.training.muon``) in place of ``sft.optim``.
    """

    name: str
    model: ModelSection
    seed: int = field(default=0, metadata={"least": 0})
    dataset: DatasetSection | None = None
    drills: DrillsSection | None = None
    pack: int | None = field(default=None, metadata={"least": 64, "later": True})
    lora: LoraSection | None = None
    optimizer: Literal["muon"] | None = field(default=None, metadata=LATER)
    sft: dict[str, Any] = field(default_factory=dict)
    score: ScoreSection = field(default_factory=ScoreSection)
    needs: NeedsSection | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what the run depends on, hex: two recipes with the same digest are the same run.

        ``needs`` is no part of it: it says where a run can be made, not what it is. Fields marked LATER count only
        where they are set, so that older runs keep their digests.
        """
        values = dataclasses.asdict(dataclasses.replace(self, needs=None))
        del values["needs"]
        sections = ("model", "dataset", "drills", "score")
        parts = [(self, values), *((getattr(self, key), values[key]) for key in sections)]
        for part, kept in parts:
            for item in dataclasses.fields(part) if part else ():
                if item.metadata.get("later") and getattr(part, item.name) == item.default:
                    del kept[item.name]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @property
    def base_path(self) -> str:
        """The base's folder, which is one of the package's or one below the current directory, else its Hub id."""
        for local in (PACKAGE / (self.model.base or ""), Path(self.model.base or "")):
            if self.model.base and (local / "config.json").is_file():
                return str(local)
        return str(self.model.base)


SECTIONS = {
    "dataset": DatasetSection,
    "drills": DrillsSection,
    "model": ModelSection,
    "lora": LoraSection,
    "score": ScoreSection,
    "needs": NeedsSection,
}
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
SHAPE = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
"""What ``model.shape`` states; a field left out would silently be that of Llama-7B."""
WINDOW = "sliding_window"
"""What it may state besides: how many tokens back attention reaches."""
RESERVED_SFT = {
    "output_dir": "--out",
    "seed": "the recipe's seed",
    "data_seed": "the recipe's seed",
    "resume_from_checkpoint": "nothing: a run resumes by itself",
    "push_to_hub": "arith-puzzle publish",
    "hub_token": "HF_TOKEN",
    "trust_remote_code": "nothing: no remote code is run",
    "model_init_kwargs": "the recipe's model section",
    "packing": "the recipe's pack",
    "padding_free": "the recipe's pack",
    "fsdp": "accelerate's configuration, training/accelerate/fsdp.yaml",
    "fsdp_config": "accelerate's configuration, training/accelerate/fsdp.yaml",
    "deepspeed": "accelerate's configuration, training/accelerate/zero3.yaml",
}


def load_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        InputError: no such file, not YAML, an unknown key, a missing or contradictory section, a value of the
            wrong type. Nothing is imported from torch for it, so that a typo costs a moment.
    """
    path = shipped(path, "training/recipes")
    return make_recipe(path, read_recipe(path))


def read_recipe(path: Path) -> dict[str, Any]:
    """What a recipe's file says, not checked yet. Raises InputError: no such file, not YAML, no mapping."""
    raw = read_yaml(path, "recipe", "; see training/recipes/")
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a recipe is a mapping with the keys {', '.join(names(Recipe))}")
    return raw


def make_recipe(path: str | Path, raw: dict[str, Any]) -> Recipe:
    """The recipe of a file's content; ``path`` is named in errors. Raises InputError as ``load_recipe``."""
    check_keys(path, "", raw, names(Recipe))
    if not isinstance(raw.get("name"), str) or raw.get("model") is None:
        raise InputError(f"{path}: a recipe needs 'name' and 'model'")
    if not re.fullmatch(NAME, raw["name"]):
        raise InputError(f"{path}: name: {raw['name'][:60]!r} is to name folders and repos; use letters, digits, . _ -")
    if type(raw.get("seed", 0)) is not int or not isinstance(raw.get("sft", {}), dict):
        raise InputError(f"{path}: 'seed' is an integer and 'sft' a mapping of trl.SFTConfig fields")
    values = {key: value for key, value in raw.items() if key not in SECTIONS or value is not None}
    for key, section in SECTIONS.items():
        if key in values:
            values[key] = build(path, f"{key}.", section, values[key])
    recipe = build(path, "", Recipe, values)
    _check_sense(path, recipe)
    return recipe


def check_sft_keys(recipe: Recipe, known: list[str]) -> None:
    """Raise InputError on a key of ``recipe.sft`` that is not one of ``known`` (the fields of SFTConfig)."""
    check_keys(recipe.name, "sft.", recipe.sft, known)


def check_hardware(recipe: Recipe) -> None:
    """Whether this machine is what the recipe was written for; ask before anything large is loaded.

    Raises:
        InputError: fewer GPUs or processes, or less memory on one, than ``needs`` says; bf16 where TRL refuses it.
    """
    import torch

    smaller = "take training/recipes/tiny_cpu.yaml, which a CPU trains in minutes"
    found = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    if recipe.needs:
        wanted = f"{recipe.name} needs {recipe.needs.gpus} GPU{'s' * (recipe.needs.gpus > 1)} of "
        wanted += f"{recipe.needs.gpu_memory_gb} GB"
        # A process started by accelerate knows how many there are on all machines; each has a GPU of its own.
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
                f"sft.gradient_accumulation_steps and change 'needs', or {smaller}"
            )
    bf16 = recipe.sft.get("bf16", not recipe.sft.get("fp16"))  # TRL's default is true
    if bf16 and not recipe.sft.get("use_cpu"):
        if not found:
            raise InputError(f"{recipe.name} trains in bf16, for a GPU, and this machine has none; set sft.bf16: false")
        if not torch.cuda.is_bf16_supported(including_emulation=False):
            raise InputError(f"{recipe.name} trains in bf16, which {found[0].name} cannot; set sft.bf16: false")


def _check_sense(path: str | Path, recipe: Recipe) -> None:
    """Raise InputError where sections contradict each other."""
    model, sft = recipe.model, recipe.sft
    for key, owner in RESERVED_SFT.items():
        if key in sft:
            raise InputError(f"{path}: sft.{key} is not set in a recipe; it is set by {owner}")
    for key, value in sft.items():
        if isinstance(value, str) and _is_number(value):
            raise InputError(f"{path}: sft.{key}: {value!r} is text in YAML, not a number; write 1.0e-4 for 1e-4")
    if recipe.dataset is None and recipe.drills is None:
        raise InputError(f"{path}: 'dataset', 'drills' or both say where the rows come from")
    if (model.base is None) == (model.shape is None):
        raise InputError(f"{path}: 'model' has exactly one of 'base' and 'shape'")
    if model.shape is not None:
        if recipe.lora is not None:
            raise InputError(f"{path}: 'lora' needs a 'model.base' to adapt; random weights are trained whole")
        check_keys(path, "model.shape.", model.shape, [*SHAPE, WINDOW])
        for key in SHAPE:
            if key not in model.shape:
                raise InputError(f"{path}: model.shape has no {key}; it states {', '.join(SHAPE)}")
        for key in ("revision", "dtype", "quantization"):
            if getattr(model, key) is not None:
                raise InputError(f"{path}: model.{key} goes with a 'model.base'; a 'shape' starts from float32 weights")
    if model.tokenizer and (model.tokenizer == "slow") != (model.base is not None):
        raise InputError(f"{path}: model.tokenizer: slow goes with a 'model.base' and pairs with a 'shape'; drop it")
    if model.positions is not None and recipe.lora is not None:
        raise InputError(f"{path}: model.positions is for models that are trained whole; an adapter's are its base's")
    if model.quantization and recipe.lora is None:
        raise InputError(f"{path}: model.quantization: weights in 4 bits stay frozen; add a 'lora' section")
    if model.quantization and model.dtype is None:
        raise InputError(f"{path}: model.quantization needs model.dtype, in which it computes; bfloat16 is usual")
    if sft.get("bf16") and sft.get("fp16"):
        raise InputError(f"{path}: sft.bf16 and sft.fp16 exclude each other; keep bf16 where the GPU can")
    if model.dtype == "bfloat16" and recipe.lora is None:
        raise InputError(f"{path}: model.dtype: weights that are trained stay float32; sft.bf16 computes in bfloat16")
    if model.attn_implementation == "flash_attention_2" and not (sft.get("bf16") or sft.get("fp16")):
        raise InputError(f"{path}: flash_attention_2 works in 16 bits only; set sft.bf16: true, or take sdpa")
    if recipe.optimizer and "optim" in sft:
        raise InputError(f"{path}: 'optimizer' stands in for sft.optim; drop one of them")
    if recipe.needs and sft.get("use_cpu"):
        raise InputError(f"{path}: 'needs' asks for GPUs and sft.use_cpu forbids them; drop one of them")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
