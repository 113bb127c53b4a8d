"""The libraries that generate answers, behind one interface: transformers, and vLLM where it is installed.

The same seeds give the same answers on the same machine with the same versions:

- transformers draws a whole batch from one generator. So the rows of a batch matter too; scoring keeps them fixed.
- vLLM draws each sample from its own generator, but the tokens also depend on its scheduling. The setting
  VLLM_ENABLE_V1_MULTIPROCESSING=0, made here, fixes the scheduling (docs.vllm.ai, "Reproducibility").
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from huggingface_hub import snapshot_download
from tqdm import tqdm

from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.evaluation.decoding import Answer, Decoding
from arith_puzzle.evaluation.inference import (
    adapter_config,
    batched_rows,
    generate,
    load,
    load_tokenizer,
    log_likelihoods,
    stop_ids,
    to_answer,
)
from arith_puzzle.evaluation.prompting import Prompting
from arith_puzzle.training.data.encoding import encode

LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The values that vLLM accepts as ``max_lora_rank``."""


class Backend(Protocol):
    """A loaded model that generates answers."""

    max_positions: int | None
    """The largest number of tokens of a prompt and its answer together; None if there is no limit."""

    def encode(self, prompting: Prompting, row: dict) -> list:
        """The prompt of a row, as ``generate`` takes it: its token ids, or a conversation."""

    def generate(self, prompts: Sequence[list], decoding: Decoding, seeds: Sequence[int]) -> list[Answer]:
        """Answer a batch of B prompts, with B seeds, in order."""


def vllm_installed() -> bool:
    """Return whether vLLM is installed, without importing it."""
    return importlib.util.find_spec("vllm") is not None


def open_backend(
    backend: str, model: str, adapter: str | None, *, revision: str | None, adapter_revision: str | None, dtype: str,
    device: str, merge: bool,
) -> TransformersBackend | VllmBackend:  # fmt: skip
    """Load a base, or an adapter on its base, into a backend.

    Args:
        backend: one of ``arith_puzzle.evaluation.options.BACKENDS``.
        device, merge: as in ``arith_puzzle.evaluation.inference.load``; only for transformers.

    Raises:
        InputError: the model cannot be loaded, or the backend is not installed.
    """
    if backend == "vllm" and not vllm_installed():
        raise InputError("--backend vllm needs vLLM, which is not installed; run: pip install vllm")
    source: dict[str, Any] = {
        "revision": revision, "adapter": adapter, "adapter_revision": adapter_revision, "dtype": dtype
    }  # fmt: skip
    if backend == "vllm":
        with reported(f"cannot load {model!r} into vLLM", model):
            return VllmBackend(model, **source)
    return TransformersBackend(model, device, merge, **source)


class TransformersBackend:
    """A base, or an adapter on its base, in transformers."""

    def __init__(self, model: str, device: str, merge: bool, **source):
        self._model, self.tokenizer = load(model, device=device, merge=merge, **source)
        self.max_positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)

    def encode(self, prompting: Prompting, row: dict) -> list[int]:
        """The token ids of a row's prompt."""
        return prompting.encode(self.tokenizer, row)

    def generate(self, prompt_ids: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]) -> list[Answer]:
        """Answer a batch. All samples come from one generator, seeded with the first seed."""
        try:
            return generate(self._model, self.tokenizer, prompt_ids, decoding, seed=seeds[0])
        except torch.OutOfMemoryError:
            raise InputError("the GPU's memory is full; give a lower --batch-size, and another --out") from None

    def log_likelihoods(self, prompts: list[str], completions: list[str], batch_size: int) -> list[tuple[float, int]]:
        """(log-likelihood of completion and eos after the prompt, in nats, their number of tokens) of each row.

        Raises:
            InputError: the tokenizer merges prompt and completion, or a completion contains eos.
        """
        wholes, heads = encode(prompts, completions, self.tokenizer)
        found: list[tuple[float, int]] = [(0.0, 0)] * len(wholes)
        order = sorted(range(len(wholes)), key=lambda row: len(wholes[row]))  # rows of a length need little padding
        with tqdm(total=len(order), desc="log-likelihood", unit="row") as bar:
            for part in batched_rows(order, [len(whole) for whole in wholes], batch_size):
                sums = log_likelihoods(
                    self._model, self.tokenizer, [wholes[row] for row in part], [heads[row] for row in part]
                )
                for row, total in zip(part, sums, strict=True):
                    found[row] = total, len(wholes[row]) - heads[row]
                bar.update(len(part))
        return found


class VllmBackend:
    """A base, or an adapter on its base, in vLLM."""

    def __init__(
        self, model: str, *, dtype: str, revision: str | None = None, adapter: str | None = None,
        adapter_revision: str | None = None,
    ):  # fmt: skip
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        from vllm import LLM
        from vllm.lora.request import LoRARequest

        self.tokenizer = load_tokenizer(model, revision=revision, adapter=adapter, adapter_revision=adapter_revision)
        options, self._lora = {}, None
        if adapter:
            config = adapter_config(adapter, adapter_revision)
            for name in ("modules_to_save", "use_dora"):
                if config.get(name):
                    raise InputError(f"vLLM cannot load an adapter with {name}; merge it first (arith-puzzle merge), "
                                     "or use --backend transformers")  # fmt: skip
            rank = config["r"]
            options = {"enable_lora": True, "max_lora_rank": next(r for r in LORA_RANKS if r >= rank)}
            local = adapter if Path(adapter).is_dir() else snapshot_download(adapter, revision=adapter_revision)
            self._lora = LoRARequest("adapter", 1, local)
        names = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
        self._llm = LLM(model=model, revision=revision, dtype=names[dtype], **options)
        self.max_positions = self._llm.llm_engine.model_config.max_model_len
        self._stop = stop_ids(self.tokenizer)  # vLLM adds those of generation_config.json itself

    def encode(self, prompting: Prompting, row: dict) -> list[int]:
        """The token ids of a row's prompt."""
        return prompting.encode(self.tokenizer, row)

    def generate(self, prompt_ids: Sequence[list[int]], decoding: Decoding, seeds: Sequence[int]) -> list[Answer]:
        """Answer a batch. Each sample comes from its own generator, with its own seed."""
        from vllm import SamplingParams

        greedy = decoding.temperature is None
        parameters = [
            SamplingParams(
                temperature=0.0 if greedy else decoding.temperature,
                top_p=1.0 if greedy else decoding.top_p,
                seed=None if greedy else seed,
                max_tokens=decoding.max_new_tokens,
                stop=decoding.stop,
                stop_token_ids=self._stop,
            )
            for seed in seeds
        ]
        prompts = [{"prompt_token_ids": ids} for ids in prompt_ids]
        outputs = self._llm.generate(prompts, parameters, use_tqdm=False, lora_request=self._lora)
        return [to_answer(self.tokenizer, list(item.outputs[0].token_ids), decoding.stop) for item in outputs]
