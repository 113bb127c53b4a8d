"""Download repos as a user does. Prints {"<type> <id> <revision>": {"files": {path: SHA-256}, "card": text}} as JSON.

The argument is JSON too: [[type, id, revision], ...].
"""

import hashlib
import json
import sys
from pathlib import Path

from huggingface_hub import snapshot_download

found = {}
for kind, name, revision in json.loads(sys.argv[1]):
    folder = Path(snapshot_download(name, repo_type=kind, revision=revision))
    hashes = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            hashes[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    card = (folder / "README.md").read_text(encoding="utf-8") if "README.md" in hashes else ""
    found[f"{kind} {name} {revision}"] = {"files": hashes, "card": card}
print(json.dumps(found))
