"""Check a release as a user would: fresh processes, empty caches, the endpoint that was just published to.

Every published file against the stage, every config and split of the dataset, the metric, the adapter, the demo, and
every snippet of every card. One process after another; a private release gets its token by environment only.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.dataset_builder.puzzle import parse_puzzle, symbolic_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify
from arith_puzzle.release.diff import HUBS_OWN, Stage
from arith_puzzle.release.snippets import Snippet, snippets
from arith_puzzle.release.stage import read_plan
from arith_puzzle.release.yank import unmarked_card

AS_USER = Path(__file__).parent / "as_user"
ADAPTER_ROWS = 200
SNIPPET_SECONDS = 600


class CheckFailed(Exception):
    """What is published is not what was staged; the message says which part and how it differs."""


@dataclass(frozen=True)
class _User:
    """Who comes to the Hub with nothing but its address, and a token if the release is private."""

    staged: Path
    ids: dict[str, str]
    endpoint: str
    token: str | None

    def environment(self, home: str) -> dict[str, str]:
        mine = ("HF_", "HUGGING", "TRACKIO", "PYTHONPATH")  # HUGGING_FACE_HUB_TOKEN is read too
        kept = {k: v for k, v in os.environ.items() if not k.startswith(mine)}
        kept |= {k: os.environ[k] for k in ("HF_HUB_DISABLE_XET",) if k in os.environ}
        return kept | {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": home,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_MODULES_CACHE": str(Path(home) / "modules"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TOKENIZERS_PARALLELISM": "false",
            **({"HF_TOKEN": self.token} if self.token else {}),
        }

    def runs(self, script: str, *arguments) -> dict:
        """Run a script of ``as_user/`` in an empty folder with empty caches; the JSON of its last line."""
        with tempfile.TemporaryDirectory(prefix="as-user-") as home:
            done = subprocess.run(
                [sys.executable, str(AS_USER / script), *map(str, arguments)],
                cwd=home, env=self.environment(home), capture_output=True, text=True, timeout=1800,
            )  # fmt: skip
        if done.returncode:
            raise CheckFailed(f"{script.removesuffix('.py')} failed as a user would see it: {_last_line(done)}")
        return json.loads(done.stdout.splitlines()[-1])

    def follows(self, card: str, snippet: Snippet) -> None:
        """Run a card's snippet as it is printed, in an empty folder with empty caches."""
        with tempfile.TemporaryDirectory(prefix="as-user-") as home, tempfile.TemporaryDirectory() as folder:
            command = snippet.command(Path(folder))
            try:
                done = subprocess.run(
                    command, cwd=folder, env=self.environment(home), capture_output=True, text=True,
                    timeout=SNIPPET_SECONDS,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise CheckFailed(f"{card}, line {snippet.line}: the snippet ran for {SNIPPET_SECONDS} s") from None
        if done.returncode:
            raise CheckFailed(f"{card}, line {snippet.line}: the snippet does not run as printed: {_last_line(done)}")


def check(staged: Path, endpoint: str, *, token: str | None = None) -> None:
    """Compare what users get with what was staged.

    Args:
        staged: as ``arith_puzzle.release.stage.stage`` wrote it. endpoint: of the Hub it was published to.
        token: for a private release; it travels by environment only.

    Raises:
        CheckFailed: any difference, or a step that a user could not take.
    """
    _, repos = read_plan(staged)
    user = _User(staged, {repo.kind: repo.id for repo in repos}, endpoint, token)
    steps: list[tuple[str, Callable]] = [("files", lambda: _check_files(user))]
    steps += [(repo.kind, partial(_CHECKS[repo.kind], user)) for repo in repos if repo.kind in _CHECKS]
    for folder, name in _cards(staged):
        for snippet in snippets((staged / folder / "README.md").read_text(encoding="utf-8")):
            steps.append((f"{name}:{snippet.line}", lambda name=name, snippet=snippet: user.follows(name, snippet)))
    with tqdm(total=len(steps), desc="check", unit="step") as bar:
        for name, step in steps:
            bar.set_postfix_str(name)
            step()
            bar.update()


def _cards(staged: Path) -> list[tuple[str, str]]:
    """(folder of the stage, the card's name in messages); that they are what is published, `_check_files` has said."""
    _, repos = read_plan(staged)
    return [
        (folder, f"card of {repo.id}" + ("" if branch == "main" else f" at {branch}"))
        for repo in repos
        for branch, folder in Stage.branches(repo).items()
        if (staged / folder / "README.md").is_file()
    ]


def _check_files(user: _User) -> None:
    """Every file of every revision by SHA-256: each branch, and the tag, which holds what main does."""
    stage = Stage(user.staged)
    wanted = []
    for repo in stage.repos:
        branches = stage.branches(repo)
        wanted += [(repo, name, folder) for name, folder in {**branches, stage.tag: branches["main"]}.items()]
    got = user.runs("download.py", json.dumps([[repo.type, repo.id, revision] for repo, revision, _ in wanted]))
    for repo, revision, folder in wanted:
        there, staged = _published(got[f"{repo.type} {repo.id} {revision}"]), _hashes(stage, folder)
        for path in sorted(set(there) - HUBS_OWN | set(staged)):
            if path not in there:
                raise CheckFailed(f"{repo.kind}: {path} is not at {repo.id}, {revision}")
            if path not in staged:
                raise CheckFailed(f"{repo.kind}: {path} at {repo.id}, {revision}, was not staged")
            if there[path] != staged[path]:
                raise CheckFailed(f"{repo.kind}: {path} at {repo.id}, {revision}, is another file than the staged one")


def _published(download: dict) -> dict[str, str]:
    """{path: SHA-256}, of the card without a notice that an older version was withdrawn (`arith_puzzle.release.yank`)."""
    card = unmarked_card(download["card"])
    unmarked = {} if card == download["card"] else {"README.md": hashlib.sha256(card.encode()).hexdigest()}
    return download["files"] | unmarked


def _hashes(stage: Stage, folder: str) -> dict[str, str]:
    return {path: upload.upload_info.sha256.hex() for path, upload in stage.files(folder).items()}


def _check_dataset(user: _User, kind: str = "dataset") -> None:
    for config, splits in _splits(json.loads((user.staged / kind / "manifest.json").read_text())).items():
        want = {split: [file["sha256"] for file in files] for split, files in splits.items()}
        sizes = {split: [file["rows"] for file in files] for split, files in splits.items()}
        got = user.runs("read_dataset.py", user.ids[kind], config, json.dumps(sizes))
        if got.keys() != want.keys():
            raise CheckFailed(f"{kind}: {config} has the splits {sorted(got)}, the manifest {sorted(want)}")
        for split, ways in got.items():
            wrong = [way for way, found in ways.items() if found != want[split]]
            if wrong or len(ways) != 4:
                raise CheckFailed(f"{kind}: {config}/{split} has other rows than the manifest ({'; '.join(wrong)})")


def _splits(manifest: dict) -> dict[str, dict[str, list[dict]]]:
    """{config: {split: its files in order, each with "rows" and "sha256"}}, of the puzzles or of aug-gsm8k.

    The configs of aug-gsm8k have one split and share their files.
    """
    if "files" not in manifest:
        return {
            name: {split: item["shards"] for split, item in config["splits"].items()}
            for name, config in manifest["configs"].items()
        }
    files = {item["file"]: item for item in manifest["files"]}
    return {name: {"train": [files[file] for file in config["files"]]} for name, config in manifest["configs"].items()}


def _check_metric(user: _User) -> None:
    got = user.runs("use_metric.py", user.ids["metric"])
    if got["measured"]["reasons"] != got["expected"] or got["measured"]["pass@1"] != got["expected"]["ok"]:
        raise CheckFailed(f"metric: known answers gave {got['measured']}, not {got['expected']}")


def _check_adapter(user: _User) -> None:
    results = json.loads((user.staged / "adapter" / "results.json").read_text())["adapter"]
    split, decoding = next(iter(results["splits"])), results["decoding"]
    path = user.staged / "adapter" / "generations" / f"adapter-{split}.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()][:ADAPTER_ROWS]
    got = user.runs("run_adapter.py", user.ids["adapter"], user.ids["dataset"], results["config"], split, len(records),
                    decoding["batch_size"], decoding["max_new_tokens"])  # fmt: skip
    if got["adapter"] == got["base"]:
        raise CheckFailed("adapter: its answers are the base's; the adapter does nothing")
    published = sum(verify(r["numbers"], r["target"], r["response"]).correct for r in records)
    strict, pairs = FORMATS[decoding["format"]].strict, zip(records, got["adapter"], strict=True)
    loaded = sum(verify(r["numbers"], r["target"], strict(answer)).correct for r, answer in pairs)
    if loaded != published:
        raise CheckFailed(
            f"adapter: {loaded} of the first {len(records)} rows of {split} are right when loaded from the Hub; "
            f"{published} were when it was scored"
        )


def _check_demo(user: _User) -> None:
    with next((user.staged / "adapter" / "generations").glob("adapter-*.jsonl")).open() as file:
        row = json.loads(file.readline())
    numbers, target = parse_puzzle(symbolic_prompt(row["numbers"], row["target"]))
    got = user.runs("open_demo.py", user.ids["demo"], ",".join(map(str, numbers)), str(target))
    if got["status"]["model"] != "ready" or got["status"]["adapter"] != user.ids["adapter"]:
        raise CheckFailed(f"demo: it runs without the released adapter: {got['status']}")
    if not verify(numbers, target, got["solve"]["solution"]).correct:
        raise CheckFailed(f"demo: the solver's answer is wrong: {got['solve']}")
    verdict = verify(numbers, target, got["ask"]["answer"])
    if got["ask"]["correct"] != verdict.correct or got["ask"]["reason"] != verdict.reason:
        raise CheckFailed(f"demo: it judges its model's answer otherwise than the verifier: {got['ask']}")


_CHECKS = {
    "dataset": _check_dataset,
    "aug-gsm8k": partial(_check_dataset, kind="aug-gsm8k"),
    "metric": _check_metric,
    "adapter": _check_adapter,
    "demo": _check_demo,
}
"""Repo kind -> what a user would do with it; the cards' snippets and `_check_files` come on top."""


def _last_line(done: subprocess.CompletedProcess) -> str:
    """The last line of standard error; a doctest says what it expected on standard output."""
    said = done.stderr if done.stderr.strip() else done.stdout
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no message")
