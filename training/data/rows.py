"""Read the rows of a recipe's dataset: a split of a folder or of a dataset on the Hub, as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pyarrow as pa
import pyarrow.compute as pc

from arith_puzzle.common.datasets_cache import datasets_cache
from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.dataset_builder.configs import how_to_get
from arith_puzzle.dataset_builder.formats import BY_RULES
from arith_puzzle.metrics.arith_puzzle_verifier.verify import RULE_COLUMNS
from arith_puzzle.training.data.encoding import BATCH
from arith_puzzle.training.sections import DatasetSection

TYPES = {name: pa.string() for name in ("prompt", "completion", "query", "response")}
TYPES |= {"numbers": pa.list_(pa.int64()), "target": pa.int64()}
"""Types of the columns that formats read. Files of other people may have others; CSV states none."""


def loading(section: DatasetSection, path: str) -> AbstractContextManager[None]:
    """Context manager: an error of loading becomes an InputError with a remedy."""
    return reported(f"cannot load the dataset {path!r}", path, remedy=f"; {how_to_get(section.config, path)}")


def open_split(section: DatasetSection, path: str):
    """The split as a streaming dataset."""
    from datasets import load_dataset

    return load_dataset(path, section.config, split=section.split, streaming=True, cache_dir=datasets_cache(path))


def columns_of(section: DatasetSection, path: str, needed: tuple[str, ...]) -> tuple[str, ...]:
    """``needed`` and the columns of the rows' rules, if there are any.

    Raises:
        InputError: the dataset cannot be loaded, has no such column, or has rules that its format cannot ask.
    """
    with loading(section, path):
        stream = open_split(section, path)
        there = stream.column_names or list(next(iter(stream), {}))  # the columns of CSV are those of a row
    missing = [name for name in needed if name not in there]
    if missing:
        raise InputError(f"{path}/{section.config} has no column {missing[0]!r}; dataset.format: {section.format} "
                         f"needs {', '.join(needed)}")  # fmt: skip
    rules = [name for name in RULE_COLUMNS if name in there]
    if rules and section.format not in BY_RULES:
        raise InputError(f"{path}/{section.config} has puzzles by rules of its own (column {rules[0]!r}), which "
                         f"dataset.format: {section.format} cannot ask; use {' or '.join(BY_RULES)}")  # fmt: skip
    return (*needed, *rules)


def read_shard(section: DatasetSection, path: str, columns: tuple[str, ...], shard: int) -> Iterator[pa.Table]:
    """A shard's rows in tables of at most BATCH rows, with the columns' TYPES.

    Raises:
        InputError: it cannot be read, or a column has another type or an empty value.
    """
    with loading(section, path):
        stream = open_split(section, path)
        rows = stream.shard(stream.num_shards, shard).select_columns(list(columns)).with_format("arrow")
        for batch, table in enumerate(rows.iter(BATCH)):
            yield _checked(table, batch * BATCH, f"shard {shard} of {path}/{section.config}/{section.split}")


def first_rows(section: DatasetSection, path: str, needed: tuple[str, ...]) -> pa.Table:
    """The first ``section.rows`` rows (None: all) with ``columns_of(section, path, needed)``.

    Raises:
        InputError: errors of ``columns_of`` and ``read_shard``; there are fewer rows, or none.
    """
    columns, tables, left = columns_of(section, path, needed), [], section.rows
    with loading(section, path):
        shards = open_split(section, path).num_shards
    for shard in range(shards):
        for table in read_shard(section, path, columns, shard):
            tables.append(table if left is None else table.slice(0, left))
            left = None if left is None else left - len(tables[-1])
            if left == 0:
                return pa.concat_tables(tables)
    found = sum(map(len, tables))
    if left or not found:
        raise InputError(f"dataset.rows asks for {section.rows or 'all'} rows; {section.split} of {path} has {found}")
    return pa.concat_tables(tables)


def _checked(table: pa.Table, before: int, place: str) -> pa.Table:
    """The table with the columns' TYPES. Raises InputError on another type or an empty value."""
    for index, name in enumerate(table.column_names):
        column, wanted = table[name], TYPES.get(name)
        if wanted is None:
            continue
        try:
            column = column.cast(wanted)
        except pa.ArrowException:
            raise InputError(f"the column {name!r} in {place} has the type {column.type}, and must have {wanted}; "
                             "write it so") from None  # fmt: skip
        row = pc.index(column.is_null(), True).as_py()
        if row < 0 and name == "numbers":  # a list can hold an empty value
            inner = pc.index(pc.list_flatten(column).is_null(), True).as_py()
            row = pc.list_parent_indices(column)[inner].as_py() if inner >= 0 else row
        if row >= 0:
            raise InputError(f"row {before + row + 1} of {place} has no value in {name!r}; fill it in, or remove it")
        table = table.set_column(index, name, column)
    return table
