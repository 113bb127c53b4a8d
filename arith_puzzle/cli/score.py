"""Answers of a base, or of an adapter on its base, judged by the project's own metrics.

arith-puzzle score --model training/bases/arith-tiny --adapter runs/x --dataset arith-puzzle \\
    --config starter --split test --out runs/x/score

Without --split, or with --split all: every split of the config but train. --samples 10 --k 1 --k 10 draws samples and
reports pass@k. A model that was not trained on the task is asked with --format natural, --shots 8,
--chain-of-thought or --chat. --task gsm8k scores question-answer rows, from the Hub or a JSONL file; --samples 10
reports maj1@10 there. --task math does so with rows of problem and solution, by math-verify.

Answers are appended to ``generations-<split>.jsonl`` batch by batch, so a killed run goes on where it was and ends
with the same bytes; ``results.json`` comes last.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    from arith_puzzle.evaluation.options import BACKENDS
    from arith_puzzle.evaluation.tasks import TASKS

    what = parser.add_argument_group("what is scored")
    what.add_argument("--model", help="folder or Hub id of the base, or of a whole model; default: the adapter's base")
    what.add_argument("--model-revision", metavar="REV", help="of a Hub id; default: what the adapter names, else main")
    what.add_argument("--adapter", help="folder or Hub id of a PEFT adapter")
    what.add_argument("--adapter-revision", metavar="REV")
    what.add_argument("--merge", action="store_true", help="merge the adapter into the base first")
    rows = parser.add_argument_group("on which rows")
    rows.add_argument("--task", choices=TASKS, default="puzzle")
    rows.add_argument("--dataset", default="arith-puzzle", help="folder or Hub id of the dataset, or a JSONL file")
    rows.add_argument("--config", help="default for puzzles: starter")
    rows.add_argument("--split", action="append", help="may be repeated; default: all but train")
    rows.add_argument("--limit", type=int, metavar="ROWS", help="only the first rows of each split, for a quick look")
    asked = parser.add_argument_group("how it is asked")
    asked.add_argument("--format", dest="prompt_format", help="symbolic (default) or natural")
    asked.add_argument("--shots", type=int, default=0, help="worked examples from train before each question")
    asked.add_argument(
        "--chain-of-thought", action="store_true", help="examples reason; judged is what follows Answer:"
    )
    asked.add_argument("--chat", action="store_true", help="by the tokenizer's chat template")
    drawn = parser.add_argument_group("how answers are drawn")
    drawn.add_argument("--samples", type=int, metavar="K", help="answers drawn for each row; default: one, greedily")
    drawn.add_argument("--temperature", type=float, help="of samples; default 1")
    drawn.add_argument("--top-p", type=float, help="of samples; default 1")
    drawn.add_argument("--seed", type=int, default=0, help="of samples and of the choice of examples")
    drawn.add_argument("--k", type=int, action="append", help="of pass@k, may be repeated; default 1")
    drawn.add_argument("--max-new-tokens", type=int, help="default: puzzles 128, reasoning and GSM8K 512, MATH 1024")
    drawn.add_argument("--batch-size", type=int, default=256)
    drawn.add_argument("--dtype", choices=("auto", "fp32", "bf16", "fp16"), default="auto",
                       help="auto: fp32 on a CPU, on a GPU as the weights are stored")  # fmt: skip
    drawn.add_argument("--backend", choices=("auto", *BACKENDS), default="auto",
                       help="auto: vLLM on a GPU where it is installed, else transformers")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder for results.json and the generations")


def run(args: argparse.Namespace) -> int:
    """Score it and print a line for each split."""
    from arith_puzzle.evaluation.score import score, summary

    options = vars(args)
    del options["argv"]
    if options["backend"] == "auto":
        import torch

        from arith_puzzle.evaluation.backends import vllm_installed

        options["backend"] = "vllm" if vllm_installed() and torch.cuda.is_available() else "transformers"
    options["k"] = tuple(options["k"] or (1,))
    splits = options.pop("split")
    model, adapter, dataset, config, out = (
        options.pop(key) for key in ("model", "adapter", "dataset", "config", "out")
    )
    print(summary(score(model, adapter, dataset, config, None if splits == ["all"] else splits, out, **options)))
    return 0
