"""SIGKILL at random moments, several times: the resumed run ends with the bytes of a run without interruptions."""

import json
import multiprocessing
import os
import random
import signal
import time

import pytest

from tests.commands import command
from tests.paths import ROOT

main = command("score")


@pytest.fixture(scope="module")
def start():
    """A function that starts the command in a new process, forked from one that has imported the libraries."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["arith_puzzle.evaluation.score", "arith_puzzle.evaluation.backends", "datasets", "evaluate"]
    )

    def begin(arguments):
        child = context.Process(target=main, args=(arguments,))
        child.start()
        return child

    return begin


def arguments(starter, out, rows):
    return [
        "--model", str(ROOT / "training" / "bases" / "arith-tiny"), "--dataset", str(starter[0]), "--limit", str(rows),
        "--split", "test", "--split", "validation", "--samples", "2", "--batch-size", "16", "--max-new-tokens", "16",
        "--out", str(out),
    ]  # fmt: skip


def killed_and_repeated(start, starter, folder, *, rows, kills, seed):
    """Return (folder of an uninterrupted run, folder of a killed and resumed run, number of kills that struck)."""
    whole, broken = folder / "whole", folder / "broken"
    child = start(arguments(starter, whole, rows))
    child.join()
    moments, struck = random.Random(seed), 0
    marks = sorted(moments.sample(range(2 * rows), kills))  # numbers of written lines, over both splits
    for mark in marks:
        child = start(arguments(starter, broken, rows))
        while child.is_alive() and sum(p.read_bytes().count(b"\n") for p in broken.glob("gen*")) < mark:
            time.sleep(0.002)
        time.sleep(moments.random() * 0.03)
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        struck += child.exitcode == -signal.SIGKILL
    if struck:
        assert not (broken / "results.json").exists()
    start(arguments(starter, broken, rows)).join()
    return whole, broken, struck


def compare(whole, broken):
    for split in ("test", "validation"):
        name = f"generations-{split}.jsonl"
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    one, two = (json.loads((folder / "results.json").read_text()) for folder in (whole, broken))
    for split, item in one["splits"].items():
        same = {key: value for key, value in item.items() if "second" not in key}
        assert same == {key: two["splits"][split][key] for key in same}


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_same_bytes(start, starter, tmp_path):
    whole, broken, struck = killed_and_repeated(start, starter, tmp_path, rows=200, kills=3, seed=0)
    assert struck == 3, "it ended before it could be killed"
    compare(whole, broken)


@pytest.mark.slow
def test_killed_twenty_times_it_ends_with_the_same_bytes(start, starter, tmp_path):
    whole, broken, struck = killed_and_repeated(start, starter, tmp_path, rows=1000, kills=20, seed=1)
    assert struck >= 18
    compare(whole, broken)
