"""GRPO of TRL with the served environment, from the committed base arith-tiny. Prints the log and what moved as JSON.

The base writes equations, and its tokenizer knows digits and signs alone. So all other characters are dropped, and each
equation that it writes is read as a call of ``combine``: ``58-51=7`` is ``combine("58", "-", "51")``.
"""

import json
import sys
from functools import partial

import torch
from datasets import Dataset
from tokenizers import Regex, normalizers
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

from arith_puzzle.environments.trl import ArithPuzzle

base, url, out = sys.argv[1:]
TEMPLATE = (
    "<bos>{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments }}{% endfor %}{{ m.content }}<eos>"
    "{% elif m.role == 'tool' %}{{ m.content }}\n{% else %}{{ m.content }}{% endif %}{% endfor %}"
)
CALL = {"name": "combine", "arguments": {"a": "{a}", "op": "{op}", "b": "{b}"}}
tokenizer = AutoTokenizer.from_pretrained(base)
tokenizer.backend_tokenizer.normalizer = normalizers.Replace(Regex(r"[^0-9+\-*/=,:\n]"), "")
tokenizer.chat_template = TEMPLATE
tokenizer.response_template = {
    "defaults": {"role": "assistant"},
    "start_anchor": "\n",
    "fields": {
        "tool_calls": {
            "open_pattern": r"(?P<a>-?\d+)(?P<op>[-+*/])(?P<b>-?\d+)=", "close_pattern": r"\n|<eos>", "repeats": True,
            "content": "text", "transform": {"type": "function", "function": CALL},
        },
        "content": {"close": "<eos>", "content": "text"},
    },
}  # fmt: skip
prompt = [{"role": "user", "content": ""}]
# The base solves each of these in about half of its samples: where all samples are as good, GRPO learns nothing.
given = [([17, 18, 19], 2), ([7, 12, 14], 9), ([5, 6, 7, 13], 7)]
rows = [{"prompt": prompt, "numbers": numbers, "target": target} for numbers, target in given]
rows.append({"prompt": prompt, "config": "starter", "split": "train", "seed": 0})
model = AutoModelForCausalLM.from_pretrained(base)
before = {name: weights.clone() for name, weights in model.named_parameters()}
settings = GRPOConfig(
    output_dir=out, max_steps=3, per_device_train_batch_size=16, num_generations=8, max_completion_length=64,
    max_tool_calling_iterations=1, learning_rate=1e-4, use_cpu=True, bf16=False, report_to="none", logging_steps=1,
    save_strategy="no",
)  # fmt: skip
trainer = GRPOTrainer(
    model=model, args=settings, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
    environment_factory=partial(ArithPuzzle, url, prompt="symbolic"),
)  # fmt: skip
trainer.train()
moved = sum(not torch.equal(weights, before[name]) for name, weights in model.named_parameters())
print(json.dumps({"log": trainer.state.log_history, "moved": moved}))
