"""Time to the first training steps, disk and memory of the data path, beside TRL's stock script.

Both scripts train arith-tiny by LoRA for a few steps, each in a new process with empty caches. Disk is what the run
adds to the dataset's own files: caches and checkpoints. Memory is the largest sum of proportional set sizes (PSS) of
the run's processes. "Anonymous" memory excludes pages of mapped files, which the system can drop at any time.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.provenance import commit_of_checkout

MODEL = PACKAGE / "training" / "bases" / "arith-tiny"
STEPS, BATCH, PACK, SEQUENCES = 20, 32, 256, 10


def run(dataset: Path, configs: Sequence[str] = ("1m",), ours_only: Sequence[str] = ()) -> dict:
    """Measure; returns {config: {"training/sft.py": figures, "trl sft": figures, ratios, "rows", ...}}.

    Args:
        dataset: a folder that ``arith-puzzle build`` wrote.
        configs: configs of the dataset to train on.
        ours_only: configs for which `trl sft` is left out, because it takes too long or does not fit.
    """
    dataset = dataset.resolve()
    manifest = json.loads((dataset / "manifest.json").read_text())["configs"]
    measured = {}
    for config in configs:
        found = {"training/sft.py": _measure(_ours, dataset, config)}
        if config not in ours_only:
            found["trl sft"] = _measure(_stock, dataset, config)
            for key in ("seconds", "disk_gb", "peak_gb", "peak_anonymous_gb"):
                found[f"{key}_ratio"] = round(found["trl sft"][key] / found["training/sft.py"][key], 2)
        measured[config] = found | {
            "rows": manifest[config]["splits"]["train"]["rows"],
            "dataset_gb": round(_bytes(dataset) / 1e9, 2),
            "command": f"python -m benchmarks data_path --dataset arith-puzzle --config {config}"
            + f" --ours-only {config}" * (config in ours_only),
            "commit": commit_of_checkout(),
            "cpu_count": os.cpu_count(),
        }
    return measured


def table(measured: dict) -> str:
    """Format the figures as JSON, which is how they are stored."""
    return json.dumps(measured, indent=1, sort_keys=True)


def _ours(dataset: Path, config: str, folder: Path) -> list[str]:
    recipe = {
        "name": "benchmark", "dataset": {"config": config}, "pack": PACK, "lora": {"r": 16},
        "model": {"base": str(MODEL)},
        "sft": {"max_steps": STEPS, "per_device_train_batch_size": SEQUENCES, "bf16": False, "use_cpu": True,
                "activation_checkpointing": False, "dataloader_pin_memory": False, "report_to": "none"},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return [str(PACKAGE / "training" / "sft.py"), "--recipe", str(folder / "recipe.yaml"), "--dataset", str(dataset),
            "--out", str(folder / "run")]  # fmt: skip


def _stock(dataset: Path, config: str, folder: Path) -> list[str]:
    return [
        "-m", "trl.scripts.sft", "--model_name_or_path", str(MODEL), "--dataset_name", str(dataset),
        "--dataset_config", config, "--use_peft", "--lora_target_modules", "all-linear", "--max_steps", str(STEPS),
        "--per_device_train_batch_size", str(BATCH), "--output_dir", str(folder / "run"), "--report_to", "none",
        "--use_cpu", "true", "--bf16", "false", "--activation_checkpointing", "false",
    ]  # fmt: skip


def _measure(command, dataset: Path, config: str) -> dict:
    with tempfile.TemporaryDirectory(dir=dataset.parent) as name:
        folder = Path(name)
        caches = {
            "ARITH_PUZZLE_CACHE": str(folder / "cache"),
            "HF_HOME": str(folder / "hf"),
            "PYTHONPATH": str(PACKAGE.parent),
        }
        log = (folder / "log").open("w")
        started, peak, held, disk = time.monotonic(), 0, 0, 0
        child = subprocess.Popen([sys.executable, *command(dataset, config, folder)], env=os.environ | caches,
                                 stdout=log, stderr=log)  # fmt: skip
        while child.poll() is None:
            now = _memory(child.pid)
            peak, held, disk = max(peak, now["Pss"]), max(held, now["Pss_Anon"]), max(disk, _bytes(folder))
            time.sleep(0.5)
        if child.returncode:
            raise SystemExit((folder / "log").read_text()[-2000:])
        return {
            "seconds": round(time.monotonic() - started, 1),
            "disk_gb": round(disk / 1e9, 3),
            "peak_gb": round(peak / 1e9, 2),
            "peak_anonymous_gb": round(held / 1e9, 2),
        }


def _memory(root: int) -> dict[str, int]:
    """Bytes of a process and its descendants, with and without mapped files; shared pages count once."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    family, total = {root}, {"Pss": 0, "Pss_Anon": 0}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    for pid in family:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if (name := line.split(":")[0]) in total:
                total[name] += int(line.split()[1]) * 1024
    return total


def _bytes(folder: Path) -> int:
    """Bytes on disk of the files below a folder."""
    total = 0
    for place, _, names in os.walk(folder):  # rglob fails if a folder is renamed meanwhile
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total
