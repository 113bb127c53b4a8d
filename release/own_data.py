"""Release puzzles of your own: a folder with a card and data files that ``build`` did not write.

Cards and checks read a dataset's manifest. Such a folder has none, so this module computes it from the rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from reprlib import repr as short

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError, first_line
from arith_puzzle.common.files import read_json
from arith_puzzle.common.provenance import check_no_pattern
from arith_puzzle.dataset_builder.puzzle import symbolic_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, verify
from arith_puzzle.model_cards.check import check_card, size_category
from arith_puzzle.training.recipe import Recipe
from arith_puzzle.training.sections import DatasetSection

COLUMNS = ("numbers", "target", "prompt", "completion")
BUILT = DatasetSection.path
"""The dataset path of a recipe whose dataset the release builds."""


def own_dataset(recipe: Recipe) -> Path | None:
    """The folder with the recipe's rows; None if the release builds them.

    Raises:
        InputError: the recipe names another dataset than a folder.
    """
    path = recipe.dataset.path if recipe.dataset else BUILT
    if path == BUILT:
        return None
    if not Path(path).is_dir():
        raise InputError(f"{recipe.name}: a release publishes the rows that it is trained on, and dataset.path "
                         f"{path!r} is not a folder; name one, or drop dataset.path to build {recipe.dataset.config}"
                         )  # fmt: skip
    check_no_pattern(path)
    for name in ("token", "stored_tokens"):
        if secret := next(Path(path).rglob(name), None):
            raise InputError(f"{secret} looks like a secret, and the whole folder {path} would be published; move it")
    return Path(path)


def own_card(folder: Path, rows: int | None = None):
    """The folder's README.md, with what a card on the Hub needs besides and can be filled in.

    Args:
        rows: number of rows of all splits, for the size category.

    Returns:
        huggingface_hub.DatasetCard

    Raises:
        InputError: there is no card, it states no licence or no configs, or it names files that are not published
            with it.
    """
    from huggingface_hub import DatasetCard

    path = folder / "README.md"
    try:
        card = DatasetCard.load(path) if path.is_file() else None
    except ValueError as error:
        raise InputError(f"{path}: {first_line(error)}") from None
    for key, example in (("license", "cc-by-4.0"), ("configs", "[{config_name: mine, data_files: …}]")):
        if card is None or not card.data.get(key):
            raise InputError(f"{path} states no {key}, which a published dataset needs; add '{key}: {example}' to its "
                             "front matter")  # fmt: skip
    for pattern in _data_files(card.data.configs):
        parts = Path(pattern).parts
        if "://" in pattern or Path(pattern).is_absolute() or any(part.startswith(".") for part in parts):
            raise InputError(f"{path}: data_files names {pattern!r}, which readers would not find; name a file of the "
                             f"folder, relative to the card, and not hidden")  # fmt: skip
    defaults = {"pretty_name": folder.name, "task_categories": ["text-generation"], "tags": ["arithmetic"]}
    if rows is not None:
        defaults["size_categories"] = [size_category(rows)]
    for key, value in defaults.items():
        if not card.data.get(key):
            setattr(card.data, key, value)
    return card


def _data_files(configs: object, key: str = "configs") -> Iterator[str]:
    """The paths and patterns in a card's ``configs``, whose ``data_files`` are texts, lists or mappings."""
    if isinstance(configs, dict):
        for name, value in configs.items():
            if name in ("data_files", "data_dir") or (key == "data_files" and name != "split"):
                yield from _data_files(value, "data_files")
    elif isinstance(configs, list):
        for value in configs:
            yield from _data_files(value, key)
    elif key == "data_files":
        yield str(configs)


def describe(folder: Path, config: str) -> dict:
    """The manifest of a folder that ``build`` wrote; else the same of a config, computed from the rows.

    Raises:
        InputError: there is no such config, or a row is no puzzle, lacks one of COLUMNS, or has a wrong prompt
            or completion.
    """
    from datasets import load_dataset

    path = folder / "manifest.json"
    if path.is_file():
        manifest = read_json(path)
        if config not in manifest["configs"]:
            raise InputError(f"{folder} has no config {config!r}; it has {', '.join(manifest['configs'])}")
        return manifest
    try:
        loaded = load_dataset(str(folder), config, streaming=True, cache_dir=datasets_cache(str(folder)))
        splits = {name: _describe_split(rows, f"{config}/{name} of {str(folder)!r}") for name, rows in loaded.items()}
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot load {config} of {str(folder)!r}: {first_line(error)}") from None
    card = own_card(folder, sum(split["rows"] for split in splits.values()))
    try:
        check_card(str(card), "dataset", folder)
    except InputError as error:
        raise InputError(f"{folder / 'README.md'}: {error}") from None
    return {"own": True, "licence": card.data.license, "configs": {config: {"splits": splits}}}


def _describe_split(rows, place: str) -> dict:
    sizes, largest, digest = Counter(), [], hashlib.sha256()
    for number, row in enumerate(rows, 1):
        missing = [name for name in COLUMNS if row.get(name) is None]
        if missing:
            raise InputError(f"row {number} of {place} has no {missing[0]!r}; a release needs {', '.join(COLUMNS)}")
        try:
            numbers, target = puzzle_of(row)
        except ValueError as error:
            raise InputError(f"row {number} of {place}: {error}") from None
        texts = [row[name] for name in ("prompt", "completion")]
        if not all(isinstance(text, str) for text in texts):
            raise InputError(f"row {number} of {place}: prompt and completion must be strings, not {short(texts)}")
        if row["prompt"] != symbolic_prompt(numbers, target):
            raise InputError(f"row {number} of {place}: scoring asks {symbolic_prompt(numbers, target)!r}, and the "
                             f"prompt is {row['prompt'][:60]!r}; make it the same")  # fmt: skip
        verdict = verify(numbers, target, row["completion"], **rules_of(row))
        if not verdict.correct:
            raise InputError(f"row {number} of {place}: the completion is wrong ({verdict.reason}): "
                             f"{row['completion'][:60]!r}; correct it, or remove the row")  # fmt: skip
        sizes[len(numbers)] += 1
        largest.append(max(numbers))
        digest.update(f"{row['prompt']}{row['completion']}\n\n".encode())
    if not largest:
        raise InputError(f"{place} is empty; remove it from the card's configs")
    shard = {"rows": len(largest), "sha256": digest.hexdigest()}
    by_n = {str(n): sizes[n] for n in sorted(sizes)}
    return {"rows": len(largest), "v": max(largest), "at_least": min(largest), "by_n": by_n, "shards": [shard]}
