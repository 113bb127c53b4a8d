"""Rejection sampling: make training rows from the correct answers of a model (RFT, arXiv 2308.01825).

    arith-puzzle score --adapter runs/x --config starter --split train --limit 20000 --samples 4 --out runs/x/samples
    arith-puzzle rejection runs/x/samples/generations-train.jsonl --out runs/x/rft

An answer is kept if the strict verifier accepts it and no other kept answer to the same puzzle has its normal form.
Puzzles of an evaluation split are refused. A recipe loads the rows with ``dataset: {path: runs/x/rft, config: rft}``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.generate import schema_of
from arith_puzzle.dataset_builder.puzzle import (
    completion,
    normal_form,
    parse_completion,
    partition_mask,
    puzzle_keys,
    symbolic_prompt,
)
from arith_puzzle.metrics.arith_puzzle_verifier.verify import response_key, rules_of, verify
from arith_puzzle.metrics.read_answers import read_answers

CONFIG = "rft"
CARD = """---
configs:
- config_name: {config}
  data_files:
  - split: train
    path: {config}/train-*.parquet
---
{rows:,} correct answers to {puzzles:,} puzzles, each once in normal form: {kept:.1%} of {samples:,} samples.
"""


def reject(generations: list[Path], out: Path) -> dict[str, int]:
    """Write a dataset of the correct answers.

    Args:
        generations: JSONL files of ``arith-puzzle score``; a row has ``numbers``, ``target`` and ``response`` or
            ``responses``.
        out: folder of the dataset; it must not exist.

    Returns:
        {"samples": answers read, "correct": correct answers, "rows": answers kept, "puzzles": puzzles with a kept
        answer}

    Raises:
        InputError: ``out`` exists, a file cannot be read, a row is broken (the message names file and line), a puzzle
            belongs to an evaluation split, or no answer is correct.
    """
    if out.exists():
        raise InputError(f"{out} exists; give another --out, or delete it")
    samples = correct = 0
    kept: dict[tuple, dict[tuple, str]] = {}  # puzzle -> its solutions, in the order of the files
    rules: dict[str, str] = {}
    for path in generations:
        for number, row, fault in read_answers(path):
            if fault:
                raise InputError(f"{path}:{number}: {fault}")
            if row is None:
                continue
            numbers, target, own = sorted(row["numbers"]), row["target"], rules_of(row)
            if kept and own != rules:
                raise InputError(f"{path}:{number}: this row has other rules than the first one that was solved")
            answers = row["responses"] if "responses" in row else [row["response"]]
            samples += len(answers)
            passed = [text for text in answers if verify(numbers, target, text, **own).correct]
            correct += len(passed)
            for text in passed:
                written = text.removesuffix("\n") if own else completion(normal_form(numbers, parse_completion(text)))
                same = response_key(numbers, text, **own)
                kept.setdefault((tuple(numbers), target), {}).setdefault(same, written)
                rules = own
    if not kept:
        raise InputError(f"none of {samples:,} answers is correct; there is nothing to train on")
    _check_partition(list(kept))
    rows = [(list(numbers), target, text) for (numbers, target), texts in kept.items() for text in texts.values()]
    table = pa.table(
        {
            "numbers": [numbers for numbers, _, _ in rows],
            "target": [target for _, target, _ in rows],
            "prompt": [symbolic_prompt(numbers, target) for numbers, target, _ in rows],
            "completion": [text for _, _, text in rows],
            "n": [len(numbers) for numbers, _, _ in rows],
            "num_solutions": pa.nulls(len(rows)),
            "difficulty": pa.nulls(len(rows)),
            **{name: [value] * len(rows) for name, value in rules.items()},
        }
    ).cast(schema_of(rules))
    partial = out.with_name(f".{out.name}.tmp")
    (partial / CONFIG).mkdir(parents=True, exist_ok=True)
    pq.write_table(table, partial / CONFIG / "train-00000.parquet")
    card = CARD.format(config=CONFIG, rows=len(rows), puzzles=len(kept), kept=len(rows) / samples, samples=samples)
    (partial / "README.md").write_text(card, encoding="utf-8")
    partial.rename(out)
    return {"samples": samples, "correct": correct, "rows": len(rows), "puzzles": len(kept)}


def _check_partition(puzzles: list[tuple]) -> None:
    """Raise InputError on a puzzle outside the train part of all puzzles (``partition_mask``)."""
    for size in {len(numbers) for numbers, _ in puzzles}:
        some = [puzzle for puzzle in puzzles if len(puzzle[0]) == size]
        keys = puzzle_keys(np.array([numbers for numbers, _ in some]), np.array([target for _, target in some]))
        held = ~partition_mask(keys, "train")
        if held.any():
            numbers, target = some[int(np.argmax(held))]
            raise InputError(
                f"{','.join(map(str, numbers))}:{target} belongs to an evaluation split; score --split train instead"
            )
