"""Bad input to any command: one line that says what to do, and exit status 2. `--help` has the pipeline's order."""

import json
import shutil
import subprocess
import sys

import pytest

from arith_puzzle.cli import main
from arith_puzzle.dataset_builder import configs, manifest
from arith_puzzle.dataset_builder.configs import Config, SplitSpec
from tests.paths import ROOT

ORDER = ["build", "train", "score", "report", "stage", "publish", "check", "release", "solve", "verify", "study", "hub"]


def test_help_lists_the_commands_in_their_order(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    places = [text.index(f"\n  {name} ") for name in ORDER]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "--config", "nope", "--out", "{tmp}/x"],
        ["build", "--seed", "-1", "--out", "{tmp}/x"],
        ["build", "--out", "{tmp}/file/below"],
        ["build", "--out", "{tmp}/" + 300 * "x"],
        ["build", "--out", "{tmp}/\udcc3"],
        ["report", "{tmp}/results.json", "--out", "{tmp}/theirs"],
        ["augment", "rules", "--source", "{tmp}/gsm8k.jsonl", "--out", "{tmp}/theirs"],
        ["augment", "rules", "--source", "{tmp}/gsm8k.jsonl", "--out", "{tmp}/file"],
        ["augment", "rules", "--source", "{tmp}/surrogate.jsonl", "--out", "{tmp}/x"],
        ["build", "--paths", "0", "--out", "{tmp}/x"],
        ["build", "--config", "stress", "--paths", "2", "--out", "{tmp}/x"],
        ["solve", "3,4"],
        ["solve", "1,2,3,4,5,6,7,8,9:10", "--all"],
        ["solve", "3,4:7", "--limit", "0"],
        ["verify", "{tmp}/absent.jsonl"],
        ["verify", "{tmp}/empty.jsonl"],
        ["verify", "{tmp}/answers.jsonl", "--out", "{tmp}/file/below.jsonl"],
        ["train", "{tmp}/absent.yaml"],
        ["train", "{tmp}/bad.yaml"],
        ["train", "training/recipes/tiny_cpu.yaml", "--accelerate-config", "{tmp}/absent.yaml"],
        ["score", "--out", "{tmp}/s"],
        ["stage", "training/recipes/tiny_cpu.yaml", "--to", "local", "--work", "{tmp}/w"],
        ["publish", "training/recipes/tiny_cpu.yaml", "--to", "local", "--work", "{tmp}/w"],
        ["check", "training/recipes/tiny_cpu.yaml", "--to", "local", "--work", "{tmp}/w"],
        ["release", "training/recipes/tiny_base.yaml", "--to", "local", "--work", "{tmp}/w"],
        ["release", "{tmp}/bad.yaml", "--to", "local"],
        ["demo", "--port", "0"],
        ["demo", "--release", "{tmp}/w"],
    ],
    ids=lambda arguments: ascii(" ".join(arguments))[:80],
)
def test_bad_input_is_one_line_and_status_2(arguments, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "bad.yaml").write_text("nmae: x\n")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "report.json").write_text('{"mine": 1}')
    shutil.copy(ROOT / "results" / "paper_direct_cpu" / "results.json", tmp_path)
    for name, letter in (("gsm8k", "An"), ("surrogate", "\ud800n")):
        problem = {"question": f"{letter} has 2 eggs and 3 hens. Sum?", "answer": "2+3=<<2+3=5>>5\n#### 5"}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(problem) + "\n")
    row = {"numbers": [2, 3], "target": 5, "response": "2+3=5"}
    (tmp_path / "answers.jsonl").write_text(json.dumps(row) + "\n")
    assert main([part.format(tmp=tmp_path) for part in arguments]) == 2
    captured = capfd.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith(f"arith-puzzle {arguments[0]}: ") and len(lines[0]) > 40
    assert (tmp_path / "theirs" / "report.json").read_text() == '{"mine": 1}' and not (tmp_path / "x").exists()


@pytest.mark.parametrize("arguments", [[], ["fly"], ["build", "--nope"], ["release", "x.yaml"], ["solve"]])
def test_wrong_usage_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err


def test_a_taken_port_is_one_line(tmp_path, capfd):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["demo", "--port", str(port)]) == 2
        assert main(["hub", "--root", str(tmp_path / "hub"), "--port", str(port)]) == 2
    assert "give another --port" in capfd.readouterr().err


def test_solve_prints_solutions_or_says_there_is_none(capsys):
    from arith_puzzle.metrics.arith_puzzle_verifier.verify import verify

    assert main(["solve", "3,6,7,51,58:4", "--limit", "5"]) == 0
    found = capsys.readouterr().out.rstrip("\n").split("\n\n")
    assert len(found) == len(set(found)) == 5
    assert all(verify([3, 6, 7, 51, 58], 4, text).correct for text in found)
    assert main(["solve", "2,3:6", "--all"]) == 0
    assert capsys.readouterr().out == "3*2=6\n"
    assert main(["solve", "1,2,3,4,5,6,7,8,9,10:11"]) == 0
    assert verify(list(range(1, 11)), 11, capsys.readouterr().out.rstrip("\n")).correct
    assert main(["solve", "1,1:5"]) == 1
    assert "no solution" in capsys.readouterr().out


def test_verify_prints_the_metric_and_writes_verdicts(tmp_path, capsys):
    rows = [
        {"numbers": [2, 3], "target": 5, "response": "2+3=5"},
        {"numbers": [2, 3], "target": 5, "response": "2+3=6"},
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join([json.dumps(rows[0]), "{broken", json.dumps(rows[1])]) + "\n")
    assert main(["verify", str(file)]) == 2
    captured = capsys.readouterr()
    assert "pass@1" in captured.out and "0.5000" in captured.out and "wrong_result" in captured.out
    assert f"{file}:2: not JSON" in captured.err
    verdicts = [json.loads(line) for line in (tmp_path / "answers.jsonl.verdicts.jsonl").read_text().splitlines()]
    assert [(v["row"], v["correct"], v["reason"], v["line"]) for v in verdicts] == [
        (1, True, "ok", None), (3, False, "wrong_result", 1)
    ]  # fmt: skip
    file.write_text(json.dumps(rows[0]) + "\n")
    assert main(["verify", str(file)]) == 0


WITHOUT_EXTRAS = """
import sys
EXTRAS = set("accelerate datasets datatrove evaluate fastapi fsspec gradio markdown_it math_verify matplotlib openai "
             "peft pygit2 ray sentencepiece starlette tokenizers torch trackio transformers trl uvicorn".split())
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from arith_puzzle.cli import main
from arith_puzzle.dataset_builder import configs, manifest
from arith_puzzle.dataset_builder.configs import Config, SplitSpec
sys.exit(main(sys.argv[1:]))
"""


def test_build_needs_no_extra(starter, tmp_path):
    """The core's dependencies are enough. (The shards exist already, so only manifest and card are written.)"""
    folder = shutil.copytree(starter[0], tmp_path / "arith-puzzle")
    card = (folder / "README.md").read_text()
    (folder / "README.md").unlink()
    command = [sys.executable, "-c", WITHOUT_EXTRAS, "build", "--config", "starter", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "README.md").read_text() == card


def test_another_config_becomes_the_default_when_it_is_told(tmp_path, monkeypatch):
    """The first-built config is what load_dataset takes, until --default says otherwise; the rows stay as they are."""
    from datasets import load_dataset_builder

    tiny = {name: Config(name, {"test": SplitSpec(20, (3,), labels=False)}) for name in ("starter", "stress")}
    for module in (configs, manifest):
        monkeypatch.setattr(module, "CONFIGS", tiny)
    out = tmp_path / "puzzles"

    def default(*words):
        assert main(["build", "--config", *words, "--out", str(out)]) == 0
        return load_dataset_builder(str(out)).config.name

    assert default("starter") == "starter"
    assert default("stress") == "starter"
    before = {path: path.read_bytes() for path in out.rglob("*.parquet")}
    assert default("stress", "--default") == "stress"
    assert default("starter") == "stress", "a build without the option changes nothing"
    assert {path: path.read_bytes() for path in out.rglob("*.parquet")} == before
    assert main(["build", "--config", "stress", "--default", "--executor", "slurm", "--partition", "p"]) == 2


def test_a_puzzle_that_begins_with_a_minus_and_a_reader_that_leaves(capsys):
    assert main(["solve", "--", "-3,8:5"]) == 0
    assert capsys.readouterr().out == "8+-3=5\n"
    command = [sys.executable, "-m", "arith_puzzle.cli", "solve", "1,2,3,4,5,6,7:30", "--all", "--limit", "20000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "" and process.wait() == 141


@pytest.mark.parametrize(("place", "status", "said"), [(">&-", 0, ""), (">/dev/full", 2, "No space left on device")])
def test_output_that_is_closed_or_full(place, status, said):
    command = f"exec {sys.executable} -m arith_puzzle.cli solve 2,3:5 {place}"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True)
    assert done.returncode == status and said in done.stderr and done.stderr.count("\n") == bool(said)
