"""arith-tiny: a Llama small enough to train from scratch on a laptop, and its one-character tokenizer.

Every digit, operator and separator is a token of its own, so that no merge hides a digit from the
model and a prompt's ids are always a prefix of prompt + completion's.
"""

from __future__ import annotations

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

SPECIAL = ["<pad>", "<bos>", "<eos>"]
CHARACTERS = "0123456789+-*/=,:\n"


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a character; ``<bos>`` is put in front, padding is on the left (as generation needs it)."""
    vocab = {token: i for i, token in enumerate([*SPECIAL, *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocab))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
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


def init_model(shape: dict, tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """A Llama with random weights, float32.

    Args:
        shape: ``LlamaConfig`` fields: hidden_size, num_hidden_layers, num_attention_heads, intermediate_size.
        seed: of the weights.
    """
    set_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=256,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        **shape,
    )
    return LlamaForCausalLM(config)
