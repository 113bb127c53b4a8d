"""Write a config in the shape of Countdown datasets: the columns ``nums`` and ``target``, and TinyZero's prompts.

The puzzles, their order and their splits are those of the config. ``nums`` is shuffled by the key of the puzzle, and
``solution`` is one infix expression over all numbers. A folder has Parquet files, and a card for ``load_dataset``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import locked, write_text
from arith_puzzle.dataset_builder.configs import Config, find_config, shard_sizes
from arith_puzzle.dataset_builder.formats import shuffled
from arith_puzzle.dataset_builder.generate import generate_shard
from arith_puzzle.dataset_builder.puzzle import PARTITION_RULE, SPEC_VERSION, parse_completion
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, to_expression

TEMPLATES = ("chat", "base")
"""Prompts for chat models, a list of messages; prompts for base models, a text."""
USER = (
    "Using the numbers {nums}, create an equation that equals {target}. You can use basic arithmetic operations "
    "(+, -, *, /) and each number can only be used once. Show your work in <think> </think> tags. And return the final "
    "answer in <answer> </answer> tags, for example <answer> (1 + 2) / 3 </answer>."
)
SYSTEM = (
    "You are a helpful assistant. You first thinks about the reasoning process in the mind and then provides the user "
    "with the answer."
)
BASE = (
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The assistant "
    "first thinks about the reasoning process in the mind and then provides the user with the answer.\n"
    "User: {question}\nAssistant: Let me solve this step by step.\n<think>"
)
"""USER, SYSTEM and BASE are the prompts of TinyZero (github.com/Jiayi-Pan/TinyZero, Apache-2.0), word for word."""

QUOTIENTS = {
    "exact": "every quotient on the way is an integer",
    "integer": "quotients are rounded toward zero",
    "rational": "quotients may be fractions",
}
_MESSAGE = pa.struct({"role": pa.string(), "content": pa.string()})
_KEY = b"arith_puzzle"
_CARD = """\
---
license: cc-by-4.0
task_categories: [text-generation]
tags: [arithmetic, reasoning, countdown, synthetic]
configs:
- config_name: default
  data_files:
{files}
---
# Countdown puzzles from `{config}`

Reach `target` from `nums` with `+ - * /`; each number is used {use}. The puzzles are those of the config
`{config}` of [arith-puzzle](https://arxiv.org/abs/2406.02100), seed {seed}.

| column | what |
|---|---|
| `nums`, `target` | the puzzle |
| `prompt` | TinyZero's {template} prompt |
| `solution` | one infix expression over {which} numbers; {quotients} |
| `num_solutions`, `difficulty` | the solver's labels; null in splits without labels |

No puzzle of `train` is in another split: the 64-bit key of a puzzle (numbers in any order, and target) decides where
it may be ({partition}).

Many scorers of this task overlook a rule. This one does not:

```python
from arith_puzzle.metrics.rewards import reward_for

# for GRPOTrainer; lenient reads <answer> tags
reward = reward_for(rule="{rule}", form="expression", division="rational", lenient=True)
```
"""


def build_countdown(
    config: str, out: Path, *, seed: int | None = None, template: str = "chat", progress: bool = True
) -> dict:
    """Write all splits of a config into the folder ``out``. Complete files are kept.

    Args:
        config: name of a shipped config, or path of a YAML file.
        template: one of TEMPLATES.

    Returns:
        {split: rows}

    Raises:
        InputError: unknown config or template, files of another build, or the folder cannot be written.
    """
    name, content = find_config(config, seed)
    seed = content.seed
    if template not in TEMPLATES:
        raise InputError(f"--template must be one of {', '.join(TEMPLATES)}; got {template!r}")
    if next(iter(content.splits.values())).division == "integer":
        raise InputError("--style countdown has no rounded division: TinyZero's prompt and scorers do not know it; "
                         "use division exact or rational")  # fmt: skip
    tasks = [(split, shard) for split, spec in content.splits.items() for shard in range(len(shard_sizes(spec)))]
    rows = dict.fromkeys(content.splits, 0)
    if (out / "README.md").exists() and not any((out / "data").glob("*.parquet")):
        raise InputError(f"{out} has a README.md that this command did not write; give another --out")
    try:
        with locked(out, "building into", wait=True):
            (out / "data").mkdir(parents=True, exist_ok=True)
            for split, shard in tqdm(tasks, desc=f"build {name}", unit="shard", disable=not progress):
                path = out / "data" / f"{split}-{shard:05d}.parquet"
                rows[split] += _write(path, content, split, shard, seed, template)
            files = "\n".join(f"  - {{split: {split}, path: data/{split}-*.parquet}}" for split in content.splits)
            spec = next(iter(content.splits.values()))
            use, which = ("exactly once", "all") if spec.rule == "all" else ("at most once", "some of the")
            card = _CARD.format(
                files=files, config=name, seed=seed, template=template, partition=PARTITION_RULE, rule=spec.rule,
                use=use, which=which, quotients=QUOTIENTS[spec.division],
            )  # fmt: skip
            write_text(out / "README.md", card)
    except OSError as error:
        raise InputError(f"cannot write {error.filename or out}: {error.strerror}; give another --out") from None
    return rows


def _write(path: Path, content: Config, split: str, shard: int, seed: int, template: str) -> int:
    """Write one file, unless it exists. Returns its number of rows."""
    spec = content.splits[split]
    identity = json.dumps([SPEC_VERSION, content.folder, split, shard, seed, template, repr(spec)])
    if path.is_file():
        try:
            parquet = pq.ParquetFile(path)
            same = (parquet.schema_arrow.metadata or {}).get(_KEY) == identity.encode()
        except pa.ArrowInvalid:
            same = False
        if not same:
            raise InputError(f"{path} is not a file of this build; give another --out, or delete it")
        return parquet.metadata.num_rows
    rows = _rows(generate_shard(content, split, seed, shard), template)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        pq.write_table(rows.replace_schema_metadata({_KEY: identity.encode()}), partial, compression="zstd")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return rows.num_rows


def _rows(table: pa.Table, template: str) -> pa.Table:
    nums, prompts, solutions = [], [], []
    for row in table.drop_columns(["prompt"]).to_pylist():
        given = shuffled(row["numbers"], row["target"])
        question = USER.format(nums=given, target=row["target"])
        nums.append(given)
        text = row["completion"]
        expression = rules_of(row).get("form") == "expression"
        solutions.append(text if expression else to_expression(row["numbers"], parse_completion(text)))
        prompts.append(
            BASE.format(question=question)
            if template == "base"
            else [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        )
    return pa.table(
        {
            "nums": pa.array(nums, pa.list_(pa.int32())),
            "target": table["target"],
            "prompt": pa.array(prompts, pa.string() if template == "base" else pa.list_(_MESSAGE)),
            "solution": pa.array(solutions, pa.string()),
            "num_solutions": table["num_solutions"],
            "difficulty": table["difficulty"],
        }
    )
