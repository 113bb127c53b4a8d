"""What a generator leaves for the dataset: a folder with its rows and a report of all that was dropped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.aug_gsm8k.source import SCHEMA

ROWS, REPORT = "rows.parquet", "report.json"


@dataclass(frozen=True)
class Run:
    """A finished run: its rows, and its report as a dict (README of the dataset: "How rows are made")."""

    rows: pa.Table
    report: dict


def rows_sha256(rows: pa.Table) -> str:
    """SHA-256, hex, over the rows as JSON lines with sorted keys; Parquet bytes change with the writer."""
    digest = hashlib.sha256()
    for batch in rows.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            digest.update((json.dumps(row, sort_keys=True) + "\n").encode())
    return digest.hexdigest()


def write_run(out: Path, rows: list[dict], report: dict) -> Run:
    """Write the rows, then the report, which is what makes the run whole. Raises InputError if they cannot be."""
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    report = report | {
        "generator_version": version("arith-puzzle"),
        "rows": table.num_rows,
        "sha256": rows_sha256(table),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / REPORT).unlink(missing_ok=True)
        write_parquet(table, out / ROWS)
        write_text(out / REPORT, json.dumps(report, indent=1) + "\n")
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; give another --out") from None
    return Run(table, report)


def read_run(folder: Path) -> Run:
    """A finished run. Raises InputError if it is none, or its rows are not those of its report."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        rows = pq.read_table(folder / ROWS, schema=SCHEMA)
        whole = rows_sha256(rows) == report["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise InputError(f"{folder} is no finished run of `augment rules` or `augment model`; run that command again")
    return Run(rows, report)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Parquet as the Hub likes it, by a temporary file and a rename."""
    partial = path.with_name(f".{path.name}.tmp")
    try:
        pq.write_table(table, partial, compression="zstd", write_page_index=True, use_content_defined_chunking=True)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """A text file, by a temporary file and a rename."""
    partial = path.with_name(f".{path.name}.tmp")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)
