"""Speed of greedy generation, beside ``generate`` of transformers on the same batch.

The search adapter of this repository answers puzzles of N=5, 6 and 7. Its answers have 60 to 960 tokens. transformers
continues the whole batch until the longest answer ends; this project removes finished rows. Both give the same tokens,
which is asserted. Figures are medians over alternating repetitions.
"""

from __future__ import annotations

import statistics
import time

import torch

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.dataset_builder.generate import puzzles
from arith_puzzle.dataset_builder.puzzle import symbolic_prompt
from arith_puzzle.evaluation.inference import Decoding, generate, load, to_answer

BASE = PACKAGE / "training" / "bases" / "arith-tiny-search"
ADAPTER = PACKAGE / "results" / "paper_search_cpu" / "adapter"
BATCH, MAX_NEW_TOKENS = 96, 960


def run(repeats: int = 3) -> dict:
    """Measure both; returns {"batch", "max_new_tokens", "new_tokens", "seconds": {name: median}, "ratio",
    "threads"}."""
    model, tokenizer = load(str(BASE), adapter=str(ADAPTER), merge=True)
    prompts = []
    for n in (5, 6, 7):
        numbers, targets, _ = puzzles(("benchmark-answers",), BATCH // 3, n, 60, 600, "test", unique=False)
        prompts += [symbolic_prompt(*puzzle) for puzzle in zip(numbers.tolist(), targets.tolist(), strict=True)]
    ids = tokenizer(prompts)["input_ids"]

    def ours():
        return generate(model, tokenizer, ids, Decoding(MAX_NEW_TOKENS))

    @torch.inference_mode()
    def theirs():
        batch = tokenizer.pad({"input_ids": ids}, return_tensors="pt")
        output = model.generate(**batch, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        return [to_answer(tokenizer, row, None).text for row in output[:, batch["input_ids"].shape[1] :].tolist()]

    seconds = {"ours": [], "transformers": []}
    for _ in range(repeats):
        for name, way in (("ours", ours), ("transformers", theirs)):
            started = time.perf_counter()
            answers = way()
            seconds[name].append(time.perf_counter() - started)
            if name == "ours":
                new_tokens, texts = sum(answer.new_tokens for answer in answers), [answer.text for answer in answers]
            else:
                assert texts == answers, "the two ways differ"
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {
        "batch": len(prompts), "max_new_tokens": MAX_NEW_TOKENS, "new_tokens": new_tokens, "seconds": medians,
        "ratio": medians["transformers"] / medians["ours"], "threads": torch.get_num_threads(),
    }  # fmt: skip


def table(measured: dict) -> str:
    """Format the figures as text."""
    seconds, tokens = measured["seconds"], measured["new_tokens"]
    lines = [f"{measured['batch']} answers, {tokens:,} tokens, at most {measured['max_new_tokens']} each"]
    lines += [f"  {name:<14}{taken:>8.1f} s{tokens / taken:>10,.0f} tokens/s" for name, taken in seconds.items()]
    return "\n".join([*lines, f"  ratio {measured['ratio']:.1f}"])
