"""Rejection sampling: a model's own answers, the verified ones, as training rows (RFT, arXiv 2308.01825).

arith-puzzle score --adapter runs/x --config starter --split train --limit 20000 --samples 4 --out runs/x/drawn
python -m arith_puzzle.training.rejection runs/x/drawn/generations-train.jsonl --out runs/x/rft

writes a dataset that recipes load: ``dataset: {path: runs/x/rft, config: rft}``. Of a puzzle's answers those are kept
that the strict verifier passes and that differ in normal form; puzzles of an evaluation split are refused.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.generate import SCHEMA
from arith_puzzle.dataset_builder.puzzle import (
    completion,
    normal_form,
    parse_completion,
    partition_mask,
    puzzle_keys,
    symbolic_prompt,
)
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

CONFIG = "rft"
CARD = """---
configs:
- config_name: {config}
  data_files:
  - split: train
    path: {config}/train-*.parquet
---
{rows:,} verified answers, different in normal form, to {puzzles:,} puzzles: {kept:.1%} of the {drawn:,} drawn.
"""


def reject(generations: list[Path], out: Path) -> dict[str, int]:
    """Write the dataset; returns {"drawn", "right", "rows", "puzzles"}.

    Raises:
        InputError: a file that cannot be read or holds something else, a puzzle of an evaluation split, no right
            answer, or ``out`` exists.
    """
    if out.exists():
        raise InputError(f"{out} exists; give another --out, or delete it")
    drawn = right = 0
    kept: dict[tuple, dict[str, None]] = {}  # puzzle -> its answers, in the order in which they came
    for path in generations:
        for number, record in _records(path):
            try:
                numbers, target = sorted(map(int, record["numbers"])), int(record["target"])
                answers = record["responses"] if "responses" in record else [record["response"]]
            except (KeyError, TypeError, ValueError):
                raise InputError(f"{path}:{number} has no numbers, target and response(s)") from None
            drawn += len(answers)
            passed = [text for text in answers if verify(numbers, target, text).correct]
            right += len(passed)
            for text in passed:
                written = completion(normal_form(numbers, parse_completion(text)))
                kept.setdefault((tuple(numbers), target), {})[written] = None
    if not kept:
        raise InputError(f"none of {drawn:,} answers is right; there is nothing to train on")
    _check_partition(list(kept))
    rows = [(list(numbers), target, text) for (numbers, target), texts in kept.items() for text in texts]
    table = pa.table(
        {
            "numbers": [numbers for numbers, _, _ in rows],
            "target": [target for _, target, _ in rows],
            "prompt": [symbolic_prompt(numbers, target) for numbers, target, _ in rows],
            "completion": [text for _, _, text in rows],
            "n": [len(numbers) for numbers, _, _ in rows],
            "num_solutions": pa.nulls(len(rows)),
            "difficulty": pa.nulls(len(rows)),
        }
    ).cast(SCHEMA)
    partial = out.with_name(f".{out.name}.tmp")
    (partial / CONFIG).mkdir(parents=True, exist_ok=True)
    pq.write_table(table, partial / CONFIG / "train-00000.parquet")
    card = CARD.format(config=CONFIG, rows=len(rows), puzzles=len(kept), kept=len(rows) / drawn, drawn=drawn)
    (partial / "README.md").write_text(card, encoding="utf-8")
    partial.rename(out)
    return {"drawn": drawn, "right": right, "rows": len(rows), "puzzles": len(kept)}


def _records(path: Path):
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield number, json.loads(line)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; score with --samples first") from None
    except ValueError:
        raise InputError(f"{path} is no JSONL file of answers") from None


def _check_partition(puzzles: list[tuple]) -> None:
    """Raise InputError on a puzzle that an evaluation split may hold."""
    for size in {len(numbers) for numbers, _ in puzzles}:
        some = [puzzle for puzzle in puzzles if len(puzzle[0]) == size]
        keys = puzzle_keys(np.array([numbers for numbers, _ in some]), np.array([target for _, target in some]))
        held = ~partition_mask(keys, "train")
        if held.any():
            numbers, target = some[int(np.argmax(held))]
            raise InputError(
                f"{','.join(map(str, numbers))}:{target} is of an evaluation split; answer --split train instead"
            )
