"""The functions that the tasks of this folder name: rows as documents, and the verifier as ``process_results``.

lm-evaluation-harness imports this file by its path. ``--metadata '{"dataset": ..., "config": ..., "split": ...}'``
chooses the rows.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.dataset_builder.configs import how_to_get
from arith_puzzle.evaluation.harnesses.scoring import question, scores
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import puzzle_of
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS

COLUMNS = ("question", "answer", "numbers", "target", *RULE_COLUMNS)
"""The columns of a document. Those of the rules are null where a row follows the paper's rules."""


def document(row: dict, format: str = "natural") -> dict[str, Any]:
    """One row as a document with COLUMNS. Raises ValueError as ``question``."""
    numbers, target = puzzle_of(row)
    found = {"question": question(row, format), "answer": row.get("completion") or "", "numbers": numbers,
             "target": target}  # fmt: skip
    return found | {name: row.get(name) for name in RULE_COLUMNS}


def load(
    dataset: str = "arith-puzzle", config: str = "starter", split: str = "test", format: str = "natural",
    **others: object,
) -> dict[str, Any]:  # fmt: skip
    """The task's documents, as the split ``test`` of a ``datasets.Dataset``.

    Args:
        dataset: folder or Hub id of the dataset.
        config: config of the dataset.
        split: split of the config.
        format: "natural" or "symbolic".
        others: the harness also passes the model's arguments and the task's version, which have no effect.

    Raises:
        InputError: the rows cannot be read, a row is no puzzle, the format is unknown, or another key is almost one of
            these.
    """
    for key in others:
        if close := get_close_matches(key, ("dataset", "config", "split", "format"), n=1, cutoff=0.8):
            raise InputError(f"the metadata have the key {key!r}; write {close[0]!r}")
    from datasets import Dataset, load_dataset

    place = f"{config}/{split} of {dataset!r}"
    with reported(f"cannot read {place}", dataset, remedy=f"; {how_to_get(config, dataset)}"):
        rows = list(load_dataset(dataset, config, split=split, streaming=True, cache_dir=datasets_cache(dataset)))
    documents = []
    for number, row in enumerate(rows, 1):
        try:
            documents.append(document(row, format))
        except ValueError as error:
            raise InputError(f"row {number} of {place}: {error}") from None
    if not documents:
        raise InputError(f"{place} is empty; choose another split")
    return {"test": Dataset.from_list(documents)}


def process_results(doc: dict, results: list[str]) -> dict[str, float]:
    """Judge the model's response, ``results[0]``: ``strict`` and ``lenient``, see ``scoring.scores``."""
    return scores(doc, results[0])
