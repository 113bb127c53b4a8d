"""Read a scaling study from its YAML file, check it, and list its trainings.

A study names a recipe, training sizes, arms (one curve each) and the splits to score. Every arm, size and seed is one
training. Unknown keys and wrong types are errors, as in recipes.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field
from pydantic.dataclasses import dataclass

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import shipped
from arith_puzzle.common.strict_yaml import STRICT, NonEmpty, NotNegative, Positive, build, names, read_yaml
from arith_puzzle.dataset_builder.aug_gsm8k.dataset import ALL, SIZES
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.source import ORIGINAL
from arith_puzzle.dataset_builder.configs import CONFIGS, build_command, with_solutions
from arith_puzzle.dataset_builder.formats import PUZZLE_FORMATS
from arith_puzzle.training.recipe import Recipe, make_recipe, read_recipe
from arith_puzzle.training.sections import DatasetSection, DrillsSection

OWN = {"dataset", "name", "seed"}
"""Keys of the recipe that the study sets. An arm's ``change`` cannot have them."""


@dataclass(frozen=True, config=STRICT)
class Arm:
    """One curve of a study: what its trainings do differently.

    Attributes:
        name: the curve's name in tables and plots.
        solutions, paths: for puzzles: which solutions the training rows have, and how many rows each puzzle has. See
            ``arith_puzzle.dataset_builder.configs.with_solutions``.
        config: for aug-gsm8k: the config of the training rows, such as one strategy; None takes the study's.
        format: the prompt format of training and scoring; None takes the recipe's.
        change: other changes of the recipe, nested like the recipe, such as
            ``{optimizer: muon, sft: {learning_rate: 6.0e-3}}``. null removes a section.
    """

    name: str
    solutions: Literal["generated", "canonical"] | None = None
    paths: Positive = 1
    config: str | None = None
    format: str | None = None
    change: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class ScoredRows:
    """Rows that are no puzzles, on which a study scores every training.

    Attributes:
        name: the name in tables and of files: lower-case letters, digits and -.
        task: a task of ``arith-puzzle score``.
        data: Hub id, folder or JSONL file; ``arith-puzzle study --scored NAME=...`` replaces it.
        config, split: of a Hub id or folder. None takes the dataset's default config.
        limit: score only this number of rows, from the start.
        samples: the number of sampled answers for each row, at temperature 1; the table then has pass@``samples``.
            None decodes greedily.
        gold: also measure the rows' own solutions (``arith_puzzle.evaluation.gold``).
    """

    name: str
    task: Literal["gsm8k", "math", "svamp", "gsm-hard", "gsm-plus"]
    data: str
    config: str | None = None
    split: str = "test"
    limit: Positive | None = None
    samples: Annotated[int, Field(ge=2)] | None = None
    gold: bool = False


@dataclass(frozen=True, config=STRICT)
class Study:
    """A study. Each combination of an arm, a number of rows and a seed is one training of the recipe.

    Attributes:
        name: the study's name; part of the trainings' names.
        recipe: the recipe's path, or its name in training/recipes.
        config: the config of the training rows, instead of the recipe's.
        rows: the training sizes.
        arms: the curves.
        score: for a study of puzzles: config -> the splits to score.
        tests: for a study that trains on aug-gsm8k: what it scores.
        baseline: the name of an arm. Each other arm is compared with it on the same rows, at equal rows and seed.
        seeds: the seeds of the trainings.
        sft: fields that replace those of the recipe, such as ``max_steps`` to give all sizes the same compute.
        max_new_tokens: the maximum length of the scored answers, in tokens; None takes the recipe's.
        limit: the maximum number of scored puzzles of each split; None scores all.
    """

    name: str
    recipe: str
    config: str
    rows: NonEmpty[Positive]
    arms: NonEmpty[Arm]
    score: dict[str, NonEmpty[str]] = field(default_factory=dict)
    tests: list[ScoredRows] = field(default_factory=list)
    baseline: str | None = None
    seeds: NonEmpty[NotNegative] = field(default_factory=lambda: [0])
    sft: dict[str, Any] = field(default_factory=dict)
    max_new_tokens: Positive | None = None
    limit: Positive | None = None

    @property
    def base(self) -> Recipe:
        """The recipe with the study's changes, but without a training's name, rows and seed."""
        return self.of({})

    def of(self, change: dict[str, Any]) -> Recipe:
        """Return the recipe with the study's changes and those of an arm.

        Raises:
            InputError: the recipe cannot be read, is not trained on the dataset, or is not valid after the changes.
        """
        path = shipped(self.recipe, "training/recipes")
        raw = read_recipe(path)
        if raw.get("dataset") is None:
            raise InputError(f"{self.recipe} is not trained on the dataset; a study needs a recipe with 'dataset'")
        scored = {"max_new_tokens": self.max_new_tokens, "limit": self.limit}
        own = {"sft": self.sft, "score": {key: value for key, value in scored.items() if value}}
        return make_recipe(f"{self.recipe} with the study's changes", _merged(_merged(raw, own), change))


@dataclass(frozen=True)
class Training:
    """One training of a study."""

    arm: Arm
    recipe: Recipe

    @property
    def folder(self) -> str:
        """The training's folder within the study's, such as ``more-paths/rows-3000-seed-0``."""
        return f"{slug(self.arm.name)}/rows-{dataset_section(self.recipe).rows}-seed-{self.recipe.seed}"

    def write(self, path: Path) -> None:
        """Write the recipe as a YAML file. ``load_recipe`` reads the same recipe from it."""
        values = {key: value for key, value in dataclasses.asdict(self.recipe).items() if value is not None}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def dataset_section(recipe: Recipe) -> DatasetSection:
    """Return the section about the training rows. Every recipe of a study has it: ``Study.of`` refuses others."""
    assert recipe.dataset is not None
    return recipe.dataset


def load_study(path: str | Path) -> Study:
    """Read a study and check it. This does not import torch.

    Args:
        path: a YAML file, or the name of one in the package's ``studies``, such as ``starter_cpu``.

    Raises:
        InputError: the file cannot be read or is not YAML; a key is unknown; a value has the wrong type; a split is
            unknown; a name or number occurs twice; or the recipe is not valid or not trained on the dataset.
    """
    path = shipped(path, "studies")
    raw = read_yaml(path, "study")
    if not isinstance(raw, dict):
        raise InputError(f"{path}: a study is a mapping with the keys {', '.join(names(Study))}")
    study = build(path, "", Study, raw)
    lists = {"rows": study.rows, "seeds": study.seeds, "arms": [slug(arm.name) for arm in study.arms],
             "tests": [test.name for test in study.tests]}  # fmt: skip
    for key, values in lists.items():
        if len(set(values)) < len(values):
            raise InputError(f"{path}: {key} must be different, not {values}")
    if bool(study.score) == bool(study.tests):
        raise InputError(f"{path}: give 'score' (a study of puzzles) or 'tests' (of aug-gsm8k), one of them")
    if study.baseline is not None and study.baseline not in [arm.name for arm in study.arms]:
        raise InputError(f"{path}: the baseline {study.baseline!r} is not the name of an arm")
    if study.tests:
        _check_augmented(path, study)
    else:
        _check_puzzles(path, study)
    for arm in study.arms:
        if OWN & arm.change.keys():
            raise InputError(f"{path}: an arm's 'change' cannot set {', '.join(sorted(OWN))}; the study sets them")
    trainings(study)
    return study


def _check_puzzles(path: Path, study: Study) -> None:
    for config, splits in study.score.items():
        known = CONFIGS[config].splits if config in CONFIGS else {}
        for split in splits:
            if split not in known or split == "train":
                raise InputError(f"{path}: {config}/{split} is not an evaluation split of the dataset; see 'score'")
    if study.config not in CONFIGS or "train" not in CONFIGS[study.config].splits:
        raise InputError(f"{path}: {study.config!r} is not a config with training rows; known: {', '.join(CONFIGS)}")
    if any(arm.config for arm in study.arms):
        raise InputError(f"{path}: an arm's 'config' is only for a study with 'tests'; leave it out")
    for arm in study.arms:
        arm_config(study, arm)
        if arm.format not in (None, *PUZZLE_FORMATS):
            raise InputError(f"{path}: {arm.format!r} is not a format of puzzles; known: {', '.join(PUZZLE_FORMATS)}")


def _check_augmented(path: Path, study: Study) -> None:
    strategies = [ORIGINAL, *STRATEGIES]
    for arm in study.arms:
        config = arm_config(study, arm)
        if arm.solutions or arm.paths > 1 or arm.format:
            raise InputError(f"{path}: an arm's 'solutions', 'paths' and 'format' are for puzzles only; drop them")
        if config not in (ALL, *strategies):
            raise InputError(f"{path}: {config!r} is not a config to train on; known: {ALL}, {', '.join(strategies)}")
        # The first rows of `all` mix the strategies only at the sizes of the nested configs, such as 1k.
        other = [rows for rows in study.rows if config == ALL and rows not in SIZES.values()]
        if other:
            raise InputError(
                f"{path}: {other[0]} rows of {ALL!r} are not a nested config; use one of {list(SIZES.values())}"
            )
    for test in study.tests:
        if test.name != slug(test.name):
            raise InputError(f"{path}: tests: the name {test.name!r} must have only a-z, 0-9 and -")
        if test.gold and test.task != "gsm8k":
            raise InputError(f"{path}: tests: {test.task!r} has no solutions with annotations; drop 'gold'")
        if test.gold and test.samples:
            raise InputError(f"{path}: tests: {test.name!r} has 'gold' and 'samples'; give each a test of its own")
    if study.limit:
        raise InputError(f"{path}: 'limit' is for puzzles; give each of the 'tests' its own")


def arm_config(study: Study, arm: Arm) -> str:
    """Return the config that an arm trains on, such as ``starter-paths4``. Raises InputError like with_solutions."""
    if study.tests:
        return arm.config or study.config
    return study.config + with_solutions(CONFIGS[study.config], arm.solutions, arm.paths).suffix


def trainings(study: Study) -> list[Training]:
    """Return all trainings, the smallest first."""
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
        dataset=dataclasses.replace(dataset_section(base), config=arm_config(study, arm), rows=rows),
        drills=_drills(base, rows),
    )


def _merged(values: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return ``values`` updated with ``change``. Nested mappings are merged too."""
    found = dict(values)
    for key, value in change.items():
        nested = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if nested else value
    return found


def _drills(base: Recipe, rows: int) -> DrillsSection | None:
    """Return the recipe's drills, with their number scaled to keep the recipe's ratio of drills to rows."""
    own = dataset_section(base).rows
    if base.drills is None or own is None:
        return base.drills
    return dataclasses.replace(base.drills, rows=max(1, round(base.drills.rows * rows / own)))


def build_commands(study: Study, dataset: str) -> list[str]:
    """Return the commands that build the configs that a study trains and scores on."""
    if study.tests:
        return _augment_commands(dataset)
    seed = dataset_section(study.base).seed
    wanted = dict.fromkeys([arm_config(study, arm) for arm in study.arms] + list(study.score))
    return [command for config in wanted if (command := build_command(config, dataset, seed=seed))]


def _augment_commands(dataset: str) -> list[str]:
    return [
        "arith-puzzle augment rules --source train.jsonl --against gsm8k-test=test.jsonl --out runs/aug-rules",
        f"arith-puzzle augment build runs/aug-rules --out {shlex.quote(dataset)}",
    ]


def slug(name: str) -> str:
    """Return a name as a folder's name: ``more paths`` -> ``more-paths``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x"
