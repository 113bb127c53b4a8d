"""Scaling studies: one YAML file says which trainings and scores make up the curves. Read strictly, as recipes are."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import shipped
from arith_puzzle.common.strict_yaml import build, check_keys, names, read_yaml
from arith_puzzle.dataset_builder.aug_gsm8k.dataset import ALL, SIZES
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.source import ORIGINAL
from arith_puzzle.dataset_builder.configs import CONFIGS, config_name, with_solutions
from arith_puzzle.dataset_builder.formats import PUZZLE_FORMATS
from arith_puzzle.training.recipe import DrillsSection, Recipe, make_recipe, read_recipe

OWN = {"dataset", "name", "seed"}
"""Keys of the recipe that a study sets itself."""


@dataclass(frozen=True)
class Arm:
    """One curve. Of puzzles: which solutions the training rows carry (``arith_puzzle.dataset_builder.configs.with_solutions``). Of
    aug-gsm8k: the ``config`` that the rows come from instead of the study's, such as one strategy.

    ``format``: of training and scoring. ``change``: what else of the recipe is different, nested as it is there, such
    as ``{optimizer: muon, sft: {learning_rate: 6.0e-3}}``; null leaves something out.
    """

    name: str
    solutions: Literal["made", "canonical"] | None = None
    paths: int = field(default=1, metadata={"least": 1})
    config: str | None = None
    format: str | None = None
    change: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """Every arm x rows x seed is a training of ``recipe``, scored on ``score``: config -> splits.

    ``config`` is what the arms' training rows come from, instead of the recipe's. ``sft`` holds fields that replace the
    recipe's, such as ``max_steps`` where all sizes shall cost the same compute; ``max_new_tokens`` that of its scores.
    ``task``: what is trained and scored; other than puzzles it is trained on aug-gsm8k and scored on ``scored``, a Hub
    id. ``limit``: only the first rows of each split are scored.
    """

    name: str
    recipe: str
    config: str
    rows: list[int]
    score: dict[str, list[str]]
    arms: list[Arm]
    seeds: list[int] = field(default_factory=lambda: [0])
    sft: dict[str, Any] = field(default_factory=dict)
    max_new_tokens: int | None = field(default=None, metadata={"least": 1})
    task: Literal["puzzle", "gsm8k", "math"] = "puzzle"
    scored: str | None = None
    limit: int | None = field(default=None, metadata={"least": 1})

    @property
    def base(self) -> Recipe:
        """The recipe with the study's own changes; its trainings have a name, rows and a seed of their own."""
        return self.of({})

    def of(self, change: dict[str, Any]) -> Recipe:
        """The recipe with the study's own changes and an arm's. Raises InputError where that is no recipe."""
        path = shipped(self.recipe, "training/recipes")
        raw = read_recipe(path)
        if raw.get("dataset") is None:
            raise InputError(f"{self.recipe} is not trained on the dataset; a study needs a recipe that is")
        scored = {"max_new_tokens": self.max_new_tokens, "limit": self.limit}
        own = {"sft": self.sft, "score": {key: value for key, value in scored.items() if value}}
        return make_recipe(f"{self.recipe}, changed as the study says", _merged(_merged(raw, own), change))


@dataclass(frozen=True)
class Training:
    """One training of a study."""

    arm: Arm
    recipe: Recipe

    @property
    def folder(self) -> str:
        """``more-paths/rows-3000-seed-0``."""
        return f"{slug(self.arm.name)}/rows-{self.recipe.dataset.rows}-seed-{self.recipe.seed}"

    def write(self, path: Path) -> None:
        """The recipe as a file that ``load_recipe`` reads back as it is."""
        values = {key: value for key, value in dataclasses.asdict(self.recipe).items() if value is not None}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def load_study(path: str | Path) -> Study:
    """Read and check a study.

    Raises:
        InputError: no such file, not YAML, an unknown key, a value of the wrong type, an unknown split, a name or
            number given twice, or a recipe that is not trained on the dataset. Nothing is imported from torch for it.
    """
    path = Path(path)
    raw = read_yaml(path, "study")
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a study is a mapping with the keys {', '.join(names(Study))}")
    check_keys(path, "", raw, names(Study))
    arms = raw.get("arms")
    if not isinstance(arms, list):
        raise InputError(f"{path}: 'arms' is a list of mappings with the keys {', '.join(names(Arm))}")
    study = build(path, "", Study, raw | {"arms": [build(path, "arms.", Arm, arm) for arm in arms]})
    for key, values in (("rows", study.rows), ("seeds", study.seeds), ("arms", [slug(arm.name) for arm in study.arms])):
        if len(set(values)) < len(values):
            raise InputError(f"{path}: {key} holds something twice: {values}")
    if min(study.rows) < 1 or min(study.seeds) < 0:
        raise InputError(f"{path}: rows are at least 1 and seeds at least 0, not {study.rows} and {study.seeds}")
    if study.task == "puzzle":
        _check_puzzles(path, study)
    else:
        _check_augmented(path, study)
    for arm in study.arms:
        if OWN & arm.change.keys():
            raise InputError(f"{path}: an arm's 'change' leaves {', '.join(sorted(OWN))} to the study; drop it")
    trainings(study)
    return study


def _check_puzzles(path: Path, study: Study) -> None:
    for config, splits in study.score.items():
        known = CONFIGS[config].splits if config in CONFIGS else {}
        for split in splits:
            if split not in known or split == "train":
                raise InputError(f"{path}: {config}/{split} is no evaluation split of the dataset")
    if study.config not in CONFIGS or "train" not in CONFIGS[study.config].splits:
        raise InputError(f"{path}: {study.config!r} is no config with training rows; known: {', '.join(CONFIGS)}")
    if study.scored or any(arm.config for arm in study.arms):
        raise InputError(f"{path}: 'scored' and an arm's 'config' go with task: gsm8k; leave them out")
    for arm in study.arms:
        arm_config(study, arm)
        if arm.format not in (None, *PUZZLE_FORMATS):
            raise InputError(f"{path}: {arm.format!r} is no format of puzzles; known: {', '.join(PUZZLE_FORMATS)}")


def _check_augmented(path: Path, study: Study) -> None:
    strategies = [ORIGINAL, *STRATEGIES]
    for arm in study.arms:
        config = arm_config(study, arm)
        if arm.solutions or arm.paths > 1 or arm.format:
            raise InputError(f"{path}: an arm's 'solutions', 'paths' and 'format' go with task: puzzle; leave them out")
        if config not in (ALL, *strategies):
            raise InputError(f"{path}: {config!r} is no config to train on; known: {ALL}, {', '.join(strategies)}")
        # The files of `all` hold a strategy each; only so many rows of it are of all strategies, as in the config 1k.
        odd = [rows for rows in study.rows if config == ALL and rows not in SIZES.values()]
        if odd:
            raise InputError(f"{path}: {odd[0]} rows of {ALL!r} are no nested config; take of {list(SIZES.values())}")
    if study.scored is None:
        raise InputError(f"{path}: 'scored' is missing; name what the scores are on, such as openai/gsm8k")


def arm_config(study: Study, arm: Arm) -> str:
    """The dataset's config that an arm trains on, such as ``starter-paths4``. Raises InputError as with_solutions."""
    if study.task != "puzzle":
        return arm.config or study.config
    return config_name(study.config, with_solutions(CONFIGS[study.config], arm.solutions, arm.paths))


def trainings(study: Study) -> list[Training]:
    """All trainings, the small ones first."""
    return [
        Training(arm, _recipe(study, arm, rows, seed))
        for rows in sorted(study.rows)
        for seed in study.seeds
        for arm in study.arms
    ]


def _recipe(study: Study, arm: Arm, rows: int, seed: int) -> Recipe:
    formats = {"dataset": {"format": arm.format}, "score": {"format": arm.format}} if arm.format else {}
    base = study.of(_merged(formats, arm.change))
    return dataclasses.replace(
        base,
        name=f"{study.name}-{slug(arm.name)}-{rows}-{seed}",
        seed=seed,
        dataset=dataclasses.replace(base.dataset, config=arm_config(study, arm), rows=rows),
        drills=_drills(base, rows),
    )


def _merged(values: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``values`` with what ``change`` says differently; mappings within mappings are merged too."""
    found = dict(values)
    for key, value in change.items():
        nested = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if nested else value
    return found


def _drills(base: Recipe, rows: int) -> DrillsSection | None:
    """As many beside ``rows`` as the recipe has beside its own."""
    if base.drills is None or base.dataset.rows is None:
        return base.drills
    return dataclasses.replace(base.drills, rows=max(1, round(base.drills.rows * rows / base.dataset.rows)))


def build_commands(study: Study, dataset: str) -> list[str]:
    """What builds the configs that a study trains and scores on."""
    if study.task != "puzzle":
        return _augment_commands(study, dataset)
    seed = study.base.dataset.seed
    wanted = {arm_config(study, arm): (study.config, arm) for arm in study.arms}
    wanted |= {config: (config, Arm("")) for config in study.score if config not in wanted}
    lines = []
    for config, arm in wanted.values():
        line = f"arith-puzzle build --config {config}" + (f" --seed {seed}" if seed else "")
        line += (f" --solutions {arm.solutions}" if arm.solutions else "") + (f" --paths {arm.paths}" * (arm.paths > 1))
        lines.append(f"{line} --out {dataset}")
    return lines


def _augment_commands(study: Study, dataset: str) -> list[str]:
    source, runs = "--source train.jsonl --against gsm8k-test=test.jsonl", "runs/aug-rules"
    lines = [f"arith-puzzle augment rules {source} --out runs/aug-rules"]
    if {arm_config(study, arm) for arm in study.arms} - {ALL, "change_numbers"}:  # more than rules can
        endpoint = "--endpoint URL --model NAME --terms LICENCE --store runs/aug-model.jsonl"
        lines.append(f"arith-puzzle augment model {source} {endpoint} --out runs/aug-model")
        runs += " runs/aug-model"
    return [*lines, f"arith-puzzle augment build {runs} --out {dataset}"]


def slug(name: str) -> str:
    """A name as a folder: ``more paths`` -> ``more-paths``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x"
