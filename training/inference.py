"""Load a base, or an adapter on its base, and answer prompts in batches. Scoring and the demo share it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase


def load(
    model: str | None = None, *, revision: str | None = None, adapter: str | None = None,
    adapter_revision: str | None = None, device: str = "cpu",
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:  # fmt: skip
    """A causal language model in evaluation mode and its tokenizer, padding on the left.

    Args:
        model: folder or Hub id of the base; None takes the one that the adapter names.
        adapter: folder or Hub id of a PEFT adapter; its own tokenizer is preferred.

    Raises:
        OSError, ValueError: as transformers and huggingface_hub raise them, for what cannot be loaded.
    """
    if model is None:
        if adapter is None:
            raise ValueError("give a model, an adapter, or both")
        config = adapter_config(adapter, adapter_revision)
        model, revision = config["base_model_name_or_path"], revision or config.get("revision")
    network = AutoModelForCausalLM.from_pretrained(model, revision=revision)
    source, source_revision = (adapter, adapter_revision) if adapter else (model, revision)
    tokenizer = AutoTokenizer.from_pretrained(source, revision=source_revision)
    if adapter:
        network = PeftModel.from_pretrained(network, adapter, revision=adapter_revision)
    tokenizer.padding_side = "left"
    return network.to(device).eval(), tokenizer


def adapter_config(adapter: str, revision: str | None = None) -> dict:
    """The adapter's ``adapter_config.json``, from a folder or the Hub."""
    local = Path(adapter) / "adapter_config.json"
    path = local if local.is_file() else hf_hub_download(adapter, "adapter_config.json", revision=revision)
    return json.loads(Path(path).read_text())


@torch.inference_mode()
def answer_batches(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], *,
    batch_size: int = 256, max_new_tokens: int = 64,
) -> Iterator[list[str]]:  # fmt: skip
    """Greedy answers, a list for each batch of ``prompts`` in order. Generation ends at eos or ``max_new_tokens``."""
    for start in range(0, len(prompts), batch_size):
        encoded = tokenizer(list(prompts[start : start + batch_size]), return_tensors="pt", padding=True)
        encoded.pop("token_type_ids", None)
        output = model.generate(
            **encoded.to(model.device),
            do_sample=False,
            max_new_tokens=max_new_tokens,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        yield tokenizer.batch_decode(output[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True)
