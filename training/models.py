"""Load the model that a recipe trains, with its tokenizer: a base, from safetensors only, or random weights."""

from __future__ import annotations

import dataclasses
import importlib.util

from arith_puzzle.common.errors import InputError, first_line, reported
from arith_puzzle.common.weights import check_vocabulary, load_adapter, load_network
from arith_puzzle.training.base_tokenizer import load_tokenizer
from arith_puzzle.training.recipe import Recipe


def load_model(recipe: Recipe, revision: str | None = None):
    """Load the model to train and its tokenizer, which passes ``base_tokenizer.check_round_trip``.

    Random weights are float32. The weights of a base have ``model.dtype``; its default is the stored type where they
    stay frozen, and float32 where they are trained.

    With ``quantization: nf4`` the linear layers hold frozen 4-bit weights and compute in ``model.dtype`` (QLoRA, arXiv
    2305.14314). TRL does the rest of QLoRA: adapters in bfloat16, gradients for the inputs. Like TRL, this function
    does not call PEFT's ``prepare_model_for_kbit_training``: its float32 copies of norms and embeddings cost memory and
    break FSDP (TRL pull requests 1416 and 4577).

    Args:
        revision: revision of the base (default: the recipe's).

    Returns:
        (transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase)

    Raises:
        InputError: the base cannot be loaded, lacks weights or has no safetensors, its tokenizer fails a check,
            bitsandbytes is missing, or transformers refuses the shape.
    """
    section, revision = recipe.model, revision or recipe.model.revision
    if section.shape:
        from arith_puzzle.training.tiny import build_tokenizer, init_model

        tokenizer = build_tokenizer(pairs=section.tokenizer == "pairs")
        try:
            model = init_model(section.shape, tokenizer, recipe.seed)
        except ValueError as error:
            raise InputError(f"{recipe.name}: transformers refuses model.shape: {first_line(error)}") from None
        if section.attn_implementation:
            model.set_attn_implementation(section.attn_implementation)
        return _with_positions(model, tokenizer, section.positions)
    if section.quantization and importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(f"{recipe.name} loads its base in 4 bits with bitsandbytes; run: pip install bitsandbytes")
    tokenizer = load_tokenizer(
        recipe.base_path,
        revision,
        slow=section.tokenizer == "slow",
        text_format=recipe.dataset.format if recipe.dataset else "symbolic",
        eos_token=section.eos_token,
        chat=recipe.chat,
    )
    model = load_network(
        recipe.base_path,
        revision,
        dtype=section.dtype or ("auto" if recipe.lora else "float32"),
        attn_implementation=section.attn_implementation,
        quantization_config=quantization_config(recipe),
    )
    check_vocabulary(model, tokenizer, str(section.base))
    if model.get_input_embeddings().num_embeddings < len(tokenizer):
        # Only a pad token that load_tokenizer added lies beyond the embeddings, and padding is always masked.
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    if section.adapter:
        model = _with_adapter(model, recipe)
    return _with_positions(model, tokenizer, section.positions)


def _with_adapter(model, recipe: Recipe):
    """The base with the recipe's adapter, to be trained on; without a ``lora`` section merged.

    Raises:
        InputError: the adapter cannot be loaded, does not fit the base, or differs from the ``lora`` section.
    """
    path = str(recipe.adapter_path)
    adapted = load_adapter(model, path, trainable=True)
    if recipe.lora is None:
        return adapted.merge_and_unload().requires_grad_(True)  # PEFT has frozen the base
    there = adapted.peft_config["default"]
    keys = ("r", "lora_alpha", "lora_dropout", "modules_to_save", "use_dora", "use_rslora")
    differing = [key for key in keys if getattr(there, key) != getattr(recipe.lora, key)]
    if differing:
        stored = ", ".join(f"{key}: {getattr(there, key)}" for key in differing)
        raise InputError(f"{recipe.name}: the adapter {path} has another shape than the lora section; write {stored}, "
                         "or leave out 'lora' to train all parameters")  # fmt: skip
    for key, usual in (("alpha_pattern", {}), ("rank_pattern", {}), ("bias", "none")):
        if getattr(there, key) not in (None, usual):
            raise InputError(f"{recipe.name}: the adapter {path} has a {key} of its own, which a 'lora' section cannot "
                             "state; leave out 'lora' to train all parameters")  # fmt: skip
    if _lora_layers(adapted) != _lora_layers(_on_meta(model.config, recipe)):
        raise InputError(f"{recipe.name}: lora.target_modules names other layers than the adapter {path} has; write "
                         "its own, or leave out 'lora' to train all parameters")  # fmt: skip
    there.base_model_name_or_path = recipe.base_path  # a relative path counts from the adapter's old folder
    return adapted


def _with_positions(model, tokenizer, positions: int | None):
    if positions is not None:
        model.config.max_position_embeddings = tokenizer.model_max_length = positions
    return model, tokenizer


def lora_config(recipe: Recipe):
    """peft.LoraConfig of a recipe's ``lora`` section; None if it has none."""
    from peft import LoraConfig

    return LoraConfig(task_type="CAUSAL_LM", **dataclasses.asdict(recipe.lora)) if recipe.lora else None


def check_lora(model, recipe: Recipe) -> None:
    """Check a recipe's ``lora`` section against the modules of a base, before rows are tokenized.

    An embedding whose weights are the output layer's too is refused. The adapter would change only one of them, and
    merging both, so the merged model would not be the one that was trained and scored.

    Raises:
        InputError: no module has such a name, the module shares its weights, or PEFT refuses it.
    """
    from peft.tuners.tuners_utils import check_target_module_exists

    named, refused = dict(model.named_modules()), f"{recipe.name}: PEFT refuses the lora section"
    adapted, kept = [], []
    if recipe.lora.target_modules != "all-linear":
        with reported(f"{refused}, target_modules {recipe.lora.target_modules!r}"):
            adapted = [name for name in named if check_target_module_exists(lora_config(recipe), name)]
        if not adapted:
            raise _no_module(model, recipe, "target_modules", recipe.lora.target_modules)
    for wanted in recipe.lora.modules_to_save or ():
        found = [name for name in named if name.endswith(wanted)]  # as PEFT finds them
        if not found:
            raise _no_module(model, recipe, "modules_to_save", wanted)
        kept += found
    embeddings, head = model.get_input_embeddings(), model.get_output_embeddings()
    for key, found in (("target_modules", adapted), ("modules_to_save", kept)):
        for name in found:
            if named[name] is head and key == "target_modules":
                raise InputError(f"{recipe.name}: lora.target_modules includes {name}, the output layer, and TRL "
                                 "computes the loss from its weights alone; the adapter would not learn; leave it out"
                                 )  # fmt: skip
            if named[name] in (embeddings, head) and embeddings.weight is head.weight:
                raise InputError(f"{recipe.name}: lora.{key} includes {name}, and the base uses its weights twice, as "
                                 "input embeddings and as output layer; leave it out")  # fmt: skip
    with reported(refused):
        _on_meta(model.config, recipe)


def _on_meta(config, recipe: Recipe):
    """A model with the adapter of a recipe's ``lora`` section, without weights."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return get_peft_model(AutoModelForCausalLM.from_config(config), lora_config(recipe))


def _lora_layers(adapted) -> set[str]:
    return {name for name, module in adapted.named_modules() if hasattr(module, "lora_A")}


def _no_module(model, recipe: Recipe, key: str, wanted: object) -> InputError:
    names = sorted({name.rpartition(".")[2] for name, module in model.named_modules() if hasattr(module, "weight")})
    return InputError(f"{recipe.name}: lora.{key} {wanted!r} names no module of the base; its modules with weights are "
                      f"{', '.join(names)}")  # fmt: skip


def quantization_config(recipe: Recipe):
    """BitsAndBytesConfig for ``model.quantization``: NF4 with double quantization, as in QLoRA. Or None."""
    if recipe.model.quantization is None:
        return None
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=recipe.model.dtype,
        bnb_4bit_quant_storage=recipe.model.dtype,  # FSDP shards only floating-point tensors
    )
