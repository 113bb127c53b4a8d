"""Score a base model, or an adapter on its base, on evaluation splits.

arith-puzzle score --model training/bases/arith-tiny --adapter runs/x --dataset arith-puzzle \\
    --config starter --split test --out runs/x/score

The command writes results.json, with a 95% interval for pass@1, and the answers of each split. The same command resumes
an interrupted run.

- Several answers to each row: --samples 10 --k 1 --k 10 reports pass@1 and pass@10.
- A model that was not trained on the task: --format natural, with --shots 8, --chain-of-thought or --chat.
- A model that was trained by its chat template: --chat, with the --system and --format of its recipe.
- A model behind a server: --endpoint http://localhost:8000/v1 --model NAME; it is asked in chat, in English, with room
  to think, and what follows its line "Answer:" is judged.
- GSM8K: --task gsm8k, with rows from the Hub or a JSONL file; --samples 10 also reports maj1@10.
- Beside accuracy, a measure that is not near zero for small models: --task gsm8k --gold.
- MATH: --task math, with rows of problem and solution, judged by math-verify.
- Other tests of grade-school problems: --task svamp, gsm-hard or gsm-plus, with the rows as their authors ship them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from arith_puzzle.cli.options import add_endpoint_options, endpoint_of
from arith_puzzle.common.errors import InputError

if TYPE_CHECKING:
    from arith_puzzle.common.chat import Chat


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    from arith_puzzle.evaluation.options import BACKENDS
    from arith_puzzle.evaluation.tasks import TASKS

    add = parser.add_argument_group("model").add_argument
    add("--model", help="folder or Hub id of a base model, or of a merged one (default: the adapter's base)")
    add(
        "--model-revision",
        metavar="REV",
        help="revision of the base's Hub id (default: the one that the adapter names, else main)",
    )
    add("--adapter", help="folder or Hub id of a PEFT adapter (default: none)")
    add("--adapter-revision", metavar="REV", help="revision of the adapter's Hub id (default: main)")
    add("--merge", action="store_true", help="merge the adapter into the base before scoring")

    served = parser.add_argument_group("endpoint", "a server answers in chat, in place of a model on this machine")
    add_endpoint_options(served, served.add_mutually_exclusive_group())

    add = parser.add_argument_group("rows").add_argument
    add("--task", choices=TASKS, default="puzzle", help="kind of problems (default: puzzle)")
    add(
        "--dataset",
        default="arith-puzzle",
        help="folder or Hub id of the dataset, or a JSONL file (default: arith-puzzle)",
    )
    add("--config", help="config of the dataset (default: starter for puzzles, else none)")
    add(
        "--split",
        action="append",
        help="split to score; may be repeated (default: all, without train)",
    )
    add("--limit", type=int, metavar="ROWS", help="maximum number of rows of each split (default: all rows)")
    add(
        "--gold",
        action="store_true",
        help="gsm8k: also report the likelihood of the rows' own solutions, and the share of steps that are right",
    )

    add = parser.add_argument_group("prompt").add_argument
    add(
        "--format",
        dest="prompt_format",
        metavar="FORMAT",
        help="prompt format, such as symbolic or natural (default: symbolic for puzzles, else alpaca)",
    )
    add(
        "--shots",
        type=int,
        default=0,
        metavar="COUNT",
        help="number of worked examples from train before each question (default: 0)",
    )
    add(
        "--chain-of-thought",
        action=argparse.BooleanOptionalAction,
        help="let the model reason first; only the text after the line 'Answer:' is judged (default: only for puzzles "
        "that an endpoint answers)",
    )
    add("--chat", action="store_true", help="write the prompt with the tokenizer's chat template")
    add("--system", metavar="TEXT", help="with --chat: text of the system's turn (default: no such turn)")
    add(
        "--chat-template-kwargs",
        metavar="JSON",
        help="with --chat: variables of the template, such as '{\"enable_thinking\": false}' (default: none)",
    )

    add = parser.add_argument_group("answers").add_argument
    add(
        "--samples",
        type=int,
        metavar="COUNT",
        help="number of sampled answers for each row (default: one answer, decoded greedily)",
    )
    add("--temperature", type=float, help="sampling temperature (default: 1)")
    add("--top-p", type=float, metavar="P", help="total probability of the tokens to sample from (default: 1)")
    add("--seed", type=int, default=0, help="seed of the samples and of the choice of examples (default: 0)")
    add("--k", type=int, action="append", help="also report pass@K, besides pass@1; may be repeated")
    add(
        "--max-new-tokens",
        type=int,
        metavar="TOKENS",
        help="maximum length of an answer (default: 128 for puzzles, 512 with chain of thought and for gsm8k, 1024 for "
        "math, 4096 for an endpoint)",
    )
    add("--batch-size", type=int, default=256, metavar="COUNT", help="number of answers in a batch (default: 256)")
    add(
        "--dtype",
        choices=("auto", "fp32", "bf16", "fp16"),
        default="auto",
        help="number type; auto: fp32 on a CPU, the type of the stored weights on a GPU (default: auto)",
    )
    add(
        "--backend",
        choices=("auto", *BACKENDS),
        default="auto",
        help="library that generates; auto: vLLM on a GPU if it is installed, else transformers (default: auto)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for results.json and the answers")


def run(args: argparse.Namespace) -> int:
    """Score the model and print a line for each split."""
    from arith_puzzle.evaluation.score import score, summary

    options = vars(args)
    del options["argv"]
    endpoint = endpoint_of(args, args.model)
    chosen = {name: options.pop(name) for name in ("concurrency", "requests_per_minute", "price_in", "price_out")}
    for name in ("endpoint", "provider", "key_env", "timeout"):
        del options[name]
    if endpoint:
        from arith_puzzle.common.endpoint import Limits

        options["endpoint"] = endpoint
        options["limits"] = Limits(chosen["concurrency"], chosen["requests_per_minute"])
        options["price"] = (chosen["price_in"], chosen["price_out"])
        options["chat"] = True
    if options["backend"] == "auto" and endpoint:
        options["backend"] = "transformers"  # which is not used
    elif options["backend"] == "auto":
        import torch

        from arith_puzzle.evaluation.backends import vllm_installed

        options["backend"] = "vllm" if vllm_installed() and torch.cuda.is_available() else "transformers"
    options["chat"] = _chat(*(options.pop(key) for key in ("chat", "system", "chat_template_kwargs")))
    options["k"] = tuple(sorted({1, *(options["k"] or ())}))  # summary and reports need pass@1
    splits = options.pop("split")
    model, adapter, dataset, config, out = (
        options.pop(key) for key in ("model", "adapter", "dataset", "config", "out")
    )
    print(summary(score(model, adapter, dataset, config, None if splits == ["all"] else splits, out, **options)))
    return 0


def _chat(chosen: bool, system: str | None, template_kwargs: str | None) -> Chat | None:
    """Return what --chat, --system and --chat-template-kwargs say. Raises InputError where they do not fit."""
    from arith_puzzle.common.chat import Chat

    if not chosen:
        for name, value in (("--system", system), ("--chat-template-kwargs", template_kwargs)):
            if value is not None:
                raise InputError(f"{name} needs --chat; add it, or leave {name} out")
        return None
    try:
        values = json.loads(template_kwargs or "{}")
        if not isinstance(values, dict):
            raise ValueError
    except ValueError:
        raise InputError(f"--chat-template-kwargs must be a JSON object, not {template_kwargs!r}; write "
                         """'{"enable_thinking": false}', for example""") from None  # fmt: skip
    return Chat(system, values)
