"""Merge an adapter into its base model, and check that the saved model computes the same as base and adapter."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.common.files import shipped_model
from arith_puzzle.common.provenance import check_base, check_name, model_content
from arith_puzzle.evaluation.inference import adapter_config, load

TOLERANCE = 1e-2
"""Largest difference of two float32 logits that rounding may cause. For 16-bit weights it is 100 times this."""


def merge_adapter(
    adapter: str, out: Path, *, base: str | None = None, revision: str | None = None,
    adapter_revision: str | None = None, prompts: list[str] | None = None, name: str | None = None,
) -> None:  # fmt: skip
    """Save base and adapter as one model, with the tokenizer, in the new folder ``out``.

    The model is saved to a temporary folder, loaded from there, and compared with base and adapter. Only then does the
    folder get its name. The comparison fails, for example, for an adapter on ``embed_tokens`` of a base with tied
    embeddings: merging would change the output layer too.

    Args:
        adapter: folder or Hub id of a PEFT adapter.
        base: folder or Hub id; None takes the base that the adapter names, at the revision that it names.
        revision, adapter_revision: revisions of Hub ids.
        prompts: texts on which the logits are compared; None takes one puzzle.
        name: the name that the saved configuration gives its base.

    Raises:
        InputError: ``out`` exists or is not writable, something cannot be loaded, or a logit differs by more than
            TOLERANCE.
    """
    if out.exists():
        raise InputError(f"{out} exists; give another --out, or delete it")
    check_name(adapter, "adapter")
    if base is not None:
        check_name(base, "model")
    partial = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    source: dict[str, Any] = {"revision": revision, "adapter": adapter, "adapter_revision": adapter_revision}
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, partial, ignore_errors=True)
        stack.enter_context(reported(f"cannot merge {adapter!r} into {out}", adapter, base))
        if base is None:
            named = adapter_config(adapter, adapter_revision)
            known = named["base_model_name_or_path"]
            check_base(adapter, model_content(shipped_model(known) or known, revision or named.get("revision")))
        merged, tokenizer = load(base, **source, merge=True)
        if name:
            merged.config.name_or_path = name
        merged.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        del merged
        separate, _ = load(base, **source)
        saved, tokenizer = load(str(partial))
        for prompt in prompts or ["3,6,7,51,58:4\n"]:
            difference = _largest_difference(separate, saved, tokenizer(prompt, return_tensors="pt"))
            if not difference <= TOLERANCE * (1 if saved.dtype == torch.float32 else 100):
                raise InputError(
                    f"merging {adapter!r} changes the model: logits differ by {difference:.3g} on {prompt[:40]!r}; "
                    "use the adapter on its base instead (release: leave out --merged)"
                )
        partial.rename(out)


def _largest_difference(one, other, inputs) -> float:
    with torch.inference_mode():
        return (one(**inputs).logits.float() - other(**inputs).logits.float()).abs().max().item()
