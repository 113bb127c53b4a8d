"""Convert rows of prompt and completion to token ids, in batches.

If each token of a tokenizer is a single character (``character_table``), one table look-up for each byte replaces the
tokenizer.
"""

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

from arith_puzzle.common.chat import Chat
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.processes import follow_parent

BATCH = 10_000
"""Rows in a batch."""
MAX_ROW_TOKENS = 2**16 - 1
"""The token cache stores the length of a row as uint16."""
UNFINISHED = (",", "\n")
"""Last characters of a fragment in the pretraining mix. A fragment is cut from a longer text, so no eos follows it."""
Texts = tuple[pa.Array, pa.Array]
"""Prompts and completions of a batch: two arrays of strings."""


@contextlib.contextmanager
def encoder(tokenizer, rows: int | None, unfinished: tuple[str, ...] = (), chat: Chat | None = None):
    """Context manager: a function that maps an iterable of ``Texts`` to their ids, in order, as ``encode_texts`` does.

    It runs in this process for a table of characters or for few rows, else in one process for each core.

    Args:
        rows: number of rows to encode; None if unknown.
        unfinished: a completion that ends with one of these gets no eos.
        chat: write the rows as conversations. None: as plain text.
    """
    table = None if chat else character_table(tokenizer)
    work = partial(encode_characters, table) if table else partial(encode_texts, tokenizer, chat=chat)
    work = partial(work, unfinished=unfinished)
    if table or (rows is not None and rows <= 10 * BATCH):  # processes take seconds to start
        yield partial(map, work)
        return
    with get_context("spawn").Pool(os.cpu_count(), follow_parent, (os.getpid(),)) as pool:
        yield partial(pool.imap, work)


def encode(
    prompts: list[str], completions: list[str], tokenizer, unfinished: tuple[str, ...] = (), chat: Chat | None = None
) -> tuple[list[list[int]], list[int]]:
    """Tokenize rows.

    Args:
        unfinished: a completion that ends with one of these gets no eos.
        chat: write the rows as conversations. None: as plain text.

    Returns:
        (ids of prompt + completion + eos of each row, number of prompt ids of each row)

    Raises:
        InputError: the ids of a prompt are not the first ids of prompt + completion, so the model would see other ids
            at inference than in training; a completion contains eos, or a row is longer than MAX_ROW_TOKENS.
    """
    ids_only = {"return_attention_mask": False, "return_token_type_ids": False, "add_special_tokens": chat is None}
    if chat:
        prompts = [chat.prompt(tokenizer, prompt) for prompt in prompts]
        completions = [completion.strip() for completion in completions]
    heads = tokenizer(prompts, **ids_only)["input_ids"]
    wholes = tokenizer([p + c for p, c in zip(prompts, completions, strict=True)], **ids_only)["input_ids"]
    for text, completion, head, whole in zip(prompts, completions, heads, wholes, strict=True):
        if whole[: len(head)] != head:
            raise InputError(f"the tokenizer merges prompt and completion of {text!r}; use another base")
        if tokenizer.eos_token_id in whole[len(head) :]:
            raise InputError(f"the completion {completion[:60]!r} contains {tokenizer.eos_token!r}, which ends an "
                             "answer; remove it, or the row")  # fmt: skip
        if not completion.endswith(unfinished):
            whole.append(tokenizer.eos_token_id)
        if len(whole) > MAX_ROW_TOKENS:
            raise InputError(f"the row {text[:40]!r}… has {len(whole)} tokens; the limit is {MAX_ROW_TOKENS}")
    return wholes, [len(head) for head in heads]


def encode_texts(
    tokenizer, texts: Texts, unfinished: tuple[str, ...] = (), chat: Chat | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokenize a batch.

    Returns:
        (ids of all rows one after another, uint32; tokens of each row, int64 [rows]; tokens of each prompt,
        uint16 [rows])
    """
    wholes, prompts = encode(*(column.to_pylist() for column in texts), tokenizer, unfinished, chat)
    lengths = np.fromiter(map(len, wholes), np.int64, len(wholes))
    return np.fromiter(chain.from_iterable(wholes), np.uint32, lengths.sum()), lengths, np.array(prompts, np.uint16)


@dataclass(frozen=True)
class CharacterTable:
    """A tokenizer with one token for each character.

    Attributes:
        ids: id of each byte, int64 [256]; -1 where the tokenizer has none.
        before: id in front of each text, or None.
        eos: id of the end-of-sequence token.
    """

    ids: np.ndarray
    before: int | None
    eos: int


def character_table(tokenizer) -> CharacterTable | None:
    """The table of a tokenizer that splits every text into single ASCII characters; None for any other tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    state = json.loads(backend.to_str()) if backend is not None else {}
    split = {"type": "Split", "pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    if state.get("normalizer") or state.get("pre_tokenizer") != split or state["model"]["type"] != "WordLevel":
        return None
    vocabulary = state["model"]["vocab"]
    if any(all(character in vocabulary for character in token["content"]) for token in state["added_tokens"]):
        return None  # the tokenizer would keep this text as one token
    before = tokenizer("")["input_ids"]
    ids = np.full(256, -1, np.int64)
    for token, number in vocabulary.items():
        if len(token) == 1 and token.isascii():
            ids[ord(token)] = number
    # The post-processor may add tokens around a text, so try it instead of parsing its definition.
    if len(before) > 1 or tokenizer("1")["input_ids"] != [*before, ids[ord("1")]]:
        return None
    return CharacterTable(ids, before[0] if before else None, tokenizer.eos_token_id)


def encode_characters(
    table: CharacterTable, texts: Texts, unfinished: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same as ``encode_texts``, with one table look-up for each byte."""
    rows = pc.binary_join_element_wise(*texts, "")
    offsets = np.concatenate([[0], np.cumsum(pc.binary_length(rows).to_numpy())]).astype(np.int64)
    ids = table.ids[np.frombuffer(b"".join(rows.cast(pa.binary()).to_pylist()), np.uint8)]
    if (ids < 0).any():
        row = rows[int(np.searchsorted(offsets, np.argmax(ids < 0), "right")) - 1].as_py()
        raise InputError(f"{row!r} has a character that the tokenizer does not know; use another base")
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
