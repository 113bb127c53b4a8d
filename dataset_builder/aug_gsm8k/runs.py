"""Write and read the folder of a generator's run: the rows, and a report that counts what was dropped and why."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import write_text
from arith_puzzle.dataset_builder.aug_gsm8k.source import SCHEMA

ROWS, REPORT = "rows.parquet", "report.json"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        rows: the rows, with the columns of source.SCHEMA.
        report: settings and counts. The dataset's card prints them in the section "How rows are made".
    """

    rows: pa.Table
    report: dict


def rows_sha256(rows: pa.Table) -> str:
    """SHA-256 (hex) over the rows as JSON lines with sorted keys. Parquet bytes depend on the writer's version."""
    digest = hashlib.sha256()
    for batch in rows.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            digest.update((json.dumps(row, sort_keys=True) + "\n").encode())
    return digest.hexdigest()


def check_place(out: Path) -> None:
    """Raise InputError, before the work, if ``out`` is no folder for a run: not writable, or with others' files."""
    try:
        nearest = next(place for place in (out, *out.absolute().parents) if place.exists())
        content = json.loads((out / REPORT).read_text(encoding="utf-8")) if (out / REPORT).exists() else None
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; give another --out") from None
    except ValueError:
        content = {}
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"cannot write to {out}: {nearest} is not a folder to write to; give another --out")
    if content is not None and not (isinstance(content, dict) and {"rows", "sha256"} <= set(content)):
        raise InputError(f"{out} has a {REPORT} of something else; give another --out")


def write_run(out: Path, rows: list[dict], report: dict) -> Run:
    """Write the rows, then the report. The report marks the run as finished. Raises InputError if writing fails."""
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
    """Read a run. Raises InputError if it is not finished, or if its rows do not match its report."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        rows = pq.read_table(folder / ROWS, schema=SCHEMA)
        whole = rows_sha256(rows) == report["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise InputError(f"{folder} is not a finished run of `augment rules` or `augment model`; run it again")
    return Run(rows, report)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write Parquet atomically, with page index and content-defined chunks, which the Hub's viewer and storage use."""
    partial = path.with_name(f".{path.name}.tmp")
    try:
        pq.write_table(table, partial, compression="zstd", write_page_index=True, use_content_defined_chunking=True)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
