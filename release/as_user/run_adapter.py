"""Load an adapter by PEFT, and its base alone, and let both answer the first rows of a split greedily.

Prints {"adapter": [...], "base": [...]} as JSON. The batch size is that of the scoring, so that rounding is the same.
"""

import json
import sys

import torch
from datasets import load_dataset
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

adapter, dataset, config, split, rows, batch_size, max_new_tokens = sys.argv[1:]
prompts = load_dataset(dataset, config, split=f"{split}[:{rows}]")["prompt"]
tokenizer = AutoTokenizer.from_pretrained(adapter, padding_side="left")
adapted = AutoPeftModelForCausalLM.from_pretrained(adapter)
peft_config = adapted.peft_config["default"]
base = AutoModelForCausalLM.from_pretrained(peft_config.base_model_name_or_path, revision=peft_config.revision)
device = "cuda" if torch.cuda.is_available() else "cpu"
answers = {"adapter": [], "base": []}
for name, model in (("adapter", adapted), ("base", base)):
    model.to(device).eval()
    for start in range(0, int(rows), int(batch_size)):
        inputs = tokenizer(list(prompts[start : start + int(batch_size)]), return_tensors="pt", padding=True).to(device)
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
