"""The served Space: OpenEnv's own validation, its oracle, many sessions, a restart, and TRL that trains against it."""

import contextlib
import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from arith_puzzle.common.files import PACKAGE
from arith_puzzle.common.processes import child
from tests.environments.conftest import SPACE, Served, playable, verdicts, wait_until_healthy, write_rows
from tests.evaluation.answers import answers
from tests.paths import ROOT

HERE = Path(__file__).parent
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}


def run(*command, **options):
    """What a command prints."""
    options = {"env": {**os.environ, **OFFLINE}, "timeout": 900} | options
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_the_manifest_and_the_files_of_the_space():
    folder = SPACE
    manifest = yaml.safe_load((folder / "openenv.yaml").read_text())
    validation = manifest["validation"]
    assert manifest["app"] == "server.app:app" and validation["reward"]["range"] == [0.0, 1.0]
    for path in (validation["capabilities"]["oracle"]["location"], validation["execution"]["probe_path"],
                 validation["execution"]["dockerfile"], "server/app.py", "models.py", "client.py"):  # fmt: skip
        assert (folder / path).is_file(), path
    pins = dict(line.split("==") for line in (folder / "requirements.txt").read_text().split())
    locked = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split() if "==" in line)
    ours = {name.lower(): pin for name, pin in locked.items()}
    assert {name: pin for name, pin in pins.items() if name != "openenv"} == {
        name: ours[name] for name in pins if name != "openenv"
    }


@pytest.mark.slow
def test_openenv_validates_it(openenv, space, served):
    """Static, then the runtime and semantic levels: by address, and by the graders that need no container."""
    command = openenv.parent / "openenv"
    assert "Verdict: PASS" in run(command, "validate", space, "--level", "static")
    assert "Verdict: PASS" in run(command, "validate", "--url", served.url)
    for level in ("runtime", "semantic"):
        said = run(command, "validate", space, "--level", level, "--skip-build")
        assert "FAIL" not in said and "ERROR" not in said
    report = json.loads(run(openenv, HERE / "validate_runtime.py", space, served.url))
    checks = {name: status for name, (status, *_) in report["checks"].items()}
    passed = {"static.manifest", "runtime.startup", "runtime.observation_schema", "runtime.reward_well_formed",
              "runtime.state_contract"}  # fmt: skip
    assert {name for name, status in checks.items() if status == "pass"} == passed
    assert set(checks.values()) == {"pass", "skip"} and report["verdict"] == "warn"


@pytest.mark.slow
def test_the_oracle_solves_and_bad_input_is_one_line(openenv, space, served):
    assert run(openenv, "oracle.py", served.url, cwd=space).split() == ["1.0"] * 10
    code = f"""
from arith_puzzle.environments.openenv import ArithPuzzleEnv
with ArithPuzzleEnv(base_url={served.url!r}).sync() as env:
    first, again = (env.reset(config="1m", split="test", seed=5).observation for _ in range(2))
    assert first == again and first.message.startswith("Reach the target")
    for bad in ({{"config": "nope"}}, {{"split": "nope"}}, {{"seed": -1}}, {{"numbers": [1], "target": 1}},
                {{"what": 1}}, {{"config": "/etc/hostname.yaml"}}):
        try:
            env.reset(**bad)
        except RuntimeError as error:
            assert "\\n" not in str(error), error
        else:
            raise AssertionError(bad)
    after = env.undo()  # the episode is still there
    assert (after.observation.seed, after.observation.message) == (5, "There is no move to undo.")
    end = env.answer("1+1=3")
    assert (end.reward, end.done, end.observation.reason) == (0.0, True, "wrong_equation_count")
    assert env.answer("1+1=3").observation.message == "The episode is over. Reset to begin another."
with ArithPuzzleEnv(base_url={served.url!r}).sync() as env:
    assert env.undo().observation.message == "There is no episode. Reset first."
"""
    run(openenv, "-c", code)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openenv", "verifiers"])
def test_the_page_shows_what_a_user_types_and_sees(name, request, tmp_path):
    """Each block in the fresh environment; every line that the page shows is printed."""
    python = request.getfixturevalue(name)
    found = re.findall(r"^```(.*)\n((?:.*\n)*?)```$", (ROOT / "docs" / "environments.md").read_text(), re.MULTILINE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    with contextlib.ExitStack() as stack:
        for at, (info, content) in enumerate(found):
            content = content.replace("8000", port)
            if info == f"bash serve {name}":
                stack.enter_context(child(["bash", "-c", f"exec {content}"], cwd=tmp_path, env=environment))
                wait_until_healthy(f"http://127.0.0.1:{port}")
            elif info in (f"bash in {name}", f"python in {name}"):
                program = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [python, "-c"]}[info.split()[0]]
                said = run(*program, content, cwd=tmp_path, env=environment)
                printed = {line.strip() for line in said.splitlines()}
                assert found[at + 1][0] == "text"
                shown = [re.sub(r"\d\.\d\ds", "0.00s", line.strip()) for line in found[at + 1][1].splitlines()]
                assert set(shown) <= {re.sub(r"\d\.\d\ds", "0.00s", line) for line in printed}, said


@pytest.mark.slow
def test_its_verdicts_are_those_of_verify(openenv, served, tmp_path):
    rows = playable(answers())
    write_rows(tmp_path / "answers.jsonl", rows)
    said = run(openenv, HERE / "judge_answers.py", tmp_path / "answers.jsonl", served.url)
    assert len(rows) > 600 and json.loads(said) == verdicts(rows)


@pytest.mark.slow
def test_sessions_are_not_mixed_up(openenv, served):
    assert run(openenv, HERE / "many_sessions.py", served.url).split() == ["64.0"]


@pytest.mark.slow
def test_the_release_check_serves_what_is_on_the_hub(openenv, space, hub, api, tmp_path):
    api.create_repo("local/arith-puzzle-env", repo_type="space", space_sdk="docker")
    api.upload_folder(repo_id="local/arith-puzzle-env", repo_type="space", folder_path=space)
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "home")}
    script = PACKAGE / "release" / "as_user" / "open_environment.py"
    said = json.loads(run(openenv, script, "local/arith-puzzle-env", cwd=tmp_path, env=environment).splitlines()[-1])
    assert said["served"] and said["seen"] == said["expected"] and said["rewards"] == [1.0] * 10


@pytest.mark.slow
def test_a_server_that_restarts_loses_nothing(openenv, space):
    """The class for TRL plays the episode again in the new session. A server that stays away is one line."""
    server = Served(openenv, space)
    code = """
import sys
from arith_puzzle.common.errors import InputError
from arith_puzzle.environments.trl import ArithPuzzle
env = ArithPuzzle(sys.argv[1], patience=60)
env.reset(numbers=[3, 6, 7, 51, 58], target=4)
env.combine("58", "-", "51"), env.combine("9", "+", "9")
print(flush=True), input()
assert env.combine("6", "-", "7") == "6-7=-1. Board: -1 3 7. Target: 4.", env.combine("6", "-", "7")
env.combine("3", "*", "-1")
assert env.combine("-3", "+", "7").endswith("Solved.") and env.get_reward() == 1.0
print(flush=True), input()
env._patience = 0.5
try:
    env.reset(config="starter")
except InputError as error:
    print(str(error).count("\\n"), error, flush=True)
"""
    try:
        with subprocess.Popen([openenv, "-c", code, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as player:  # fmt: skip
            assert player.stdout.readline() == "\n"
            server.stop()
            player.stdin.write("\n")
            player.stdin.flush()
            server.start()
            assert player.stdout.readline() == "\n"
            server.stop()
            said, _ = player.communicate("\n", timeout=600)
    finally:
        server.stop()
    assert said.startswith(f"0 the environment at {server.url} does not answer: ") and player.returncode == 0


@pytest.mark.slow
def test_grpo_trains_against_it(openenv, served, tmp_path):
    said = run(openenv, HERE / "grpo.py", ROOT / "training/bases/arith-tiny", served.url, tmp_path)
    result = json.loads(said.splitlines()[-1])
    steps = [entry for entry in result["log"] if "reward" in entry]
    assert len(steps) == 3 and all(entry["tools/call_frequency"] > 0 for entry in steps)
    assert all(entry["tools/failure_frequency"] == 0 for entry in steps)
    assert max(entry["rewards/ArithPuzzle/mean"] for entry in steps) > 0 and result["moved"] > 30
