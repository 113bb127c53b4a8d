"""Our own bases: Llamas small enough to train from scratch on a laptop, and their tokenizers.

Every operator and separator is a token of its own, so that a prompt's ids are always a prefix of prompt +
completion's. Of a number every digit is one (arith-tiny), or every two digits, counted from its end (``pairs``:
arith-tiny-search): 58 is one token, 1058 is ``10`` and ``58``, 105 is ``1`` and ``05``. Numbers of the training puzzles
are one token then, and addition goes through the same hundred figures at any length. The embeddings of these figures
begin as waves (``_add_waves``).

python -m arith_puzzle.training.tiny runs/arith-tiny

puts a finished run of recipes/tiny_base.yaml, or of search_base.yaml, where the other recipes find their base: below
training/bases, under the recipe's name, with a manifest of its files.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sys
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    set_seed,
)

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import PACKAGE

BASES = PACKAGE / "training" / "bases"
FILES = (
    "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "run.json",
)  # fmt: skip

SPECIAL = ["<pad>", "<bos>", "<eos>"]
CHARACTERS = "0123456789+-*/=,:\n"
PAIRS = [f"{tens}{ones}" for tens in range(10) for ones in range(10)]
PERIODS = (100, 50, 25, 20, 10, 5, 4, 2)
"""Of the waves, those of arithmetic modulo 100."""
WAVE = 0.2
"""Their amplitude; the other embeddings begin with a standard deviation of 0.02."""


def build_tokenizer(*, pairs: bool = False) -> PreTrainedTokenizerFast:
    """One token a character; ``<bos>`` is put in front, padding is on the left (as generation needs it).

    ``pairs``: one token for two digits, counted from a number's end.
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


def init_config(shape: dict, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig | MistralConfig:
    """What ``init_model`` makes."""
    windowed = "sliding_window" in shape
    return (MistralConfig if windowed else LlamaConfig)(
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        **({"num_key_value_heads": shape["num_attention_heads"]} if windowed else {}),  # Mistral's own default is 8
        **shape,
    )


def init_model(shape: dict, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """A Llama with random weights, float32.

    Args:
        shape: ``LlamaConfig`` fields: hidden_size, num_hidden_layers, num_attention_heads, intermediate_size. With a
            sliding_window it is a Mistral, which is a Llama that attends to so many tokens only.
        seed: of the weights.
    """
    set_seed(seed)
    config = init_config(shape, tokenizer)
    model = (MistralForCausalLM if isinstance(config, MistralConfig) else LlamaForCausalLM)(config)
    if PAIRS[0] in tokenizer.get_vocab():
        _add_waves(model, tokenizer)
    return model


@torch.no_grad()
def _add_waves(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Add to the embedding of a figure v its size, v/100, and cos and sin of 2 pi v/T for each of PERIODS.

    Fourier number embeddings (arXiv 2502.09741): sums are rotations then, which a model need not first discover.
    """
    embeddings = model.get_input_embeddings().weight
    for token, index in tokenizer.get_vocab().items():
        if token.isdigit():
            angles = 2 * math.pi * int(token) / torch.tensor(PERIODS)
            waves = torch.cat([torch.tensor([int(token) / 100]), angles.cos(), angles.sin()])[: embeddings.shape[1]]
            embeddings[index, : len(waves)] += WAVE * waves


def ship(run: Path, bases: Path = BASES) -> Path:
    """Copy a finished run's files to a folder of its name below ``bases``, with their sizes and SHA-256 beside them.

    Raises:
        InputError: ``run`` is not a finished run.
    """
    absent = [name for name in FILES if not (run / name).is_file()]
    if absent:
        raise InputError(f"{run} is no finished run: {', '.join(absent)} missing; train it first (make base)")
    out = bases / json.loads((run / "run.json").read_text(encoding="utf-8"))["recipe"]["name"]
    out.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name in FILES:
        content = (run / name).read_bytes()
        shutil.copyfile(run / name, out / name)
        manifest[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return out


if __name__ == "__main__":
    try:
        print(ship(Path(sys.argv[1] if len(sys.argv) == 2 else "runs/arith-tiny")))
    except InputError as error:
        print(f"arith-tiny: {error}", file=sys.stderr)
        sys.exit(2)
