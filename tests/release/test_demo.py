"""The shell lines that `arith-puzzle demo` prints can be pasted, whatever the paths contain."""

import os
import shutil
import subprocess
import sys

import pytest

from arith_puzzle.release import demo
from tests.commands import command

IDS = {"dataset": "local/arith-puzzle", "metric": "local/arith_puzzle_verifier", "adapter": "local/x-lora"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_printed_lines_are_run_by_a_shell_as_they_are(tmp_path, monkeypatch):
    """The interpreter lies in a folder with a space, quotes and an umlaut, and only says what it would run."""
    python = tmp_path / 'it\'s a "föl der"' / "python"
    python.parent.mkdir()
    python.write_text(f"#!{sys.executable}\nimport os, sys\ncompile(sys.argv[2], 'code', 'exec')\n"
                      "print(os.environ['HF_ENDPOINT'], sys.argv[1], sys.argv[2])\n", encoding="utf-8")  # fmt: skip
    python.chmod(0o755)
    monkeypatch.setattr(demo.sys, "executable", str(python))
    text = demo.welcome("http://127.0.0.1:7861", 7860, IDS)
    script = "".join(f"{line}\n" for line in text.splitlines() if line.startswith("  ") and "http://127" not in line)
    export = next(line for line in text.splitlines() if line.startswith("  export "))
    done = subprocess.run(["bash", "-euc", f"{export}\n{script}"], cwd="/", env=dict(os.environ), capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(IDS) and all(line.startswith("http://127.0.0.1:7861 -c ") for line in lines)
    assert all(name in line for name, line in zip(IDS.values(), lines, strict=True))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "a/b", "--adapter", "c/d"], "--model is a whole model, and --adapter names its base itself"),
        (["--model", "no such folder"], "the model 'no such folder' is neither a folder nor the id of a Hub repo"),
        (
            ["--adapter", "/no/such/folder"],
            "the adapter '/no/such/folder' is neither a folder nor the id of a Hub repo",
        ),
    ],
)
def test_a_model_that_cannot_be_one_is_refused_before_the_page_starts(words, said, capsys):
    assert command("demo")(words) == 2
    assert capsys.readouterr().err.startswith(f"arith-puzzle demo: {said}")


def test_the_page_counts_relative_paths_from_the_users_folder(tmp_path, monkeypatch):
    """An adapter_config.json may name its base so."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("import pathlib\npathlib.Path('here').touch()\n")
    monkeypatch.chdir(tmp_path)
    assert demo._run(tmp_path / "app", dict(os.environ), demo.Path()) == 0
    assert (tmp_path / "here").exists()
