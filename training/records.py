"""What run.json and results.json have in common: the source, the machine, hashes of what went in, and whole files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from training.recipe import ROOT

INDEX = "model.safetensors.index.json"
KNOWN_BY = ("model.safetensors", INDEX, "adapter_model.safetensors", "manifest.json")
"""The files that identify a folder: the first that it has. Of an index, the weights that it names are hashed too."""


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises OSError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """The same for JSON, with sorted keys. Raises OSError."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, default=str) + "\n")


def digest(source: str | Path | None) -> str | None:
    """SHA-256 of what identifies a local model, adapter, dataset or file, hex; None for a Hub id."""
    place = Path(source or "")
    for path in (place, *(place / name for name in KNOWN_BY)):
        if source and path.is_file():
            if path.name == INDEX:
                shards = sorted(set(json.loads(path.read_text())["weight_map"].values()))
                return hashlib.sha256("".join(file_sha256(place / shard) for shard in shards).encode()).hexdigest()
            return file_sha256(path)
    return None


def rows_digest(manifest: Path, config: str, split: str | None = None) -> str:
    """SHA-256 of what a dataset's manifest says of a config, or of one split of it, hex: of the rows, that is.

    So a config that is built beside it changes nothing. Raises OSError or ValueError where there is no such manifest.
    """
    content = json.loads(manifest.read_text(encoding="utf-8"))
    splits = content.get("configs", {}).get(config, {}).get("splits", {})
    said = splits.get(split) if split else splits
    said = said or content  # another dataset's, which says it elsewhere
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hardware(device: str) -> dict:
    """What a process runs on: device, cores, threads and, on CUDA, the GPU's name."""
    import torch

    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else None
    return {"device": device, "gpu": gpu, "cpu_count": os.cpu_count(), "threads": torch.get_num_threads()}


def commit_of_checkout() -> str | None:
    """The checkout's commit, with ``+`` if files differ from it; None outside git."""
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        status = subprocess.run(["git", "status", "--porcelain", "-uno"], cwd=ROOT, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if status.stdout.strip() else "")
