"""Files: a JSON file is written completely or not at all, and one process at a time holds the lock of a folder."""

import json
import select
import subprocess
import sys

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import LockedJson, locked, write_json


def test_a_file_is_written_completely_or_not_at_all(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": tmp_path.name})
    assert list(json.loads((tmp_path / "a.json").read_text())) == ["a", "b"]
    (tmp_path / "full.json").mkdir()
    with pytest.raises(OSError):
        write_json(tmp_path / "full.json", {})
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "full.json"}, "no partial file is left"


def test_a_locked_file_keeps_its_content_and_refuses_a_second_process(tmp_path):
    path = tmp_path / "new" / "folder" / "run.json"
    with LockedJson(path, "training in") as lock:
        assert lock.content is None
        lock.write({"a": 1, "long": "x" * 100})
        lock.write({"a": 2})
        with pytest.raises(InputError, match=rf"another process is training in {path.parent}; wait for it"):
            LockedJson(path, "training in")
    with LockedJson(path, "training in") as lock:
        assert lock.content == {"a": 2}


def test_a_half_written_file_has_no_content(tmp_path):
    (tmp_path / "run.json").write_text('{"a": ')
    with LockedJson(tmp_path / "run.json", "training in") as lock:
        assert lock.content is None


def test_a_folder_that_cannot_be_created_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to .*; choose another folder"):
        LockedJson(tmp_path / "file" / "run.json", "training in")


HOLDER = """
import sys
from pathlib import Path
from arith_puzzle.common.files import locked
with locked(Path(sys.argv[1]), "working in", wait=True):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_leaves_no_lock_and_one_that_waits_gets_it(tmp_path):
    folder = tmp_path / "folder"

    def start():
        return subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    with start() as first:
        assert first.stdout.readline() == "held\n"
        with (
            pytest.raises(InputError, match=rf"another process is working in {folder}; wait for it, or choose another"),
            locked(folder, "working in"),
        ):
            pass
        with start() as second, start() as third:
            for waiting in (second, third):
                assert waiting.stderr.readline() == f"another process is working in {folder}; waiting for it\n"
            first.kill()
            held, waiting = second, third
            if select.select([second.stdout, third.stdout], [], [])[0] == [third.stdout]:
                held, waiting = third, second
            assert held.stdout.readline() == "held\n"
            held.stdin.close()  # it ends, and removes the file on which the other one waits
            assert waiting.stdout.readline() == "held\n"
            waiting.kill()
    with locked(folder, "working in"):
        pass
    assert not list(folder.iterdir())
