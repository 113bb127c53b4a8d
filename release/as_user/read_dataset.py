"""Load a config of a dataset in four ways: from the Hub and from a downloaded folder, each whole and streaming.

Prints {split: {way: [SHA-256 of a shard's rows, ...]}} as JSON. The arguments are the dataset, the config, and the
number of rows in each shard: {split: [rows, ...]}. Rows are hashed as for the manifests: a puzzle as its prompt, its
completion and an empty line, any other row as a line of JSON with sorted keys.
"""

import hashlib
import json
import sys

from datasets import load_dataset
from huggingface_hub import snapshot_download

name, config = sys.argv[1:3]
shards = json.loads(sys.argv[3])


def texts(rows):
    """The texts of ten thousand rows at a time."""
    puzzles = "completion" in rows.features
    if puzzles:
        rows = rows.select_columns(["prompt", "completion"])  # the other columns take longer to read
    for batch in rows.iter(batch_size=10_000):
        if puzzles:
            columns = batch["prompt"], batch["completion"]
            yield [f"{prompt}{completion}\n\n" for prompt, completion in zip(*columns, strict=True)]
        else:
            values = zip(*batch.values(), strict=True)
            yield [json.dumps(dict(zip(batch, row, strict=True)), sort_keys=True) + "\n" for row in values]


def hashes(rows, sizes: list[int]) -> list[str]:
    """The hash of each shard, and one more for rows beyond the last."""
    digests, left = [hashlib.sha256() for _ in sizes] + [hashlib.sha256()], [*sizes, sys.maxsize]
    shard = 0
    for batch in texts(rows):
        at = 0
        while at < len(batch):
            part = batch[at : at + left[shard]]
            digests[shard].update("".join(part).encode())
            at, left[shard] = at + len(part), left[shard] - len(part)
            shard += not left[shard]
    beyond = left[-1] < sys.maxsize
    return [digest.hexdigest() for digest in digests[: len(sizes) + beyond]]


folder = name.split("/")[1]
snapshot_download(name, repo_type="dataset", local_dir=folder)
found = {}
for source in (name, folder):  # with the folder, load_dataset("arith-puzzle") works without a namespace
    whole = load_dataset(source, config)
    streamed = load_dataset(source, config, streaming=True)
    for split in whole:
        for way, rows in (("whole", whole[split]), ("streaming", streamed[split])):
            found.setdefault(split, {})[f"{source}, {way}"] = hashes(rows, shards.get(split, []))
print(json.dumps(found))
