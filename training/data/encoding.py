"""Prompt-completion rows as token ids: in batches, by one look-up a byte where a tokenizer is a table of characters."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from functools import partial
from itertools import chain
from multiprocessing import get_context

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arith_puzzle.common.errors import InputError

BATCH = 10_000
"""Rows."""
MAX_ROW_TOKENS = 2**16 - 1
UNFINISHED = (",", "\n")
"""A drill that ends with one of these goes on somewhere else: no eos follows. Of other rows nobody can say so."""
Texts = tuple[pa.Array, pa.Array]
"""Prompts and completions of a batch, as strings."""


@contextlib.contextmanager
def encoder(tokenizer, rows: int | None, unfinished: tuple[str, ...] = ()):
    """A function from batches of texts to arrays, in order: in this process, or in one for each core."""
    table = character_table(tokenizer)
    work = partial(_encode_characters, table) if table else partial(_encode_texts, tokenizer)
    work = partial(work, unfinished=unfinished)
    if table or (rows is not None and rows <= 10 * BATCH):  # processes take seconds to start
        yield partial(map, work)
        return
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        yield partial(pool.imap, work)


def encode(
    prompts: list[str], completions: list[str], tokenizer, unfinished: tuple[str, ...] = ()
) -> tuple[list[list[int]], list[int]]:
    """Ids of prompt + completion + eos for each row, and the number of ids of each prompt.

    ``unfinished``: a completion that ends with one of these gets no eos.

    Raises:
        InputError: a prompt's ids are not a prefix of prompt + completion's, so that what is trained is not what is
            asked at inference; or a row is longer than MAX_ROW_TOKENS.
    """
    ids_only = {"return_attention_mask": False, "return_token_type_ids": False}
    heads = tokenizer(prompts, **ids_only)["input_ids"]
    wholes = tokenizer([p + c for p, c in zip(prompts, completions, strict=True)], **ids_only)["input_ids"]
    for text, completion, head, whole in zip(prompts, completions, heads, wholes, strict=True):
        if whole[: len(head)] != head:
            raise InputError(f"the tokenizer merges prompt and completion of {text!r}; use another base")
        if not completion.endswith(unfinished):
            whole.append(tokenizer.eos_token_id)
        if len(whole) > MAX_ROW_TOKENS:
            raise InputError(f"the row {text[:40]!r}… has {len(whole)} tokens; the limit is {MAX_ROW_TOKENS}")
    return wholes, [len(head) for head in heads]


def _encode_texts(
    tokenizer, texts: Texts, unfinished: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A batch's ids one after another, uint32; each row's tokens, and those of its prompt."""
    wholes, prompts = encode(*(column.to_pylist() for column in texts), tokenizer, unfinished)
    lengths = np.fromiter(map(len, wholes), np.int64, len(wholes))
    return np.fromiter(chain.from_iterable(wholes), np.uint32, lengths.sum()), lengths, np.array(prompts, np.uint16)


@dataclass(frozen=True)
class CharacterTable:
    """A tokenizer that is a table: ``before`` a text, an id for each byte (-1: none), and eos at the end."""

    ids: np.ndarray
    before: int | None
    eos: int


def character_table(tokenizer) -> CharacterTable | None:
    """The table of a tokenizer whose tokens are single ASCII characters by its own definition; None of any other."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    state = json.loads(backend.to_str()) if backend is not None else {}
    split = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    if state.get("normalizer") or state.get("pre_tokenizer") != split or state["model"]["type"] != "WordLevel":
        return None
    vocabulary = state["model"]["vocab"]
    if any(all(character in vocabulary for character in token["content"]) for token in state["added_tokens"]):
        return None  # such a text would be one token
    before = tokenizer("")["input_ids"]
    ids = np.full(256, -1, np.int64)
    for token, number in vocabulary.items():
        if len(token) == 1 and token.isascii():
            ids[ord(token)] = number
    # What stands around the text is the post-processor's affair: asked, not guessed.
    if len(before) > 1 or tokenizer("1")["input_ids"] != [*before, ids[ord("1")]]:
        return None
    return CharacterTable(ids, before[0] if before else None, tokenizer.eos_token_id)


def _encode_characters(
    table: CharacterTable, texts: Texts, unfinished: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same by one look-up for each byte."""
    rows = pc.binary_join_element_wise(*texts, "")
    offsets = np.concatenate([[0], np.cumsum(pc.binary_length(rows).to_numpy())]).astype(np.int64)
    ids = table.ids[np.frombuffer(b"".join(rows.cast(pa.binary()).to_pylist()), np.uint8)]
    if (ids < 0).any():
        row = rows[int(np.searchsorted(offsets, np.argmax(ids < 0), "right")) - 1].as_py()
        raise InputError(f"{row!r} holds a character that the tokenizer does not know; use another base")
    begins = int(table.before is not None)
    ended = np.ones(len(rows), bool)
    for end in unfinished:
        ended &= ~pc.ends_with(texts[1], end).to_numpy(zero_copy_only=False)
    lengths = np.diff(offsets) + begins + ended
    if lengths.max(initial=0) > MAX_ROW_TOKENS:
        raise InputError(f"a row has {lengths.max()} tokens; the limit is {MAX_ROW_TOKENS}")
    ends = np.cumsum(lengths)
    out = np.full(lengths.sum(), table.eos, np.uint32)
    inside = np.ones(len(out), bool)
    inside[ends[ended] - 1] = False
    if begins:
        inside[ends - lengths] = False
        out[ends - lengths] = table.before
    out[inside] = ids
    return out, lengths, (pc.binary_length(texts[0]).to_numpy() + begins).astype(np.uint16)
