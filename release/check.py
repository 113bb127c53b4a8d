"""Check a release as a user would: fresh processes, empty caches, the endpoint that was just published to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from dataset_builder.puzzle import parse_puzzle, symbolic_prompt
from metrics.arith_puzzle_verifier.verify import verify
from release.stage import read_plan

AS_USER = Path(__file__).parent / "as_user"
ADAPTER_ROWS = 200


class CheckFailed(Exception):
    """What is published is not what was staged; the message says which part and how it differs."""


def check(staged: Path, endpoint: str, *, token: str | None = None) -> None:
    """Compare what users get with what was staged.

    Args:
        staged: as ``release.stage.stage`` wrote it. endpoint: of the Hub it was published to.
        token: for a private release; it travels by environment only.

    Raises:
        CheckFailed: any difference, or a step that a user could not take.
    """
    _, repos = read_plan(staged)
    ids = {repo.kind: repo.id for repo in repos}
    steps: list[tuple[str, Callable]] = [
        ("dataset", _check_dataset),
        ("metric", _check_metric),
        ("adapter", _check_adapter),
        ("demo", _check_demo),
    ]
    with tqdm(total=len(steps), desc="check", unit="step") as bar:
        for name, step in steps:
            bar.set_postfix_str(name)
            step(staged, ids, endpoint, token)
            bar.update()


def _check_dataset(staged: Path, ids: dict, endpoint: str, token: str | None) -> None:
    manifest = json.loads((staged / "dataset" / "manifest.json").read_text())
    for config, content in manifest["configs"].items():
        want = {split: [shard["sha256"] for shard in item["shards"]] for split, item in content["splits"].items()}
        sizes = {split: [shard["rows"] for shard in item["shards"]] for split, item in content["splits"].items()}
        got = _as_user("read_dataset.py", [ids["dataset"], config, json.dumps(sizes)], endpoint, token)
        if got.keys() != want.keys():
            raise CheckFailed(f"dataset: {config} has the splits {sorted(got)}, the manifest {sorted(want)}")
        for split, ways in got.items():
            wrong = [way for way, found in ways.items() if found != want[split]]
            if wrong or len(ways) != 4:
                raise CheckFailed(f"dataset: {config}/{split} has other rows than the manifest ({'; '.join(wrong)})")


def _check_metric(staged: Path, ids: dict, endpoint: str, token: str | None) -> None:
    got = _as_user("use_metric.py", [ids["metric"]], endpoint, token)
    if got["measured"]["reasons"] != got["expected"] or got["measured"]["pass@1"] != got["expected"]["ok"]:
        raise CheckFailed(f"metric: known answers gave {got['measured']}, not {got['expected']}")


def _check_adapter(staged: Path, ids: dict, endpoint: str, token: str | None) -> None:
    results = json.loads((staged / "adapter" / "results.json").read_text())["adapter"]
    split, decoding = next(iter(results["splits"])), results["decoding"]
    path = staged / "adapter" / "generations" / f"adapter-{split}.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()][:ADAPTER_ROWS]
    arguments = [ids["adapter"], ids["dataset"], results["config"], split, len(records), decoding["batch_size"],
                 decoding["max_new_tokens"]]  # fmt: skip
    got = _as_user("run_adapter.py", arguments, endpoint, token)
    if got["adapter"] == got["base"]:
        raise CheckFailed("adapter: its answers are the base's; the adapter does nothing")
    published = sum(verify(r["numbers"], r["target"], r["response"]).correct for r in records)
    pairs = zip(records, got["adapter"], strict=True)
    loaded = sum(verify(r["numbers"], r["target"], answer).correct for r, answer in pairs)
    if loaded != published:
        raise CheckFailed(
            f"adapter: {loaded} of the first {len(records)} rows of {split} are right when loaded from the Hub; "
            f"{published} were when it was scored"
        )


def _check_demo(staged: Path, ids: dict, endpoint: str, token: str | None) -> None:
    with next((staged / "adapter" / "generations").glob("adapter-*.jsonl")).open() as file:
        row = json.loads(file.readline())
    numbers, target = parse_puzzle(symbolic_prompt(row["numbers"], row["target"]))
    got = _as_user("open_demo.py", [ids["demo"], ",".join(map(str, numbers)), str(target)], endpoint, token)
    if got["status"]["model"] != "ready" or got["status"]["adapter"] != ids["adapter"]:
        raise CheckFailed(f"demo: it runs without the released adapter: {got['status']}")
    if not verify(numbers, target, got["solve"]["solution"]).correct:
        raise CheckFailed(f"demo: the solver's answer is wrong: {got['solve']}")
    verdict = verify(numbers, target, got["ask"]["answer"])
    if got["ask"]["correct"] != verdict.correct or got["ask"]["reason"] != verdict.reason:
        raise CheckFailed(f"demo: it judges its model's answer otherwise than the verifier: {got['ask']}")


def _as_user(script: str, arguments: list, endpoint: str, token: str | None) -> dict:
    """Run a script of ``as_user/`` in an empty folder with empty caches; returns the JSON of its last line."""
    with tempfile.TemporaryDirectory(prefix="as-user-") as home:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRACKIO", "PYTHONPATH"))}
        environment |= {
            "HF_ENDPOINT": endpoint,
            "HF_HOME": home,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_MODULES_CACHE": str(Path(home) / "modules"),
            "TOKENIZERS_PARALLELISM": "false",
        }
        environment |= {k: os.environ[k] for k in ("HF_HUB_DISABLE_XET",) if k in os.environ}
        environment |= {"HF_TOKEN": token} if token else {}
        done = subprocess.run(
            [sys.executable, str(AS_USER / script), *map(str, arguments)],
            cwd=home, env=environment, capture_output=True, text=True, timeout=1800,
        )  # fmt: skip
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        raise CheckFailed(f"{script.removesuffix('.py')} failed as a user would see it: {last}")
    return json.loads(done.stdout.splitlines()[-1])
