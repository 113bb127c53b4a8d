"""A publish that is interrupted at any point and then repeated gives the same Hub as an undisturbed one.

The publisher is the console command in a process of its own, and the Hub is a thread of the test. After each
interruption the test compares what the public sees with complete releases.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time

import pytest
from huggingface_hub import HfApi, constants

from arith_puzzle.local_hub import Fault, running
from arith_puzzle.release.publish import publish
from tests.local_hub.hub_client import assert_sound
from tests.release.staging import RECIPE, assert_nothing_half, commits, hub_state, write_stage

pytestmark = pytest.mark.usefixtures("no_xet")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two staged versions, a Hub with none and one with the first, and the states after undisturbed publishing."""
    root = tmp_path_factory.mktemp("world")
    world = {"root": root, "requests": {}, "whole": {}, "commits": {}, "works": {}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        (root / "hub-none").mkdir()
        for version, before, after in (("0.1.0", "hub-none", "hub-first"), ("0.2.0", "hub-first", "hub-second")):
            world["works"][version] = root / version
            stage = write_stage(root / version / "stage", version)
            shutil.copytree(root / before, root / after)
            with running(root / after) as hub:
                api = HfApi(endpoint=hub.endpoint, token=hub.token)
                publish(stage, api)
                world["requests"][version] = hub.faults.count()
                world["whole"][version], world["commits"][version] = hub_state(api, stage), commits(api, stage)
    return world


def start(hub, work) -> subprocess.Popen:
    """Start `arith-puzzle publish --to hub` with the local Hub as the Hub."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1",
                    "HF_HOME": str(work / "hf-home"), "HF_HUB_DISABLE_TELEMETRY": "1"}  # fmt: skip
    command = [sys.executable, "-m", "arith_puzzle.cli", "publish", RECIPE, "--to", "hub", "--work", str(work)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def killed_and_repeated(world, version: str, chance: random.Random, folder) -> str:
    """Kill a publish at a random moment, and repeat it. Returns a text that says when it was killed."""
    shutil.copytree(world["root"] / ("hub-none" if version == "0.1.0" else "hub-first"), folder)
    work, whole = world["works"][version], world["whole"][version]
    earlier = [world["whole"]["0.1.0"]] if version == "0.2.0" else []
    with running(folder) as hub:
        n, cut = chance.randrange(world["requests"][version]), chance.random() < 0.5
        # Killed at its n-th request: while the Hub carries it out, or after a part of the request has been sent.
        hold = hub.faults.add(Fault(cut="request", skip=n) if cut else Fault(hang=0.3, skip=n))
        process = start(hub, work)
        while not hold.fired and process.poll() is None:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.wait()
    # The Hub has finished the request when it stops.
    with running(folder) as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        seen = hub_state(HfApi(endpoint=hub.endpoint, token=False), work / "stage")
        assert_nothing_half(seen, whole, *earlier)
        repeated = start(hub, work)
        said, _ = repeated.communicate(timeout=600)
        assert repeated.returncode == 0, said
        assert hub_state(api, work / "stage") == whole
        assert commits(api, work / "stage") == world["commits"][version]
        public = hub_state(HfApi(endpoint=hub.endpoint, token=False), work / "stage")
        assert public == whole
    assert_sound(folder)
    shutil.rmtree(folder)
    return f"{version}, request {n}, {'cut' if cut else 'held'}: the public saw {sorted(seen) or 'nothing'}"


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(5))
def test_killed_anywhere_and_repeated(world, tmp_path, turn):
    print(killed_and_repeated(world, ("0.1.0", "0.2.0")[turn % 2], random.Random(turn), tmp_path / "hub"))


@pytest.mark.slow
def test_killed_thirty_times_and_repeated(world, tmp_path):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for turn in range(30):
        print(killed_and_repeated(world, ("0.1.0", "0.2.0")[turn % 2], chance, tmp_path / f"hub-{turn}"), flush=True)


@pytest.mark.slow
def test_killed_again_and_again_before_it_is_through(world, tmp_path):
    """On one Hub: each kill comes later than the one before, without a complete run between them."""
    work, whole = world["works"]["0.1.0"], world["whole"]["0.1.0"]
    with running(tmp_path / "hub") as hub:
        kills = 0
        for n in range(4, world["requests"]["0.1.0"], 16):
            hold = hub.faults.add(Fault(cut="request", skip=n))
            process = start(hub, work)
            while not hold.fired and process.poll() is None:
                time.sleep(0.002)
            kills += process.poll() is None
            process.kill()
            process.wait()
            hub.faults.clear()
            assert_nothing_half(hub_state(HfApi(endpoint=hub.endpoint, token=False), work / "stage"), whole)
        assert kills > 3
        assert start(hub, work).wait(600) == 0
        assert hub_state(HfApi(endpoint=hub.endpoint, token=hub.token), work / "stage") == whole
        assert commits(HfApi(endpoint=hub.endpoint, token=hub.token), work / "stage") == world["commits"]["0.1.0"]


# ---- the Hub is busy, or its answers are lost: the command succeeds by itself ----

FAULTS = {
    "503": {"status": 503},
    "429": {"status": 429, "retry_after": 7},
    "request lost": {"cut": "request"},
    "answer lost": {"cut": "answer"},
}


def faulty(world, version: str, folder, faults: list[Fault], monkeypatch) -> list[float]:
    """Publish with these faults. Returns the seconds of each wait."""
    waits = []
    monkeypatch.setattr("arith_puzzle.release.hub.time.sleep", waits.append)
    shutil.copytree(world["root"] / ("hub-none" if version == "0.1.0" else "hub-first"), folder)
    stage = world["works"][version] / "stage"
    with running(folder, faults=faults) as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        publish(stage, api)
        struck = sum(fault.fired for fault in faults)
        hub.faults.clear()
        assert struck
        assert hub_state(api, stage) == world["whole"][version]
        assert commits(api, stage) == world["commits"][version]
    shutil.rmtree(folder)
    return waits


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/whoami-v2"), ("POST", "/api/repos/create"), ("POST", "/branch/script"), ("POST", "/preupload/"),
        ("POST", "/objects/batch"), ("PUT", "/lfs-upload/"), ("POST", "/commit/main"), ("PUT", "/settings"),
        ("POST", "/tag/"), ("POST", "/api/collections$"), ("POST", "/api/collections/.*/items"),
        ("PATCH", "/api/collections/"), ("GET", "/tree/"),
    ],
    ids=lambda value: value,
)  # fmt: skip
def test_each_kind_of_request_may_fail(world, tmp_path, monkeypatch, capfd, method, path):
    """In one release it fails in four ways. Each wait is one line."""
    faults = [Fault(method=method, path=path, skip=2 * n, times=1, **how) for n, how in enumerate(FAULTS.values())]
    faults = [fault for fault in faults if method != "PATCH" or fault.skip == 0]
    waits = faulty(world, "0.1.0", tmp_path / "hub", faults, monkeypatch)
    assert len(waits) == sum(fault.fired for fault in faults)
    lines = [line for line in capfd.readouterr().err.splitlines() if "next try in" in line]
    assert len(lines) == len(waits) and all(f"{method} /" in line for line in lines)
    assert not any("signature" in line or "hf_" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
def test_every_single_request_may_fail(world, tmp_path, monkeypatch, version):
    for n in range(world["requests"][version]):
        how = list(FAULTS.values())[n % len(FAULTS)]
        faulty(world, version, tmp_path / f"hub-{n}", [Fault(skip=n, **how)], monkeypatch)


def test_retry_after_is_heeded(world, tmp_path, monkeypatch):
    faults = [Fault(status=429, path="/commit/", retry_after=37), Fault(status=503, path="/tag/")]
    assert faulty(world, "0.1.0", tmp_path / "hub", faults, monkeypatch) == [37, 2]


def test_a_step_that_never_succeeds_ends_in_one_line(world, tmp_path, monkeypatch):
    from arith_puzzle.common.errors import InputError

    waits = []
    monkeypatch.setattr("arith_puzzle.release.hub.time.sleep", waits.append)
    stage = world["works"]["0.1.0"] / "stage"
    with running(tmp_path / "hub", faults=[Fault(status=502, path="/commit/", times=None)]) as hub:
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        with pytest.raises(InputError, match="status 502, bad gateway; gave up after 8 tries and 123 s") as caught:
            publish(stage, api)
        assert waits == [1, 2, 4, 8, 16, 32, 60] and "\n" not in str(caught.value)
        assert hub_state(HfApi(endpoint=hub.endpoint, token=False), stage) == {}
        hub.faults.clear()
        publish(stage, api)
        assert hub_state(api, stage) == world["whole"]["0.1.0"]
