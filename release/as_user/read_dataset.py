"""Load a config of a dataset in four ways: from the Hub and from a downloaded folder, each whole and streaming.

Prints {split: {way: [SHA-256 of a shard's rows, ...]}} as JSON. The arguments are the dataset, the config, and the
number of rows in each shard: {split: [rows, ...]}. Rows are hashed as for the manifests: a puzzle as its prompt, its
completion and an empty line, any other row as a line of JSON with sorted keys.
"""

import hashlib
import itertools
import json
import sys

from datasets import load_dataset
from huggingface_hub import snapshot_download

name, config = sys.argv[1:3]
shards = json.loads(sys.argv[3])


def texts(rows):
    puzzles = "completion" in rows.features
    if puzzles:
        rows = rows.select_columns(["prompt", "completion"])
    for batch in rows.iter(batch_size=10_000):
        for values in zip(*batch.values(), strict=True):
            row = dict(zip(batch, values, strict=True))
            text = f"{row['prompt']}{row['completion']}\n" if puzzles else json.dumps(row, sort_keys=True)
            yield f"{text}\n".encode()


def hashes(rows, sizes: list[int]) -> list[str]:
    rows, found = texts(rows), []
    for size in [*sizes, 1]:  # a row too many gives one hash too many
        digest, count = hashlib.sha256(), 0
        for text in itertools.islice(rows, size):
            digest.update(text)
            count += 1
        if count:
            found.append(digest.hexdigest())
    return found


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
