"""Tests of the store: it removes an incomplete last line, and refuses any other damage and changes nothing."""

import subprocess
import sys

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.reply_store import Reply, Store, call_key

REPLY = Reply('an "answer"\nwith \u2028 lines', "stop", 3, None)
KEYS = [call_key("m", {"temperature": 1.0}, [{"role": "user", "content": "q"}], seed) for seed in range(5)]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "store.jsonl"
    with Store(path) as store:
        for key in KEYS:
            store.add(key, REPLY)
    return path


def test_what_goes_in_comes_out(path):
    with Store(path) as store:
        assert [store.get(key) for key in KEYS] == [REPLY] * 5
        assert store.get("0" * 64) is None and len(store) == 5 and not store.repaired


def test_all_that_determines_a_call_is_in_its_key():
    calls = [("m", {"t": 1}, [], 0), ("n", {"t": 1}, [], 0), ("m", {"t": 2}, [], 0), ("m", {"t": 1}, [{}], 0)]
    assert len({call_key(*call) for call in [*calls, ("m", {"t": 1}, [], 1)]}) == 5


def test_a_last_line_cut_anywhere_is_removed_and_the_rest_kept(path):
    content = path.read_bytes()
    whole = content[: content[:-1].rfind(b"\n") + 1]
    for cut in range(len(whole) + 1, len(content)):
        path.write_bytes(content[:cut])
        with Store(path) as store:
            assert store.repaired == cut - len(whole) and len(store) == 4
            store.add(KEYS[4], REPLY)
        assert path.read_bytes() == content


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [*lines[:2], b"garbage\n", *lines[3:]],
        lambda lines: [*lines[:2], lines[2][:50] + b"\n", *lines[3:]],
        lambda lines: [*lines[:2], lines[1], *lines[3:]],
        lambda lines: [*lines[:2], b"\x00" * 80 + b"\n", *lines[3:]],
        lambda lines: [*lines[:2], b'{"key": "x"}\n', *lines[3:]],
        lambda lines: [*lines[:2], lines[2].replace(b'"stop"', b"7"), *lines[3:]],
    ],
)
def test_other_damage_is_one_line_and_nothing_is_changed(path, damage):
    lines = damage(path.read_bytes().splitlines(keepends=True))
    path.write_bytes(b"".join(lines))
    with pytest.raises(InputError, match=r"store.jsonl:3 is not a record of a run") as caught:
        Store(path)
    assert "\n" not in str(caught.value) and path.read_bytes() == b"".join(lines)


def test_two_runs_never_write_at_once(path):
    with Store(path):
        code = "import sys; from arith_puzzle.common.reply_store import Store; from pathlib import Path\n"
        code += "try: Store(Path(sys.argv[1]))\nexcept ValueError as error: print(error)"
        child = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        assert "is in use by another run" in child.stdout
    with Store(path) as store:
        assert len(store) == 5


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot open the store"):
        Store(tmp_path / "file" / "store.jsonl")
