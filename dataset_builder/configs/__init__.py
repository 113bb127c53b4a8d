"""The configs of the dataset: five shipped ones, their variants, those of a user's file; how to build them."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import yaml

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.strict_yaml import parse_yaml, read_yaml
from arith_puzzle.dataset_builder.configs.file import load, parse
from arith_puzzle.dataset_builder.configs.shipped import TEXTS
from arith_puzzle.dataset_builder.configs.spec import MAX_PATHS, SHARD_ROWS, SOLUTIONS, Config, SplitSpec, shard_sizes

__all__ = (
    "CONFIGS", "MAX_PATHS", "SHARD_ROWS", "SOLUTIONS", "Config", "SplitSpec", "build_command", "find_config",
    "how_to_get", "shard_sizes", "with_solutions",
)  # fmt: skip

CONFIGS: dict[str, Config] = {name: parse(f"{name}.yaml", text, shipped=True) for name, text in TEXTS.items()}
"""Name of a shipped config -> its content."""


def find_config(config: str, seed: int | None = None) -> tuple[str, Config]:
    """(name, content) of a shipped config, by its name, or of a custom one.

    Args:
        config: a name, the path of a YAML file, or YAML in braces: ``{name: mine, v: 20, ...}``.
        seed: replaces the config's own seed.

    Raises:
        InputError: an unknown name, a negative seed, or YAML that ``load`` refuses.
    """
    if seed is not None and seed < 0:
        raise InputError(f"--seed must be at least 0; got {seed}")
    if config in CONFIGS:
        name, content = config, CONFIGS[config]
    elif config.startswith("{") or config.endswith((".yaml", ".yml")):
        content = parse("the config", config) if config.startswith("{") else load(config)
        name = content.family
    else:
        raise InputError(f"unknown config {config!r}; known: {', '.join(CONFIGS)}; a file of your own ends in .yaml")
    return name, content if seed is None else replace(content, seed=seed)


def own_config(path: str | None, given: dict[str, str]) -> str:
    """A custom config for ``find_config``: that of a file, or an empty one, with keys from options.

    Args:
        path: a YAML file, or None.
        given: key -> value in YAML. They replace keys at the top of the file.

    Raises:
        InputError: the file cannot be read, a value is not YAML, or ``path`` is a shipped config.
    """
    if path is not None and not path.endswith((".yaml", ".yml")):
        raise InputError(
            f"--{next(iter(given)).replace('_', '-')} is for a config of your own, not {path}; leave it out"
        )
    content = read_yaml(Path(path), "config") if path else {}
    for key, text in given.items():
        option = f"--{key.replace('_', '-')}"
        content[key] = text if key in ("name", "operations") else parse_yaml(option, text)
    return yaml.safe_dump(content, default_flow_style=True, sort_keys=False, width=1_000_000)


def with_solutions(config: Config, solutions: str | None, paths: int = 1) -> Config:
    """The same puzzles with other completions, as a config with a suffix.

    Args:
        solutions: "generated" or "canonical", for all splits; None keeps the config's choice.
        paths: number of different solutions for each puzzle of ``train``. They come in the order of
            ``arith_puzzle.dataset_builder.solver.canonical.paths``, so the canonical solution is the first.

    Raises:
        InputError: unknown ``solutions``, ``paths`` outside 1..MAX_PATHS, several paths of generated solutions, or
            several paths for a config without a train split.
    """
    if not 1 <= paths <= MAX_PATHS:
        raise InputError(f"--paths must be in 1..{MAX_PATHS}, not {paths}")
    if solutions not in (None, *SOLUTIONS):
        raise InputError(f"solutions must be one of {', '.join(SOLUTIONS)}; got {solutions!r}")
    if paths > 1 and solutions == "generated":
        raise InputError("--paths above 1 gives solutions in the canonical order; leave out --solutions generated")
    splits, suffix = config.splits, config.suffix
    if solutions is not None and any(spec.solutions != solutions for spec in splits.values()):
        splits = {name: replace(spec, solutions=solutions) for name, spec in splits.items()}
        suffix += f"-{solutions}"
    if paths > 1:
        if "train" not in splits:
            raise InputError("--paths needs a config with a train split; evaluation splits contain each puzzle once")
        if not splits["train"].paper_moves:
            raise InputError("--paths above 1 is for rule all, division exact and all operations; leave it out")
        train = replace(splits["train"], solutions="canonical", paths=paths)
        splits, suffix = splits | {"train": train}, f"{suffix}-paths{paths}"
    return replace(config, splits=splits, suffix=suffix)


def build_command(name: str, out: object, *, seed: int = 0) -> str | None:
    """The shell command that builds a config by its name in the manifest, such as ``1m-canonical``; None if unknown."""
    config, dash, suffix = name.partition("-")
    found = re.fullmatch(rf"({'|'.join(SOLUTIONS)})?-?(?:paths(\d+))?", suffix)
    if config not in CONFIGS or not found or (dash and not any(found.groups())):
        return None
    words = ["arith-puzzle", "build", "--config", config, *(["--seed", str(seed)] if seed else [])]
    words += ["--solutions", found[1]] if found[1] else []
    words += ["--paths", found[2]] if found[2] else []
    return shlex.join([*words, "--out", str(out)])


def how_to_get(name: str | None, out: object) -> str:
    """What an error advises when a config cannot be loaded from the place ``out``."""
    if Path(str(out), "README.md").is_file() and not Path(str(out), "manifest.json").is_file():
        return "its card names its configs: choose one of them as config"
    manifest = Path(str(out), "manifest.json")
    if manifest.is_file():
        with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
            known = list(json.loads(manifest.read_text(encoding="utf-8"))["configs"])
            if known and name not in known:
                return f"it has {', '.join(known)}: choose one of them as config, or build {name} there too"
    command = build_command(name or "", out)
    return f"build it with: {command}" if command else "check the name of the dataset, and of its config"
