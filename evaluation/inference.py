"""Load a base model, or an adapter on its base, answer prompts in batches, and compute likelihoods of given answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import hf_hub_download
from transformers import (
    AutoTokenizer,
    DynamicCache,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteria,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from arith_puzzle.common.chat import end_of_turn
from arith_puzzle.common.errors import InputError, reported
from arith_puzzle.common.files import read_json
from arith_puzzle.common.weights import check_vocabulary, has_file, load_adapter, load_network
from arith_puzzle.evaluation.decoding import Answer, Decoding

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
ROUND = 32
"""Tokens per round of greedy generation. After a round the finished rows leave the batch, so that short answers do not
cost as much as the longest one."""
ROOM = 128
"""Free tokens in a new buffer of keys and values."""
TOKENS = 2048
"""Maximum number of tokens of a batch whose likelihoods are computed: the logits of all of them are in memory."""


def resolve_dtype(wanted: str, model: str, revision: str | None, device: str) -> str:
    """Return the key of DTYPES for ``wanted``, which may be "auto".

    Raises:
        InputError: a 16-bit type on a CPU, or bfloat16 on a GPU that does not support it.
    """
    if device == "cpu":
        if wanted in ("bf16", "fp16"):
            raise InputError(f"--dtype {wanted} needs a GPU, and torch finds none on this machine; use fp32")
        return "fp32"
    if wanted == "auto":
        from transformers import AutoConfig

        stored = AutoConfig.from_pretrained(model, revision=revision, trust_remote_code=False).dtype
        return next((name for name, dtype in DTYPES.items() if dtype == stored), "fp32")
    if wanted == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise InputError(f"--dtype bf16 is not supported by {torch.cuda.get_device_name()}; use fp32 or fp16")
    return wanted


def load(
    model: str | None = None, *, revision: str | None = None, adapter: str | None = None,
    adapter_revision: str | None = None, device: str = "cpu", dtype: str | None = None, merge: bool = False,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:  # fmt: skip
    """Load a causal language model in evaluation mode, and its tokenizer, which pads on the left.

    Of a repo's generation_config.json only the eos tokens are kept; sampling options and penalties are dropped.

    Args:
        model: folder or Hub id of the base. None loads the base that the adapter names, at the revision that it names.
        adapter: folder or Hub id of a PEFT adapter. Its tokenizer is used if it has one.
        device: a torch device.
        dtype: a key of DTYPES. None keeps the type of the stored weights.
        merge: add the adapter's update to the base's weights. The model computes the same function, faster.

    Raises:
        InputError: something cannot be loaded, does not fit together or lacks weights, or weights are not in
            safetensors; there is no eos token.
    """
    if model is None:
        if adapter is None:
            raise InputError("give a model, an adapter, or both")
        config = adapter_config(adapter, adapter_revision)
        model, revision = config["base_model_name_or_path"], revision or config.get("revision")
    network = load_network(model, revision, dtype=DTYPES[dtype] if dtype else "auto")
    tokenizer = load_tokenizer(model, revision=revision, adapter=adapter, adapter_revision=adapter_revision)
    check_vocabulary(network, tokenizer, adapter or model)
    size = network.get_input_embeddings().num_embeddings
    if (tokenizer.pad_token_id or 0) >= size or (adapter and len(tokenizer) > size):
        network.resize_token_embeddings(len(tokenizer), mean_resizing=False)  # training added a pad token
    stop = stop_ids(tokenizer, network.generation_config)
    if not stop:
        raise InputError(f"neither the tokenizer nor generation_config.json of {model!r} names an eos token, so "
                         "answers would not end; name one in generation_config.json")  # fmt: skip
    network.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=stop,
        pad_token_id=tokenizer.pad_token_id,
    )
    with reported(f"cannot load {adapter or model!r} on {device}"):
        if adapter:
            network = load_adapter(network, adapter, adapter_revision)
            network = network.merge_and_unload() if merge else network
        return network.to(device).eval(), tokenizer


def load_tokenizer(
    model: str, *, revision: str | None = None, adapter: str | None = None, adapter_revision: str | None = None
) -> PreTrainedTokenizerBase:
    """Load the adapter's tokenizer if it has one, else the base's. It pads on the left.

    A tokenizer without a pad token pads with eos. This is safe for generation, where the attention mask hides padding.
    In training it would remove eos from the loss.
    """
    own = adapter is not None and has_file(adapter, "tokenizer_config.json", adapter_revision)
    source, source_revision = (adapter, adapter_revision) if own else (model, revision)
    with reported(f"cannot load the tokenizer of {source!r}", source):
        tokenizer = AutoTokenizer.from_pretrained(source, revision=source_revision, trust_remote_code=False)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def adapter_config(adapter: str, revision: str | None = None) -> dict:
    """Read the adapter's ``adapter_config.json`` from a folder or the Hub.

    A relative path of its base counts from the working folder; if there is no such folder, from the adapter's.

    Raises:
        InputError: it cannot be read, or names no base.
    """
    local, name = Path(adapter).is_dir(), "adapter_config.json"
    with reported(f"cannot load the adapter {adapter!r}", adapter):
        path = Path(adapter) / name if local else Path(hf_hub_download(adapter, name, revision=revision))
        config = read_json(path)
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise InputError(f"{path} names no base_model_name_or_path, so it is not an adapter's; get the adapter again")
    if local and not Path(base).is_dir() and (beside := Path(adapter) / base).is_dir():
        config["base_model_name_or_path"] = str(beside)
    return config


def answer_batches(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[str], *,
    batch_size: int = 256, max_new_tokens: int = 64,
) -> Iterator[list[str]]:  # fmt: skip
    """Yield the greedy answers of each batch of ``prompts``, in order. An answer ends at eos or ``max_new_tokens``."""
    for start in range(0, len(prompts), batch_size):
        prompt_ids = tokenizer(list(prompts[start : start + batch_size]))["input_ids"]
        yield [answer.text for answer in generate(model, tokenizer, prompt_ids, Decoding(max_new_tokens))]


@torch.inference_mode()
def generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt_ids: Sequence[Sequence[int]],
    decoding: Decoding, *, seed: int | None = None,
) -> list[Answer]:  # fmt: skip
    """Answer a batch of tokenized prompts.

    Args:
        prompt_ids: B lists of token ids, of any lengths.
        seed: for sampling: the seed of torch's generators, from which all samples of the batch are drawn.

    Returns:
        B answers. An answer is the text after the prompt, up to but without the first eos or ``decoding.stop``.
    """
    batch = tokenizer.pad({"input_ids": [list(ids) for ids in prompt_ids]}, return_tensors="pt").to(model.device)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    prompt_length = ids.shape[1]
    options: dict[str, Any] = {"do_sample": False}
    if decoding.temperature is not None:
        torch.manual_seed(seed)
        options = {"do_sample": True, "temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
    if decoding.stop:
        options["stopping_criteria"] = [_StopText(tokenizer, decoding.stop, prompt_length)]
    eos, pad = set(model.generation_config.eos_token_id), tokenizer.pad_token_id
    outputs: list[list[int]] = [[] for _ in prompt_ids]
    left, active, cache = decoding.max_new_tokens, list(range(len(outputs))), _cache(model)
    while active and left:
        # Sampling draws from one generator for the whole batch: if rows left it, the others would draw other tokens.
        tokens = min(left, ROUND) if decoding.temperature is None else left
        ids = model.generate(
            input_ids=ids, attention_mask=mask, past_key_values=cache, max_new_tokens=tokens, **options
        )  # fmt: skip
        for place, row in zip(active, ids[:, prompt_length:].tolist(), strict=True):
            outputs[place] = _without_padding(row, eos, pad)
        left -= tokens
        unfinished = [
            row for row, place in enumerate(active)
            if not _ended(outputs[place], decoding.max_new_tokens - left, eos, tokenizer, decoding)
        ]  # fmt: skip
        active = [active[row] for row in unfinished]
        if active and left:
            kept = torch.tensor(unfinished, device=ids.device)
            ids, mask = ids[kept], torch.nn.functional.pad(mask[kept], (0, tokens), value=1)
            cache.batch_select_indices(kept)
    return [to_answer(tokenizer, row, decoding.stop) for row in outputs]


def batched_rows(rows: Sequence[int], lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Divide rows into batches of at most ``batch_size`` rows and TOKENS tokens, padding included."""
    part: list[int] = []
    for row in rows:
        if part and (
            len(part) == batch_size or (len(part) + 1) * max(lengths[row], *map(lengths.__getitem__, part)) > TOKENS
        ):
            yield part
            part = []
        part.append(row)
    if part:
        yield part


@torch.inference_mode()
def log_likelihoods(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Sequence[list[int]], heads: Sequence[int]
) -> list[float]:
    """The log-likelihood, in nats, of the tokens of each row after its first ``heads``; the rows are one batch."""
    batch = tokenizer.pad({"input_ids": list(rows)}, padding_side="right", return_tensors="pt").to(model.device)
    logits = model(**batch).logits[:, :-1].float()
    chosen = logits.gather(2, batch["input_ids"][:, 1:, None])[..., 0] - logits.logsumexp(2)
    return [
        chosen[i, head - 1 : len(row) - 1].double().sum().item()
        for i, (row, head) in enumerate(zip(rows, heads, strict=True))
    ]


def _ended(output: list[int], tokens: int, eos: set[int], tokenizer, decoding: Decoding) -> bool:
    """Return whether an answer is finished after rounds of ``tokens`` tokens in total."""
    if len(output) < tokens or output[-1] in eos:
        return True
    return bool(decoding.stop) and decoding.stop in tokenizer.decode(output, skip_special_tokens=True)


def _cache(model: PreTrainedModel) -> DynamicCache:
    """Return transformers' default cache with layers that grow in steps of ROOM tokens.

    The layers of transformers copy all keys and values for every new token.
    """
    cache = DynamicCache(config=model.config)
    cache.layers = [
        _GrowingLayer() if type(layer) is DynamicLayer
        else _GrowingWindow(layer.sliding_window) if type(layer) is DynamicSlidingWindowLayer
        else layer
        for layer in cache.layers
    ]  # fmt: skip
    return cache


class _GrowingLayer(DynamicLayer):
    """Keys and values as views of a buffer with free space for ROOM more tokens."""

    _buffers: tuple[torch.Tensor, ...] | None = None
    _end = 0

    def _append(self, *states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Append keys and values, [batch, heads, tokens, size], and return everything that is kept."""
        if not self.is_initialized:
            self.lazy_initialization(*states)
        have = self.keys.shape[-2] if self.keys.numel() else 0
        new = states[0].shape[-2]
        if self._buffers is None or self._end + new > self._buffers[0].shape[-2]:
            kept, self._end = (self.keys, self.values), have
            self._buffers = tuple(
                state.new_empty((*state.shape[:-2], have + new + ROOM, state.shape[-1])) for state in states
            )
            if have:
                for buffer, old in zip(self._buffers, kept, strict=True):
                    buffer[..., :have, :] = old
        start, self._end = self._end - have, self._end + new
        for buffer, state in zip(self._buffers, states, strict=True):
            buffer[..., self._end - new : self._end, :] = state
        return tuple(buffer[..., start : self._end, :] for buffer in self._buffers)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        super().batch_select_indices(indices)
        self._buffers = None

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        self.keys, self.values = self._append(key_states, value_states)
        return self.keys, self.values


class _GrowingWindow(_GrowingLayer, DynamicSlidingWindowLayer):
    """The same for a layer with a sliding window: it keeps the last tokens of the window."""

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs):
        keys, values = self._append(key_states, value_states)
        self.cumulative_length += key_states.shape[-2]
        kept = 1 - self.sliding_window
        self.keys, self.values = keys[..., kept:, :], values[..., kept:, :]
        return keys, values


class _StopText(StoppingCriteria):
    """Ends a sequence when its answer contains ``stop``.

    The criterion of transformers does not work with a vocabulary without letters.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: str, prompt_length: int):
        self._tokenizer, self._stop, self._start = tokenizer, stop, prompt_length

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_) -> torch.BoolTensor:
        start = max(self._start, input_ids.shape[1] - 2 * len(self._stop))  # a token has at least one character
        tails = self._tokenizer.batch_decode(input_ids[:, start:], skip_special_tokens=True)
        return torch.tensor([self._stop in tail for tail in tails], device=input_ids.device)


def to_answer(tokenizer: PreTrainedTokenizerBase, ids: list[int], stop: str | None) -> Answer:
    """Turn generated ids into an answer. Special tokens, and the text from ``stop`` on, are dropped."""
    text = tokenizer.decode(ids, skip_special_tokens=True)
    return Answer(text.split(stop, 1)[0] if stop else text, len(ids))


def _without_padding(ids: list[int], eos: set[int], pad: int) -> list[int]:
    end = next((place + 1 for place, token in enumerate(ids) if token in eos), None)
    if end is None:  # a stop text or the limit ended the answer: padding may follow, but not eos
        end = len(ids)
        while end and ids[end - 1] == pad:
            end -= 1
    return ids[:end]


def stop_ids(tokenizer: PreTrainedTokenizerBase, config: GenerationConfig | None = None) -> list[int]:
    """Return the tokens that end an answer: the tokenizer's eos, the end of a turn in its chat template, the repo's."""
    named = getattr(config, "eos_token_id", None)
    named = [named] if isinstance(named, int) else (named or [])
    return sorted({*named, tokenizer.eos_token_id, end_of_turn(tokenizer)} - {None})
