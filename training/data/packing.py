"""Packing: fill sequences of one length with whole rows, so that little compute goes into padding.

A row attends only to itself. Positions restart at 0 with each row, and a batch has no attention mask. From the
positions transformers builds a block-diagonal mask (sdpa, eager, flex_attention) or splits the batch
(flash_attention_2). Only completions and their eos have a loss.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from datasets import Dataset
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from arith_puzzle.common.errors import InputError
from arith_puzzle.training.data.token_cache import Tokens

WINDOW = 4096
"""Rows of a window. Only rows of the same window share a sequence, so reads from disk stay local. The last sequence of
a window may be half empty, which costs less than one sequence in five hundred."""
IGNORED = -100
"""Label of a token without a loss, as in PyTorch and transformers."""


class Sequences:
    """The training sequences: packed, or one for each row. A collator makes batches of them.

    Args:
        tokens: the token cache.
        capacity: maximum number of tokens of a packed sequence; None makes one sequence of each row.

    Raises:
        InputError: a row is longer than ``capacity``.
    """

    def __init__(self, tokens: Tokens, capacity: int | None):
        self.tokens, self.capacity = tokens, capacity
        lengths = tokens.lengths()
        self.num_tokens, self.num_rows = int(lengths.sum(dtype=np.int64)), len(lengths)
        self.num_trained = self.num_tokens - int(tokens.prompt_lengths().sum(dtype=np.int64))
        if capacity is None:
            self.rows, self.starts = None, None
            return
        if self.num_rows and lengths.max() > capacity:
            raise InputError(f"pack: {capacity} is too short for a row of {lengths.max()} tokens; raise it")
        self.rows, self.starts = pack(lengths, capacity)

    def __len__(self) -> int:
        return self.num_rows if self.rows is None else len(self.starts) - 1

    def record(self) -> dict:
        """The number of rows, tokens and sequences, for run.json."""
        return {
            "rows": self.num_rows,
            "tokens_per_epoch": self.num_tokens,
            "trained_tokens_per_epoch": self.num_trained,
            "sequences": len(self),
            "pack": self.capacity,
            "packing_efficiency": round(self.num_tokens / (len(self) * self.capacity), 4) if self.capacity else None,
        }

    def dataset(self) -> Dataset:
        """The sequences as a ``datasets.Dataset``, as SFTTrainer needs it. They are read from the cache on access."""
        return Dataset.from_dict({"sequence": np.arange(len(self))}).with_transform(self._read)

    def _read(self, batch: dict[str, list[int]]) -> dict[str, list]:
        items = [self._sequence(index) for index in batch["sequence"]]
        return {key: [item[key] for item in items] for key in ("input_ids", "labels", "seq_lengths")}

    def _sequence(self, index: int) -> dict[str, list[int] | np.ndarray]:
        rows = [index] if self.rows is None else self.rows[self.starts[index] : self.starts[index + 1]]
        parts = [self.tokens[int(row)] for row in rows]
        ids = np.concatenate([part for part, _ in parts]).astype(np.int64)
        labels, start = ids.copy(), 0
        for part, prompt in parts:
            labels[start : start + prompt] = IGNORED
            start += len(part)
        return {"input_ids": ids, "labels": labels, "seq_lengths": [len(part) for part, _ in parts]}


def collator(tokenizer, model, *, packed: bool) -> DataCollatorForLanguageModeling:
    """The collator that makes a batch of padded rows, of packed sequences or, for FlashAttention, one long sequence."""
    if not packed:
        return DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id)
    if "flash" in model.config._attn_implementation:
        return DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id, padding_free=True)
    return PackedCollator(pad_token_id=tokenizer.pad_token_id)


class PackedCollator(DataCollatorForLanguageModeling):
    """TRL's collator with position ids, which restart at 0 with each row, instead of an attention mask."""

    def torch_call(self, examples: list[dict]) -> dict[str, torch.Tensor]:
        """input_ids, labels and position_ids, int64 [sequences, tokens]. Padding has positions of its own."""
        self.return_position_ids = True
        batch = super().torch_call(examples)
        del batch["attention_mask"]
        return batch


def pack(lengths: np.ndarray, capacity: int) -> tuple[np.ndarray, np.ndarray]:
    """Assign rows to sequences: best-fit decreasing (Johnson, 1973) within windows of WINDOW rows.

    Args:
        lengths: tokens of each row, at most ``capacity``.

    Returns:
        (rows, sequence by sequence, int64 [rows]; index of each sequence's first row in that array, int64
        [sequences + 1])
    """
    bins = _assign(lengths, capacity, WINDOW)
    counts = np.bincount(bins, minlength=int(bins.max()) + 1 if len(bins) else 0)
    return np.argsort(bins, kind="stable"), np.concatenate([[0], np.cumsum(counts)])


@numba.njit(cache=True)
def _assign(lengths, capacity, window):
    """The sequence of each row, int32 [rows]. Sequences are numbered in the order in which they are opened."""
    assigned = np.empty(len(lengths), np.int32)
    begun = 0
    by_room = np.empty((capacity + 1, window), np.int32)  # free tokens -> stack of open sequences
    heights = np.zeros(capacity + 1, np.int64)
    for first in range(0, len(lengths), window):
        part = lengths[first : first + window].astype(np.int64)
        heights[:] = 0
        for row in np.argsort(-part, kind="mergesort"):
            room = part[row]
            while room <= capacity and heights[room] == 0:
                room += 1
            if room <= capacity:
                heights[room] -= 1
                chosen = by_room[room, heights[room]]
            else:
                room, chosen = capacity, begun
                begun += 1
            assigned[first + row] = chosen
            left = room - part[row]
            by_room[left, heights[left]] = chosen
            heights[left] += 1
    return assigned
