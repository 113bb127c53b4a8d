"""The token cache: training rows as token ids on disk, written once for each tokenizer, dataset and text format.

Each shard of the dataset becomes a piece. A piece is written to a temporary folder and renamed when it is complete, so
an interrupted run resumes with the first missing piece. Pieces are memory-mapped: a hundred million rows need disk
space, not memory. A cached row has the ids of the prompt, of the completion, and eos.

The cache is in the folder ``ARITH_PUZZLE_CACHE`` (default: ``~/.cache/arith-puzzle``). It is safe to delete.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.provenance import dataset_content
from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.dataset_builder.search_traces import SEARCH_VERSION
from arith_puzzle.training.data.encoding import BATCH, UNFINISHED, Texts, encoder
from arith_puzzle.training.data.rows import columns_of, loading, open_split, read_shard
from arith_puzzle.training.recipe import Recipe
from arith_puzzle.training.sections import DatasetSection

VERSION = 1
"""Version of the layout of a piece; part of the cache's key."""
FILES = ("ids", "offsets", "prompts")
PROBE = pa.table(
    {"numbers": [[3, 4, 5]], "target": [17], "prompt": ["3,4,5:17\n"], "completion": ["3*4=12\n5+12=17"],
     "query": ["3*4?"], "response": ["12"]}
)  # fmt: skip
"""A row of which the texts are part of the cache's key, because code writes them. A search takes at least 3 numbers."""


class Tokens:
    """The first ``rows`` rows of a cache (None: all), memory-mapped.

    Attributes:
        offsets: for each piece, the start of each row in ``ids``: uint32 [rows + 1].
        ids: for each piece, all ids: [tokens], in the smallest unsigned type that holds the vocabulary.
        prompts: for each piece, the number of prompt tokens of each row: uint16 [rows].
    """

    def __init__(self, pieces: list[Path], rows: int | None):
        self.ids, self.offsets, self.prompts = ([np.load(p / f"{f}.npy", mmap_mode="r") for p in pieces] for f in FILES)
        counts = [len(prompts) for prompts in self.prompts]
        self._starts = np.cumsum([0, *counts])
        self.rows = min(rows or sum(counts), sum(counts))

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int) -> tuple[np.ndarray, int]:
        """(ids of a row, number of its prompt tokens)."""
        piece = int(np.searchsorted(self._starts, row, side="right")) - 1
        inside = row - self._starts[piece]
        start, stop = self.offsets[piece][inside : inside + 2]
        return self.ids[piece][start:stop], int(self.prompts[piece][inside])

    def lengths(self) -> np.ndarray:
        """Number of tokens of each row: uint16 [rows]."""
        lengths = [np.diff(offsets).astype(np.uint16) for offsets in self.offsets]
        return np.concatenate(lengths)[: self.rows] if lengths else np.empty(0, np.uint16)

    def prompt_lengths(self) -> np.ndarray:
        """Number of prompt tokens of each row: uint16 [rows]."""
        return np.concatenate(self.prompts)[: self.rows] if self.prompts else np.empty(0, np.uint16)


def token_cache(recipe: Recipe, tokenizer, dataset: str | None = None) -> Tokens:
    """The training rows of a recipe as tokens. Cached pieces are used again.

    Only the shards that hold the recipe's first ``dataset.rows`` rows are read. Of several processes on a machine, one
    writes the cache and the others wait.

    Args:
        dataset: folder or Hub id of the dataset, instead of the recipe's ``dataset.path``.

    Raises:
        InputError: the dataset cannot be loaded or has too few rows, a row cannot be encoded
            (``arith_puzzle.training.data.encoding.encode``), or the disk is full.
    """
    pieces, wanted = [], None
    if recipe.drills:
        pieces, _ = _cached(_drills(recipe), tokenizer, None)
    if recipe.dataset:
        wanted = recipe.dataset.rows
        found, rows = _cached(_dataset(recipe, dataset), tokenizer, wanted)
        if not rows:
            raise InputError(f"{recipe.dataset.split} of {dataset or recipe.dataset.path!r} has no rows in the format "
                             f"{recipe.dataset.format}; there is nothing to train on")  # fmt: skip
        if wanted and rows < wanted:
            raise InputError(f"dataset.rows asks for {wanted} rows; {recipe.dataset.split} has {rows}")
        pieces += found  # after the drills, so that Tokens cuts only rows after the last wanted one
        wanted = wanted and wanted + (recipe.drills.rows if recipe.drills else 0)
    return Tokens(pieces, wanted)


def _cached(source: _Source, tokenizer, wanted: int | None) -> tuple[list[Path], int]:
    """(the pieces with a source's first ``wanted`` rows (None: all), the number of rows in them)."""
    identity = source.identity | {"tokenizer": _tokenizer_digest(tokenizer, source.chat), "version": VERSION}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache_root() / "tokens" / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "identity.json").write_text(json.dumps(identity, indent=1, sort_keys=True) + "\n")
            return _write_missing(folder, source, tokenizer, wanted)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"no space left for the token cache in {folder}; free some, or set ARITH_PUZZLE_CACHE "
                             "to a folder on another disk, and repeat the command") from None  # fmt: skip
        raise InputError(f"cannot write the token cache {folder}: {error.strerror}; set ARITH_PUZZLE_CACHE to another "
                         "folder") from None  # fmt: skip


def cache_root() -> Path:
    """The folder of all caches of this machine."""
    return Path(os.environ.get("ARITH_PUZZLE_CACHE", Path.home() / ".cache" / "arith-puzzle"))


class _Source:
    """Where rows come from: ``read(shard)`` yields the texts, ``identity`` says what they depend on."""

    def __init__(
        self, identity: dict, shards: int, read, unfinished: tuple[str, ...] = (), chat: Chat | None = None
    ):  # fmt: skip
        self.identity, self.shards, self.read, self.unfinished, self.chat = identity, shards, read, unfinished, chat


def _drills(recipe: Recipe) -> _Source:
    identity = {"drills": asdict(recipe.drills), "seed": recipe.seed} | _version(recipe.drills.format)
    return _Source(identity, 1, partial(_read_drills, recipe), UNFINISHED)


def _version(form: str) -> dict:
    """The part of a cache's key for a format whose texts are made by code of this project, which has versions."""
    return {"search": SEARCH_VERSION} if form in ("search", "procedure", "first_attempt") else {}


def _read_drills(recipe: Recipe, shard: int) -> Iterator[Texts]:
    from arith_puzzle.training.data.pretraining_mix import drill_columns

    section = recipe.drills
    optional = ("limit", "v", "sizes", "walk_share", "list_share", "attempts")
    stated = {key: getattr(section, key) for key in optional if getattr(section, key) is not None}
    columns = drill_columns(section.rows, recipe.seed, section.drill_share, answers=section.format, **stated)
    for start in range(0, recipe.drills.rows, BATCH):
        yield tuple(pa.array(columns[name][start : start + BATCH]) for name in ("prompt", "completion"))


def split_content(section: DatasetSection, path: str) -> str:
    """The ``dataset_content`` of the split that a recipe trains on, read from a folder or a Hub id.

    Raises:
        InputError: it cannot be read.
    """
    with loading(section, path):
        return dataset_content(path, section.config, section.split)


def _dataset(recipe: Recipe, path: str | None) -> _Source:
    section = recipe.dataset
    path, form = path or section.path, FORMATS[section.format]
    content, columns = split_content(section, path), columns_of(section, path, form.columns)
    texts = form.turns if recipe.chat and form.turns else form.texts
    probe = [column.to_pylist() for column in texts(PROBE.select(list(form.columns)))]
    identity = {"dataset": content, "format": section.format, "texts": probe} | _version(section.format)
    if recipe.chat:
        identity |= {"chat": asdict(recipe.chat)}
    with loading(section, path):
        shards = open_split(section, path).num_shards
    return _Source(
        identity, shards, lambda shard: map(texts, read_shard(section, path, columns, shard)), chat=recipe.chat
    )


def _write_missing(folder: Path, source: _Source, tokenizer, wanted: int | None) -> tuple[list[Path], int]:
    """Write missing pieces of the first ``wanted`` rows (None: all); returns (pieces, number of rows in them)."""
    pieces, rows = [], 0
    with ExitStack() as stack:
        encoded = None
        for shard in range(source.shards):
            left = None if wanted is None else wanted - rows
            if left == 0:
                break
            whole, part = folder / f"{shard:05d}", folder / f"{shard:05d}-first-{left}"
            piece = next((p for p in (whole, part) if p.is_dir()), None)
            if piece is None:
                if encoded is None:
                    encoded = stack.enter_context(encoder(tokenizer, wanted, source.unfinished, source.chat))
                piece = _write_piece(whole, part, encoded(_batches(source.read(shard), left)), left, tokenizer, shard)
            pieces.append(piece)
            rows += len(np.load(piece / "prompts.npy", mmap_mode="r"))
            rows = rows if wanted is None else min(rows, wanted)
    return pieces, rows


def _batches(read: Iterator[Texts], rows: int | None) -> Iterator[Texts]:
    """The first ``rows`` rows of a shard, in batches."""
    for prompts, completions in read:
        yield prompts[:rows], completions[:rows]
        if rows is not None:
            rows -= len(prompts)
            if rows <= 0:
                return


def _write_piece(whole: Path, part: Path, batches, left: int | None, tokenizer, shard: int) -> Path:
    """Write a shard's rows, or its first ``left`` rows, to a temporary folder, and rename it; returns the piece."""
    dtype = np.min_scalar_type(len(tokenizer) - 1)
    temporary = whole.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    lengths, prompts = [np.zeros(1, np.int64)], [np.empty(0, np.uint16)]
    with (temporary / "ids.raw").open("wb") as raw, tqdm(desc=f"tokenize shard {shard}", unit="row", total=left) as bar:
        for ids, batch_lengths, batch_prompts in batches:
            raw.write(ids.astype(dtype).tobytes())
            lengths.append(batch_lengths)
            prompts.append(batch_prompts)
            bar.update(len(batch_prompts))
    ends = np.cumsum(np.concatenate(lengths))
    if ends[-1] > np.iinfo(np.uint32).max:
        raise InputError(f"shard {shard} has {ends[-1]} tokens, and a piece holds at most 2**32; use smaller shards")
    np.save(temporary / "ids.npy", np.memmap(temporary / "ids.raw", dtype, "r") if ends[-1] else np.empty(0, dtype))
    (temporary / "ids.raw").unlink()
    np.save(temporary / "offsets.npy", ends.astype(np.uint32))
    np.save(temporary / "prompts.npy", np.concatenate(prompts))
    piece = part if left is not None and len(ends) - 1 >= left else whole
    temporary.rename(piece)
    return piece


def _tokenizer_digest(tokenizer, chat: Chat | None) -> str:
    """What the ids of a text depend on. Of a chat: what its template writes, with its variables, and a whole prompt."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    variables = tokenizer.special_tokens_map
    template = json.dumps([tokenizer.chat_template, variables, chat.probe(tokenizer)], default=str) if chat else ""
    state = backend.to_str() if backend is not None else json.dumps([type(tokenizer).__name__, tokenizer.get_vocab()])
    return hashlib.sha256(f"{state}{tokenizer.eos_token_id}{template}".encode()).hexdigest()
