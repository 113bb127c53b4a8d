"""Files: a JSON file is written completely or not at all, and one process at a time holds the lock of a folder."""

import json

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import LockedJson, write_json


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
    with pytest.raises(InputError, match=r"cannot write to .*; give another --out"):
        LockedJson(tmp_path / "file" / "run.json", "training in")
