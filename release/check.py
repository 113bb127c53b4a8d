"""Check a release as a new user loads it: new processes, empty caches, and the Hub that it was published to.

The check compares every published file with the staged one. It loads each config and split of the datasets, the
metrics, the adapter and the demo, and it runs every snippet of every card. ``arith_puzzle.release.user`` runs the code.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tqdm import tqdm

from arith_puzzle.common.chat import Chat
from arith_puzzle.dataset_builder.formats import FORMATS
from arith_puzzle.dataset_builder.puzzle import parse_puzzle, symbolic_prompt
from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of, verify
from arith_puzzle.model_cards.snippets import Snippet, snippets
from arith_puzzle.release.diff import DERIVED, HUB_FILES, Stage, is_shared
from arith_puzzle.release.stage import Repo
from arith_puzzle.release.user import CheckFailed, User
from arith_puzzle.release.yank import unmarked_card

SOLVED = "{'ok': 1.0}"
"""The last line that a card's snippet prints if its example is solved."""
ADAPTER_ROWS = 200
"""How many rows the loaded adapter answers again."""


def check(staged: Path, endpoint: str, *, token: str | None = None, shared: bool = False) -> None:
    """Compare what users get with what was staged.

    Args:
        staged: a folder that ``arith_puzzle.release.stage.stage`` wrote.
        endpoint: the address of the Hub where it was published.
        token: for a private release. Processes get it by their environment only.
        shared: other releases may use repos of this one. Then cards and scores in those may be of another release.

    Raises:
        CheckFailed: something differs, or a user could not take a step.
    """
    stage = Stage(staged)
    with ThreadPoolExecutor(1) as aside, User(endpoint, token, warm=False) as other, User(endpoint, token) as user:
        # The app takes seconds to start, so its check begins at once, beside the others, and ends in its own step.
        demo = [aside.submit(_check_demo, stage, other) for repo in stage.repos if repo.kind == "demo"]
        steps: list[tuple[str, Callable]] = [("files", lambda: check_files(stage, user, shared=shared))]
        steps += [(repo.kind, partial(_CHECKS[repo.kind], stage, user)) for repo in stage.repos if repo.kind in _CHECKS]
        steps += [("demo", one.result) for one in demo]
        for repo, folder, name in _cards(stage):
            run = partial(_check_shipped, user) if repo.shipped and repo.role == "adapter" else user.run_snippet
            for snippet in snippets((staged / folder / "README.md").read_text(encoding="utf-8")):
                steps.append((f"{name}:{snippet.line}", partial(run, name, snippet)))
        with tqdm(total=len(steps), desc="check", unit="step") as bar:
            for name, step in steps:
                bar.set_postfix_str(name)
                step()
                bar.update()


def _cards(stage: Stage) -> list[tuple[Repo, str, str]]:
    """(repo, folder of the stage, the card's name in messages). `check_files` compares the cards with the published."""
    return [
        (repo, folder, f"card of {repo.id}" + ("" if branch == "main" else f" at {branch}"))
        for repo in stage.repos
        for branch, folder in stage.branches(repo).items()
        if (stage.root / folder / "README.md").is_file()
    ]


def check_files(stage: Stage, user: User, *, shared: bool = False) -> None:
    """Compare every file of every branch and of the tag by SHA-256. The tag must hold what ``main`` is to hold.

    Args:
        shared: DERIVED files of repos that are SHARED may be of another release.
    """
    wanted = []
    for repo in stage.repos:
        branches = stage.branches(repo)
        wanted += [(repo, name, folder) for name, folder in {**branches, stage.tag: branches["main"]}.items()]
    revisions = [[repo.type, repo.id, revision] for repo, revision, _ in wanted]
    got = user.run_script("download.py", json.dumps(revisions))
    for repo, revision, folder in wanted:
        there, staged = _published(got[f"{repo.type} {repo.id} {revision}"]), _hashes(stage, folder)
        for path in sorted(set(there) - HUB_FILES | set(staged)):
            if shared and is_shared(repo) and DERIVED.fullmatch(path):
                continue
            if path not in there:
                raise CheckFailed(f"{repo.kind}: {path} is not at {repo.id}, {revision}")
            if path not in staged:
                raise CheckFailed(f"{repo.kind}: {path} at {repo.id}, {revision}, was not staged")
            if there[path] != staged[path]:
                raise CheckFailed(f"{repo.kind}: {path} at {repo.id}, {revision}, differs from the staged file")


def _published(download: dict) -> dict[str, str]:
    """{path: SHA-256}. The card counts without the notice that an older version was withdrawn (see yank.py)."""
    card = unmarked_card(download["card"])
    unmarked = {} if card == download["card"] else {"README.md": hashlib.sha256(card.encode()).hexdigest()}
    return download["files"] | unmarked


def _hashes(stage: Stage, folder: str) -> dict[str, str]:
    return {path: upload.upload_info.sha256.hex() for path, upload in stage.files(folder).items()}


def _check_dataset(stage: Stage, user: User, kind: str = "dataset") -> None:
    for config, splits in _splits(json.loads((stage.root / kind / "manifest.json").read_text())).items():
        want = {split: [file["sha256"] for file in files] for split, files in splits.items()}
        sizes = {split: [file["rows"] for file in files] for split, files in splits.items()}
        got = user.run_script("read_dataset.py", stage.ids[kind], config, json.dumps(sizes))
        if got.keys() != want.keys():
            raise CheckFailed(f"{kind}: {config} has the splits {sorted(got)}, the manifest has {sorted(want)}")
        for split, ways in got.items():
            wrong = [way for way, found in ways.items() if found != want[split]]
            if wrong or len(ways) != 4:
                raise CheckFailed(f"{kind}: the rows of {config}/{split} differ from the manifest ({'; '.join(wrong)})")


def _splits(manifest: dict) -> dict[str, dict[str, list[dict]]]:
    """{config: {split: its files in order, each with "rows" and "sha256"}}, of either dataset.

    In the manifest of aug-gsm8k each config has one split, and configs share files.
    """
    if "files" not in manifest:
        return {
            name: {split: item["shards"] for split, item in config["splits"].items()}
            for name, config in manifest["configs"].items()
        }
    files = {item["file"]: item for item in manifest["files"]}
    return {name: {"train": [files[file] for file in config["files"]]} for name, config in manifest["configs"].items()}


def _check_metric(stage: Stage, user: User) -> None:
    got = user.run_script("use_metric.py", stage.ids["metric"])
    if got["measured"]["reasons"] != got["expected"] or got["measured"]["pass@1"] != got["expected"]["ok"]:
        raise CheckFailed(f"metric: known answers gave {got['measured']}, expected {got['expected']}")


def _check_environment(stage: Stage, user: User) -> None:
    got = user.run_script("open_environment.py", stage.ids["environment"])
    if got["seen"] != got["expected"] or not got["rewards"] or min(got["rewards"]) < 1.0:
        raise CheckFailed(f"environment: the oracle's episodes gave {got['rewards']}, and the probe {got['seen']}, "
                          f"expected {got['expected']}")  # fmt: skip
    if not got["served"]:
        tqdm.write("environment: openenv is not installed, so the Space's server was not started; its episodes were "
                   "played in its folder (pip install 'arith-puzzle[openenv]')", file=sys.stderr)  # fmt: skip


def _check_gsm8k_metric(stage: Stage, user: User) -> None:
    got = user.run_script("use_gsm8k_metric.py", stage.ids["gsm8k-metric"])
    if any(got["measured"].get(name) != value for name, value in got["expected"].items()):
        raise CheckFailed(f"gsm8k-metric: known answers gave {got['measured']}, expected {got['expected']}")


def _check_adapter(stage: Stage, user: User) -> None:
    folder = stage.root / "adapter"
    results = json.loads((folder / "results.json").read_text())["adapter"]
    split, decoding = next(iter(results["splits"])), results["decoding"]
    lines = (folder / "generations" / f"adapter-{split}.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines[:ADAPTER_ROWS]]
    form = FORMATS[decoding["format"]]
    questions = [form.question(record) for record in records]
    if decoding.get("chat"):
        questions = [Chat(decoding.get("system")).messages(question) for question in questions]
    with tempfile.TemporaryDirectory(prefix="questions-") as folder:
        asked = Path(folder) / "questions.json"
        asked.write_text(json.dumps({"questions": questions, "kwargs": decoding.get("chat_template_kwargs", {})}))
        got = user.run_script(
            "run_adapter.py", stage.ids["adapter"], asked, decoding["batch_size"], decoding["max_new_tokens"]
        )
    if got["adapter"][: len(got["base"])] == got["base"]:
        raise CheckFailed("adapter: it gives the same answers as the base, so it does nothing")
    published = sum(verify(r["numbers"], r["target"], r["response"], **rules_of(r)).correct for r in records)
    pairs = zip(records, got["adapter"], strict=True)
    loaded = sum(verify(r["numbers"], r["target"], form.strict(text), **rules_of(r)).correct for r, text in pairs)
    if loaded != published:
        raise CheckFailed(
            f"adapter: loaded from the Hub it solves {loaded} of the first {len(records)} rows of {split}; "
            f"when it was scored it solved {published}"
        )


def _check_shipped(user: User, name: str, snippet: Snippet) -> None:
    """Run the snippet of the card of an adapter of the package, which prints the verdict on its own example."""
    said = user.run_snippet(name, snippet).splitlines()
    if said[-1:] != [SOLVED]:
        raise CheckFailed(f"{name}, line {snippet.line}: the adapter does not solve the card's example: {said[-1:]}")


def _check_demo(stage: Stage, user: User) -> None:
    with next((stage.root / "adapter" / "generations").glob("adapter-*.jsonl")).open() as file:
        row = json.loads(file.readline())
    numbers, target = parse_puzzle(symbolic_prompt(row["numbers"], row["target"]))
    got = user.run_script("open_demo.py", stage.ids["demo"], ",".join(map(str, numbers)), str(target))
    adapters = [repo.id for repo in stage.repos if repo.role == "adapter"]
    states = {each["adapter"]: each["model"] for each in got["status"]["models"]}
    if states != dict.fromkeys(adapters, "ready"):
        raise CheckFailed(f"demo: it does not run the released adapters: {got['status']}")
    if not verify(numbers, target, got["solve"]["solution"], **rules_of(row)).correct:
        raise CheckFailed(f"demo: the solver's answer is wrong: {got['solve']}")
    for adapter in adapters:
        asked = got["ask"][adapter]
        verdict = verify(numbers, target, asked["answer"], **rules_of(row))
        if asked["adapter"] != adapter or (asked["correct"], asked["reason"]) != (verdict.correct, verdict.reason):
            raise CheckFailed(f"demo: its verdict on its model's answer differs from the verifier's: {asked}")


_CHECKS = {
    "dataset": _check_dataset,
    "aug-gsm8k": partial(_check_dataset, kind="aug-gsm8k"),
    "metric": _check_metric,
    "environment": _check_environment,
    "gsm8k-metric": _check_gsm8k_metric,
    "adapter": _check_adapter,
}
"""Repo kind -> the check that uses it as a user does."""
