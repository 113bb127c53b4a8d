"""Merge an adapter into its base, and check that the merged model computes what the two did."""

from __future__ import annotations

from pathlib import Path

import torch

from arith_puzzle.common.errors import InputError
from arith_puzzle.evaluation.inference import load

TOLERANCE = 1e-2
"""Largest difference of two float32 logits that rounding may cause."""


def merge_adapter(
    adapter: str, out: Path, *, base: str | None = None, revision: str | None = None,
    adapter_revision: str | None = None, prompts: list[str] | None = None, name: str | None = None,
) -> None:  # fmt: skip
    """Save base and adapter as one model, with the tokenizer, in ``out``.

    Args:
        adapter: folder or Hub id of a PEFT adapter.
        base: folder or Hub id; None takes the one that the adapter names, at the revision that it names.
        prompts: texts on which the merged model's logits are compared with those of base and adapter.
        name: what the saved configuration calls its base.

    Raises:
        InputError: something cannot be loaded, or the logits differ by more than TOLERANCE.
    """
    try:
        separate, tokenizer = load(base, revision=revision, adapter=adapter, adapter_revision=adapter_revision)
        merged, _ = load(base, revision=revision, adapter=adapter, adapter_revision=adapter_revision, merge=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"cannot load {adapter!r}: {' '.join(str(error).split())[:300]}") from None
    with torch.inference_mode():
        for prompt in prompts or ["3,6,7,51,58:4\n"]:
            inputs = tokenizer(prompt, return_tensors="pt")
            difference = (separate(**inputs).logits.float() - merged(**inputs).logits.float()).abs().max().item()
            if not difference <= TOLERANCE * (1 if merged.dtype == torch.float32 else 100):
                raise InputError(
                    f"the merged model is not base and adapter: logits differ by {difference:.3g} on {prompt[:40]!r}; "
                    "publish the adapter without --merged"
                )
    if name:
        merged.config._name_or_path = name
    merged.save_pretrained(out)
    tokenizer.save_pretrained(out)
