"""The oracle: how many puzzles the search procedure solves when it is executed exactly.

A model that searches without a mistake scores exactly this. The procedure is that of
``arith_puzzle.dataset_builder.search_traces``. It counts the rows that are solved within 1, 4, 12 and 24 attempts,
and within 500 to 4,000 tokens of arith-tiny-search: of the paper's benchmarks (``1m``) and of all splits of ``stress``.
"""

from __future__ import annotations

import numpy as np

from arith_puzzle.common.markdown import table as markdown
from arith_puzzle.dataset_builder.configs import CONFIGS
from arith_puzzle.dataset_builder.generate import generate_shard
from arith_puzzle.dataset_builder.search_traces import searches

SPLITS = (
    *(("1m", split) for split in ("test", "ood_numeric_100", "ood_numeric_1000", "ood_form")),
    *(("stress", split) for split in CONFIGS["stress"].splits),
)
ATTEMPTS = (1, 4, 12, 24)
TOKENS = (500, 1000, 2000, 4000)


def run() -> dict:
    """Execute it; returns {"splits": {"config/split": {"n", "solved", "by_attempt": {k: share}, "by_tokens": {k:
    share}}}}."""
    from arith_puzzle.training.tiny import build_tokenizer

    tokenizer = build_tokenizer(pairs=True)
    splits = {}
    for config, split in SPLITS:
        data = generate_shard(CONFIGS[config], split, 0, 0)
        sizes, targets = data["n"].to_numpy(), data["target"].to_numpy().astype(np.int64)
        found, tokens = np.full(len(data), -1), np.full(len(data), np.iinfo(np.int64).max)
        for n in np.unique(sizes):
            here = np.flatnonzero(sizes == n)
            numbers = data["numbers"].combine_chunks().take(here).flatten().to_numpy().reshape(-1, n)
            _, texts, index = searches(numbers.astype(np.int64), targets[here], context=None)
            found[here] = index
            lengths = [len(ids) for ids in tokenizer(texts.to_pylist(), add_special_tokens=False)["input_ids"]]
            tokens[here[index >= 0]] = 1 + np.array(lengths)[index >= 0]  # eos
        splits[f"{config}/{split}"] = {
            "n": len(data),
            "solved": float(np.mean(found >= 0)),
            "by_attempt": {str(k): float(np.mean((found >= 0) & (found < k))) for k in ATTEMPTS},
            "by_tokens": {str(k): float(np.mean(tokens <= k)) for k in TOKENS},
        }
    return {"splits": splits}


def table(measured: dict) -> str:
    """Format the figures as a Markdown table."""
    header = ["split", "n", *(f"{k} attempt{'s' * (k > 1)}" for k in ATTEMPTS), "all"]
    header += [f"{k:,} tokens" for k in TOKENS]
    rows = [
        [f"`{name}`", f"{item['n']:,}", *(f"{share:.3f}" for share in item["by_attempt"].values()),
         f"{item['solved']:.3f}", *(f"{share:.3f}" for share in item["by_tokens"].values())]
        for name, item in measured["splits"].items()
    ]  # fmt: skip
    return markdown(header, rows)
