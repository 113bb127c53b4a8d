"""Judge rows blind: draw a sheet of questions and solutions without their origin, and count what the judges found.

A sheet mixes rows of every strategy with rows of GSM8K itself, shuffled, in one format, without calculator
annotations. The key, a file of its own, says where each row is from. A judge gives each row a verdict on QUESTIONS.
A row is sound if all four are answered yes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_text
from arith_puzzle.common.markdown import table
from arith_puzzle.dataset_builder.aug_gsm8k.runs import read_run
from arith_puzzle.dataset_builder.aug_gsm8k.source import ORIGINAL, read_jsonl, read_problems
from arith_puzzle.metrics.arith_puzzle_verifier.estimators import wilson_interval

SHEET, KEY, VERDICTS, TABLE = "sheet.jsonl", "key.jsonl", "verdicts.jsonl", "table.json"
QUESTIONS = {
    "sensible": "Is the question sensible English about a sensible world?",
    "answerable": "Can it be answered from what it says, in one way?",
    "right": "Is the solution's final answer right?",
    "follows": "Does every step of the solution follow from the question and the steps before it?",
}
"""Field of a verdict -> what the judge is asked."""
_ANNOTATION = re.compile(r"<<[^<>]*>>")
_IDENTITY = ("generator", "strategy", "source_index", "question_index", "path_index")


def draw(run: Path, source: Path, out: Path, *, rows: int, seed: int) -> dict[str, int]:
    """Write SHEET and KEY into ``out``.

    Args:
        run: folder of a finished run.
        source: GSM8K's train split, for the rows beside which the run's are judged.
        rows: number of rows of each strategy, and of GSM8K.
        seed: seed of the draw and of the order.

    Returns:
        {strategy: rows drawn}.

    Raises:
        InputError: the run is not finished, a strategy has too few rows, or ``out`` holds a sheet or cannot be written.
    """
    if rows < 1:
        raise InputError(f"--rows must be at least 1, not {rows}")
    if (out / KEY).exists():
        raise InputError(f"{out} holds a sheet; give another --out")
    by_strategy: dict[str, list[dict]] = defaultdict(list)
    for row in read_run(run).rows.to_pylist():
        by_strategy[row["strategy"]].append({key: row[key] for key in (*_IDENTITY, "query", "response")})
    for problem in read_problems(source):
        identity = dict(zip(_IDENTITY, ("gsm8k", ORIGINAL, problem.index, 0, 0), strict=True))
        by_strategy[ORIGINAL].append(identity | {"query": problem.query, "response": problem.response})
    chosen = []
    for strategy, found in by_strategy.items():
        if len(found) < rows:
            raise InputError(f"{run} has {len(found)} rows of {strategy}, fewer than --rows {rows}")
        chosen += sorted(found, key=lambda row: _rank(f"draw-{seed}", row))[:rows]
    chosen.sort(key=lambda row: _rank(f"order-{seed}", row))
    sheet = [
        {"row": number, "question": row["query"], "solution": _ANNOTATION.sub("", row["response"])}
        for number, row in enumerate(chosen, 1)
    ]
    key = [{"row": number} | row for number, row in enumerate(chosen, 1)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, lines in ((SHEET, sheet), (KEY, key)):
            write_text(out / name, "".join(json.dumps(line) + "\n" for line in lines))
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; give another --out") from None
    return {strategy: rows for strategy in by_strategy}


def tally(folder: Path) -> dict[str, dict]:
    """Count the verdicts of a judged sheet.

    Args:
        folder: with KEY, and with VERDICTS: for each row of the sheet {"row", "note"} and true or false for each of
            QUESTIONS.

    Returns:
        {strategy: {"rows", "sound", "sound_ci95", and for each of QUESTIONS the number of rows}}; the interval is
        Wilson's, of the share of sound rows.

    Raises:
        InputError: a row has no verdict or two, or a verdict lacks an answer.
    """
    key = {row["row"]: row for _, row in read_jsonl(folder / KEY)}
    verdicts: dict[int, dict] = {}
    for number, verdict in read_jsonl(folder / VERDICTS):
        place = f"{folder / VERDICTS}:{number}"
        if verdict.get("row") not in key or verdict["row"] in verdicts:
            raise InputError(f"{place}: row {verdict.get('row')!r} is not in {KEY}, or has a verdict already")
        absent = next((field for field in QUESTIONS if type(verdict.get(field)) is not bool), None)
        if absent:
            raise InputError(f"{place}: {absent!r} must be true or false")
        verdicts[verdict["row"]] = verdict
    if len(verdicts) < len(key):
        missing = min(key.keys() - verdicts.keys())
        raise InputError(f"{folder / VERDICTS} has no verdict on row {missing}; judge every row of {SHEET}")
    counts: dict[str, dict] = {}
    for number, row in key.items():
        of = counts.setdefault(row["strategy"], {"rows": 0, "sound": 0} | dict.fromkeys(QUESTIONS, 0))
        of["rows"] += 1
        of["sound"] += all(verdicts[number][field] for field in QUESTIONS)
        for field in QUESTIONS:
            of[field] += verdicts[number][field]
    for of in counts.values():
        of["sound_ci95"] = list(wilson_interval(of["sound"], of["rows"]))
    return dict(sorted(counts.items(), key=lambda item: (item[0] == ORIGINAL, item[0])))


def as_markdown(counts: dict[str, dict]) -> str:
    """The counts of ``tally`` as a Markdown table."""
    return table(
        ["strategy", "rows", "sound", "95% interval", *QUESTIONS],
        [
            [name, of["rows"], f"{of['sound'] / of['rows']:.3f}", "{:.3f} to {:.3f}".format(*of["sound_ci95"]),
             *(of[field] for field in QUESTIONS)]
            for name, of in counts.items()
        ],
    )  # fmt: skip


def judged(folder: Path, rows: list[dict]) -> dict:
    """The verdicts on a sample of ``rows``, for a dataset's manifest: {"folder", "strategies": ``tally``}.

    Raises:
        InputError: as ``tally``; or a judged row, other than those of GSM8K, is not among ``rows``.
    """
    known = {(row["query"], row["response"]) for row in rows}
    counts = tally(folder)
    for number, row in read_jsonl(folder / KEY):
        if row["strategy"] != ORIGINAL and (row["query"], row["response"]) not in known:
            raise InputError(f"{folder / KEY}:{number}: the row is not in this dataset; draw and judge a new sample")
    return {"folder": folder.resolve().name, "strategies": counts}


def _rank(seed: str, row: dict) -> bytes:
    identity = "/".join(str(row[key]) for key in _IDENTITY)
    return hashlib.blake2b(f"judging/{seed}/{identity}".encode(), digest_size=16).digest()
