"""Load a dataset whole and streaming, as a user does. Prints rows and SHA-256 of the rows of each split, as JSON."""

import hashlib
import json
import sys

from datasets import load_dataset

name, config = sys.argv[1:]


def summary(rows) -> dict:
    digest, count = hashlib.sha256(), 0
    for row in rows:
        digest.update(f"{row['prompt']}{row['completion']}\n\n".encode())
        count += 1
    return {"rows": count, "sha256": digest.hexdigest()}


whole = load_dataset(name, config)
streamed = load_dataset(name, config, streaming=True)
print(json.dumps({split: {"whole": summary(whole[split]), "streaming": summary(streamed[split])} for split in whole}))
