"""Load a causal language model with all its weights, from safetensors only.

Where a checkpoint lacks weights, transformers fills in random ones. It ignores weights that the model does not have. It
only logs a table of both. Such a model trains and answers, wrongly. So here it is an error.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

from arith_puzzle.common.chat import special_tokens
from arith_puzzle.common.errors import InputError, reported


def load_network(source: str, revision: str | None = None, **options: Any):
    """Load a model in evaluation mode, on the CPU unless ``options`` say otherwise.

    Args:
        source: folder or Hub id of a whole model, with the optional ``revision``.
        options: of ``AutoModelForCausalLM.from_pretrained``.

    Returns:
        transformers.PreTrainedModel

    Raises:
        InputError: the model cannot be loaded or has no safetensors, it is an adapter, or weights are missing, left
            over or of another shape than its config.json says. Weights that are tied to others may be missing.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import find_adapter_config_file

    # Without it transformers asks a Space on the Hub to convert pickled weights, at an unknown revision.
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"
    with reported(f"cannot load {source!r}", source):
        if find_adapter_config_file(source, revision=revision):  # transformers would load its base too
            raise InputError(f"{source!r} is an adapter, and this needs a whole model; name its base, or merge the two "
                             "first (arith-puzzle merge)")  # fmt: skip
        try:
            with _without_table():
                network, found = AutoModelForCausalLM.from_pretrained(
                    source, revision=revision, use_safetensors=True, trust_remote_code=False, output_loading_info=True,
                    ignore_mismatched_sizes=True, **options,
                )  # fmt: skip
        except OSError as error:
            if "model.safetensors" not in str(error):
                raise
            raise InputError(f"{source!r} has no model.safetensors at revision {revision or 'main'}, and pickled "
                             "weights are never loaded; choose a revision that has it (the Hub converts in refs/pr/N)"
                             ) from None  # fmt: skip
    check_complete(
        f"the weights of {source!r} do not fit its config.json",
        {"missing": found["missing_keys"], "of another shape": [name for name, *_ in found["mismatched_keys"]],
         "left over": found["unexpected_keys"]},
        "get the complete model, or correct config.json",
    )  # fmt: skip
    return network


def load_adapter(network, adapter: str, revision: str | None = None, *, trainable: bool = False):
    """Put a PEFT adapter on its base.

    Args:
        adapter: folder or Hub id, with the optional ``revision``.

    Returns:
        peft.PeftModel

    Raises:
        InputError: the adapter cannot be loaded or has no safetensors, or its weights are not exactly those that it
            needs on this base.
    """
    from peft import PeftModel

    with reported(f"cannot load the adapter {adapter!r}", adapter), warnings.catch_warnings():
        if not has_file(adapter, "adapter_model.safetensors", revision):
            raise InputError(f"the adapter {adapter!r} has no adapter_model.safetensors, and pickled weights are never "
                             "loaded; save it as safetensors")  # fmt: skip
        warnings.filterwarnings("ignore", message="Found missing adapter keys")
        adapted = PeftModel.from_pretrained(network, adapter, revision=revision, is_trainable=trainable)
        # Only load_adapter says what does not fit.
        found = adapted.load_adapter(adapter, "default", revision=revision, is_trainable=trainable)
    check_complete(
        f"the weights of the adapter {adapter!r} do not fit its adapter_config.json and this base",
        {"missing": found.missing_keys, "left over": found.unexpected_keys},
        "get the complete adapter, or the base that it was trained on",
    )
    return adapted


def has_file(repo: str, file: str, revision: str | None = None) -> bool:
    """Whether a folder or a repo of the Hub has a file."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    if os.path.isdir(repo):
        return os.path.isfile(os.path.join(repo, file))
    try:
        return bool(hf_hub_download(repo, file, revision=revision))
    except EntryNotFoundError:
        return False


def check_complete(what: str, faults: dict[str, Any], remedy: str) -> None:
    """Raise InputError if there are ``faults``: a kind of fault -> the names of such weights."""
    said = [f"{len(names)} {kind} (such as {min(names)})" for kind, names in faults.items() if names]
    if said:
        raise InputError(f"{what}: {', '.join(said)}; {remedy}")


def check_vocabulary(network, tokenizer, source: str) -> None:
    """Check that the model has an embedding for each token that a text can have.

    A pad token may lie beyond the embeddings, because training adds one, and so may special tokens that no chat
    template writes (Gemma 3's ``<image_soft_token>``).

    Raises:
        InputError: another token lies beyond them.
    """
    size = network.get_input_embeddings().num_embeddings
    beyond = {token for token, number in tokenizer.get_vocab().items() if number >= size} - {tokenizer.pad_token}
    unused = set(special_tokens(tokenizer)) - {tokenizer.bos_token, tokenizer.eos_token}
    wrong = sorted(token for token in beyond if token not in unused or token in str(tokenizer.chat_template))
    if wrong:
        raise InputError(f"the tokenizer of {source!r} has {len(wrong)} tokens (such as {wrong[0]!r}) beyond the "
                         f"model's {size} embeddings; get the tokenizer that belongs to the model")  # fmt: skip


@contextlib.contextmanager
def _without_table() -> Iterator[None]:
    """Drop the table of weights that transformers logs: an error says it in one line."""
    logger = logging.getLogger("transformers.modeling_utils")

    def other(record: logging.LogRecord) -> bool:
        return "LOAD REPORT" not in record.getMessage()

    logger.addFilter(other)
    try:
        yield
    finally:
        logger.removeFilter(other)
