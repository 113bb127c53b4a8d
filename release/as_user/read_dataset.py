"""Load a dataset as a user does, whole and streaming: from the Hub, and from the folder that the Hub's files make.

Prints the rows and the SHA-256 of the rows of each split, as JSON.
"""

import hashlib
import json
import sys

from datasets import load_dataset
from huggingface_hub import snapshot_download

name, config = sys.argv[1:]


def summary(rows) -> dict:
    digest, count = hashlib.sha256(), 0
    for row in rows:
        digest.update(f"{row['prompt']}{row['completion']}\n\n".encode())
        count += 1
    return {"rows": count, "sha256": digest.hexdigest()}


folder = name.split("/")[1]
snapshot_download(name, repo_type="dataset", local_dir=folder)
found = {}
for source in (name, folder):  # the folder is how load_dataset("arith-puzzle") works without a namespace
    whole = load_dataset(source, config)
    streamed = load_dataset(source, config, streaming=True)
    for split in whole:
        ways = {f"{source}, whole": summary(whole[split]), f"{source}, streaming": summary(streamed[split])}
        found.setdefault(split, {}).update(ways)
print(json.dumps(found))
