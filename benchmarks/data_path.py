"""What it costs to get rows into a trainer: time to the first step, disk and memory, beside TRL's stock script.

python -m benchmarks.data_path --dataset arith-puzzle --config 1m                 # both
python -m benchmarks.data_path --dataset arith-puzzle --config 100m --ours-only   # what TRL's would not fit

Each is a fresh process with empty caches that trains arith-tiny by LoRA for a few steps. Disk is what the run adds
(caches, checkpoints), beside the dataset's own files; memory is the largest sum of proportional set sizes (PSS) of
its processes, and of it what is not a page of a mapped file, which the system can drop at any time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.provenance import commit_of_checkout

RESULTS = Path(__file__).parent / "results" / "data_path.json"
MODEL = PACKAGE / "training" / "bases" / "arith-tiny"
STEPS, BATCH, PACK, SEQUENCES = 20, 32, 256, 10


def main() -> None:
    """Measure, print, and add to the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="a folder that `arith-puzzle build` wrote")
    parser.add_argument("--config", default="1m")
    parser.add_argument("--ours-only", action="store_true")
    args = parser.parse_args()
    dataset = args.dataset.resolve()
    found = {"training/sft.py": _measure(_ours, dataset, args.config)}
    if not args.ours_only:
        found["trl sft"] = _measure(_stock, dataset, args.config)
        for key in ("seconds", "disk_gb", "peak_gb", "peak_anonymous_gb"):
            found[f"{key}_ratio"] = round(found["trl sft"][key] / found["training/sft.py"][key], 2)
    manifest = json.loads((dataset / "manifest.json").read_text())["configs"]
    train = next(item for name, item in manifest.items() if args.config == name)["splits"]["train"]
    record = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    record[args.config] = found | {
        "rows": train["rows"],
        "dataset_gb": round(_bytes(dataset) / 1e9, 2),
        "command": "python -m benchmarks.data_path "
        + " ".join(sys.argv[1:]).replace(str(args.dataset), "arith-puzzle"),
        "commit": commit_of_checkout(),
        "cpu_count": os.cpu_count(),
    }
    RESULTS.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    print(json.dumps(record[args.config], indent=1))


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
            "PYTHONPATH": str(PACKAGE),
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
    """Bytes of a process and all below it, with and without mapped files; pages that they share count once."""
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
    """What the files below a folder take on disk."""
    total = 0
    for place, _, names in os.walk(folder):  # unlike rglob, it bears a folder that is renamed meanwhile
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total


if __name__ == "__main__":
    main()
