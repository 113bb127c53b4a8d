"""Recipes: one YAML file per run, read strictly. An unknown key is an error, never ignored."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dataset_builder.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
"""The checkout; a recipe's local base is looked up below it."""


@dataclass(frozen=True)
class DatasetSection:
    """Training rows from the dataset: ``load_dataset(path, config, split=split)``, its first ``rows``."""

    path: str = "arith-puzzle"
    config: str = "starter"
    split: str = "train"
    rows: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class DrillsSection:
    """Training rows of the base model; see ``dataset_builder.drills.drill_columns``."""

    rows: int = 0
    drill_share: float = 0.5


@dataclass(frozen=True)
class ModelSection:
    """``base`` (a folder below the checkout, or a Hub id) with ``revision``; or ``shape``, to start from scratch."""

    base: str | None = None
    revision: str | None = None
    shape: dict[str, int] | None = None


@dataclass(frozen=True)
class LoraSection:
    """The fields of ``peft.LoraConfig`` that recipes set."""

    r: int = 5
    lora_alpha: int = 32
    lora_dropout: float = 0.05
    target_modules: str | list[str] = "all-linear"


@dataclass(frozen=True)
class ScoreSection:
    """What is scored after training: ``splits`` of the dataset's config, greedily."""

    splits: list[str] = field(default_factory=lambda: ["test"])
    batch_size: int = 256
    max_new_tokens: int = 64
    format: str = "symbolic"


@dataclass(frozen=True)
class Recipe:
    """A run. ``lora`` None trains all parameters. ``sft`` holds fields of ``trl.SFTConfig``."""

    name: str
    model: ModelSection
    seed: int = 0
    dataset: DatasetSection | None = None
    drills: DrillsSection | None = None
    lora: LoraSection | None = None
    sft: dict[str, Any] = field(default_factory=dict)
    score: ScoreSection = field(default_factory=ScoreSection)

    @property
    def digest(self) -> str:
        """SHA-256 of what the run depends on, hex: two recipes with the same digest are the same run."""
        return hashlib.sha256(json.dumps(dataclasses.asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def base_path(self) -> str:
        """The local folder of the base if there is one, else its Hub id."""
        local = ROOT / (self.model.base or "")
        return str(local) if self.model.base and (local / "config.json").is_file() else str(self.model.base)


SECTIONS = {
    "dataset": DatasetSection,
    "drills": DrillsSection,
    "model": ModelSection,
    "lora": LoraSection,
    "score": ScoreSection,
}
RESERVED_SFT = {
    "output_dir": "--output",
    "seed": "the recipe's seed",
    "data_seed": "the recipe's seed",
    "resume_from_checkpoint": "nothing: a run resumes by itself",
    "push_to_hub": "arith-puzzle publish",
    "hub_token": "HF_TOKEN",
    "trust_remote_code": "nothing: no remote code is run",
}


def load_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        InputError: no such file, not YAML, an unknown key, a missing or contradictory section, a value of the
            wrong type. Nothing is imported from torch for it, so that a typo costs a moment.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the recipe {path}: {error.strerror}; see training/recipes/") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a recipe is a mapping with the keys {', '.join(_names(Recipe))}")
    values = dict(raw)
    _check_keys(path, "", values, _names(Recipe))
    for key, section in SECTIONS.items():
        if values.get(key) is not None:
            values[key] = _section(path, key, section, values[key])
    if not isinstance(values.get("name"), str) or values.get("model") is None:
        raise InputError(f"{path}: a recipe needs 'name' and 'model'")
    if type(values.get("seed", 0)) is not int or not isinstance(values.get("sft", {}), dict):
        raise InputError(f"{path}: 'seed' is an integer and 'sft' a mapping of trl.SFTConfig fields")
    recipe = Recipe(**values)
    if (recipe.dataset is None) == (recipe.drills is None):
        raise InputError(f"{path}: exactly one of 'dataset' and 'drills' says where the rows come from")
    if (recipe.model.base is None) == (recipe.model.shape is None):
        raise InputError(f"{path}: 'model' has exactly one of 'base' and 'shape'")
    if recipe.lora is not None and recipe.model.base is None:
        raise InputError(f"{path}: 'lora' needs a 'model.base' to adapt; random weights are trained whole")
    for key, owner in RESERVED_SFT.items():
        if key in recipe.sft:
            raise InputError(f"{path}: sft.{key} is not set in a recipe; it is set by {owner}")
    return recipe


def check_sft_keys(recipe: Recipe, known: list[str]) -> None:
    """Raise InputError on a key of ``recipe.sft`` that is not one of ``known`` (the fields of SFTConfig)."""
    _check_keys(recipe.name, "sft.", recipe.sft, known)


def _names(section: type) -> list[str]:
    return [item.name for item in dataclasses.fields(section)]


def _check_keys(path: object, prefix: str, values: dict, known: list[str]) -> None:
    for key in values:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            remedy = f"did you mean '{prefix}{close[0]}'?" if close else f"known: {', '.join(known)}"
            raise InputError(f"{path}: unknown key '{prefix}{key}'; {remedy}")


def _section(path: Path, key: str, section: type, raw: object) -> Any:
    if not isinstance(raw, dict):
        raise InputError(f"{path}: '{key}' is a mapping with the keys {', '.join(_names(section))}")
    _check_keys(path, f"{key}.", raw, _names(section))
    for item in dataclasses.fields(section):
        value = raw.get(item.name)
        wanted = {"int": int, "float": (int, float), "str": str}.get(str(item.type).split(" |")[0])
        if (
            value is not None
            and wanted
            and "list" not in str(item.type)
            and (not isinstance(value, wanted) or isinstance(value, bool))
        ):
            raise InputError(f"{path}: {key}.{item.name} must be {item.type}, not {value!r}")
        if item.name in ("rows", "r", "batch_size", "max_new_tokens") and value is not None and value < 1:
            raise InputError(f"{path}: {key}.{item.name} must be at least 1, not {value!r}")
    return section(**raw)
