"""The project's own base models: Llamas small enough to train from scratch on a laptop, and their tokenizers.

Every operator and separator is one token, so the ids of a prompt are always the first ids of prompt + completion.
There are two ways to split a number:

- arith-tiny: each digit is a token.
- The bases that search (``pairs``): every two digits form a token, counted from the number's end. 58 is one token,
  1058 is ``10`` and ``58``, 105 is ``1`` and ``05``. So each number of a training puzzle is one token, and the same
  hundred tokens express addition at any length. Their embeddings start as Fourier number embeddings.

The command copies a complete run of a base's recipe to training/bases/<name in the recipe>, where others find it:

    python -m arith_puzzle.training.tiny runs/arith-tiny
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SmolLM3Config,
    set_seed,
)

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE, file_sha256, write_text

BASES = PACKAGE / "training" / "bases"
FILES = (
    "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "run.json",
)  # fmt: skip

SPECIAL = ["<pad>", "<bos>", "<eos>"]
CHARACTERS = "0123456789+-*/=,:\n"
PAIRS = [f"{tens}{ones}" for tens in range(10) for ones in range(10)]
PERIODS = (100, 50, 25, 20, 10, 5, 4, 2)
"""Periods of the Fourier number embeddings: the divisors of 100 from 2 on."""
AMPLITUDE = 0.2
"""Amplitude of the Fourier number embeddings. Other embeddings start with a standard deviation of 0.02."""


def build_tokenizer(*, pairs: bool = False) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each character. It adds ``<bos>``, and pads on the left, as generation needs.

    Args:
        pairs: one token for each two digits, counted from a number's end.
    """
    vocab = {token: i for i, token in enumerate([*SPECIAL, *CHARACTERS, *(PAIRS if pairs else ())])}
    tokenizer = Tokenizer(models.WordLevel(vocab))
    pattern = r"\d{1,2}(?=(?:\d\d)*(?!\d))|\D" if pairs else r"[\s\S]"
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", vocab["<bos>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=256,
    )


def init_config(shape: dict, tokenizer: PreTrainedTokenizerFast) -> PreTrainedConfig:
    """The configuration of the model that ``init_model`` makes."""
    windowed, nope = "sliding_window" in shape, "no_rope_layer_interval" in shape
    return (MistralConfig if windowed else SmolLM3Config if nope else LlamaConfig)(
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        num_key_value_heads=shape["num_attention_heads"],  # the defaults of Mistral and SmolLM3 are others
        **shape,
    )


def init_model(shape: dict, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A Llama with random float32 weights.

    Args:
        shape: ``LlamaConfig`` fields: hidden_size, num_hidden_layers, num_attention_heads, intermediate_size. With the
            optional sliding_window the model is a Mistral: a Llama that attends only to that number of tokens. With
            no_rope_layer_interval it is a SmolLM3: a Llama of which some layers have no positional embedding.
        tokenizer: gives the size of the vocabulary. Tokens for two digits get Fourier number embeddings.
        seed: seed of the weights.
    """
    set_seed(seed)
    model = AutoModelForCausalLM.from_config(init_config(shape, tokenizer))
    if PAIRS[0] in tokenizer.get_vocab():
        _add_fourier_embeddings(model, tokenizer)
    return model


@torch.no_grad()
def _add_fourier_embeddings(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Add Fourier number embeddings (arXiv 2502.09741) to the embeddings of the tokens that are numbers.

    The token of v gets v/100, and cos and sin of 2 pi v/T for each T of PERIODS. Adding numbers then rotates these
    features, so the model does not have to learn them.
    """
    embeddings = model.get_input_embeddings().weight
    for token, index in tokenizer.get_vocab().items():
        if token.isdigit():
            angles = 2 * math.pi * int(token) / torch.tensor(PERIODS)
            waves = torch.cat([torch.tensor([int(token) / 100]), angles.cos(), angles.sin()])[: embeddings.shape[1]]
            embeddings[index, : len(waves)] += AMPLITUDE * waves


def ship(run: Path, bases: Path = BASES) -> Path:
    """Copy a complete run to ``bases``/<name of its recipe>, with a manifest of sizes and SHA-256; return the folder.

    Raises:
        InputError: ``run`` is not a complete run.
    """
    absent = [name for name in FILES if not (run / name).is_file()]
    if absent:
        raise InputError(f"{run} is not a complete run: {', '.join(absent)} missing; train it first (make base)")
    out = bases / json.loads((run / "run.json").read_text(encoding="utf-8"))["recipe"]["name"]
    out.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name in FILES:
        shutil.copyfile(run / name, out / name)
        manifest[name] = {"bytes": (out / name).stat().st_size, "sha256": file_sha256(out / name)}
    write_text(out / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    return out


if __name__ == "__main__":
    try:
        print(ship(Path(sys.argv[1] if len(sys.argv) == 2 else "runs/arith-tiny")))
    except InputError as error:
        print(f"arith-tiny: {error}", file=sys.stderr)
        sys.exit(2)
