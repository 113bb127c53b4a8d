"""Load an adapter by PEFT, and its base alone, and let them answer questions greedily: the base only the first ones.

The file of questions has {"questions": [...], "kwargs": {...}} as JSON: prompts, or conversations as messages, and the
variables of their chat template. Prints {"adapter": [...], "base": [...]} as JSON. The batch size is that of the
scoring, so that rounding is the same.
"""

import json
import sys
from pathlib import Path

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

adapter, path, batch_size, max_new_tokens = sys.argv[1:]
asked, size = json.loads(Path(path).read_text()), int(batch_size)
questions = asked["questions"]
BASE_ROWS = 20
"""How many questions the base answers: enough to see that the adapter does something."""
tokenizer = AutoTokenizer.from_pretrained(adapter, padding_side="left")


def tokens(batch):
    """The token ids and attention mask of a batch of questions."""
    if isinstance(batch[0], str):
        return tokenizer(batch, return_tensors="pt", padding=True)
    return tokenizer.apply_chat_template(
        batch,
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
        padding=True,
        **asked["kwargs"],
    )


adapted = AutoPeftModelForCausalLM.from_pretrained(adapter)
peft_config = adapted.peft_config["default"]
base = AutoModelForCausalLM.from_pretrained(peft_config.base_model_name_or_path, revision=peft_config.revision)
device = "cuda" if torch.cuda.is_available() else "cpu"
answers = {"adapter": [], "base": []}
for name, model, part in (("adapter", adapted, questions), ("base", base, questions[:BASE_ROWS])):
    model.to(device).eval()
    for start in range(0, len(part), size):
        inputs = tokens(part[start : start + size]).to(device)
        with torch.inference_mode():
            output = model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=int(max_new_tokens),
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        completions = output[:, inputs["input_ids"].shape[1] :]
        answers[name] += tokenizer.batch_decode(completions, skip_special_tokens=True)
print(json.dumps(answers))
