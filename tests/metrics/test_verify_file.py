"""Tests of verify_file: a verdict per response, an error line per broken row, and the command."""

import json
import os
import stat
import tracemalloc

import pytest

from arith_puzzle.cli import main
from arith_puzzle.common.errors import InputError
from arith_puzzle.metrics.arith_puzzle_verifier.aggregate import aggregate
from arith_puzzle.metrics.arith_puzzle_verifier.verify import REASONS, verify
from arith_puzzle.metrics.verify_file import table, verify_file

PAPER = {"numbers": [3, 6, 7, 51, 58], "target": 4, "response": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"}
WRONG = {"numbers": [2, 3], "target": 5, "response": "2+3=6"}
LOOSE = {"numbers": [2, 3], "target": 5, "response": "2 + 3 = 5"}


def judge(tmp_path, content: bytes, **options):
    """(metric, error lines without the file's name, verdicts)."""
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(content)
    measured, broken = verify_file(path, out, **options)
    assert not list(tmp_path.glob(".*.tmp"))
    for line in broken:
        assert line.startswith(f"{path}:") and "\n" not in line and len(line) < len(str(path)) + 200
    verdicts = [json.loads(line) for line in (out.read_text() if out.exists() else "").splitlines()]
    return measured, [line.removeprefix(f"{path}:") for line in broken], verdicts


def lines(*rows) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows) + b"\n"


def test_each_row_gets_its_verdict(tmp_path):
    rows = [PAPER, WRONG, LOOSE]
    measured, broken, verdicts = judge(tmp_path, lines(*rows))
    assert not broken
    assert measured == aggregate([row["response"] for row in rows], rows)
    for number, (row, got) in enumerate(zip(rows, verdicts, strict=True), 1):
        verdict = verify(row["numbers"], row["target"], row["response"])
        assert got == {
            "row": number,
            "correct": verdict.correct,
            "reason": verdict.reason,
            "line": verdict.line,
            "column": None,
            "message": verdict.message,
        } | ({"lenient": {"correct": True, "reason": "ok", "extracted": "2+3=5"}} if row is LOOSE else {})
    assert verdicts[1]["message"] == "line 1: the right side is not the value of the left side"


BROKEN = {
    b"{": "not JSON",
    b"nonsense": "not JSON",
    b"[" * 200_000: "not JSON: nested too deeply",
    b'{"a":' * 200_000: "not JSON: nested too deeply",
    b"[1, 2]": "not a JSON object",
    b"null": "not a JSON object",
    b'"text"': "not a JSON object",
    b"{}": "'numbers' is missing",
    b'{"numbers": [2, 3], "target": 5}': "'response' is missing",
    b'{"numbers": [2, 3], "response": ""}': "'target' is missing",
    b'{"numbers": [], "target": 5, "response": ""}': "'numbers' must be a list of integers",
    b'{"numbers": [2, 3.0], "target": 5, "response": ""}': "'numbers' must be a list of integers",
    b'{"numbers": [2, true], "target": 5, "response": ""}': "'numbers' must be a list of integers",
    b'{"numbers": "2,3", "target": 5, "response": ""}': "'numbers' must be a list of integers",
    b'{"numbers": [2, NaN], "target": 5, "response": ""}': "not JSON: NaN is not a JSON value",
    b'{"numbers": [2, 3], "target": -Infinity, "response": ""}': "not JSON: -Infinity is not a JSON value",
    b'{"numbers": [2, 3], "target": 5.0, "response": ""}': "'target' must be an integer",
    b'{"numbers": [2, 3], "target": null, "response": ""}': "'target' must be an integer",
    b'{"numbers": [2, 3], "target": 5, "response": null}': "'response' must be a string",
    b'{"numbers": [2, 3], "target": 5, "response": ["2+3=5"]}': "'response' must be a string",
    b'{"numbers": [2, 3], "target": 6, "target": 5, "response": "2+3=5"}': "the key 'target' is repeated",
    b'{"numbers": [2, 3], "target": ' + b"9" * 5000 + b', "response": ""}': "too many digits",
    b'{"numbers": [2, 3], "target": 5, "response": "2+3=5\xff"}': "not UTF-8 from byte 52 on",
    b'\xff\xfe{\x00"\x00': "not UTF-8 from byte 1 on",
    b"\xef\xbb\xbf" + json.dumps(PAPER).encode(): "not JSON",  # a byte-order mark within the file
    b'{"numbers": [2, 3], "target": 5, "response": "2+3=5"} x': "not JSON: Extra data at character 55",
    b'{"numbers": [2, 3], "target": 5, "response": "2+3=5\x00"}': "not JSON: Invalid control character",
}


def test_rows_of_several_samples(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"numbers": [1, 2], "target": 3, "responses": ["2+1=3", "1+1=2"]}, {"numbers": [1, 2], "target": 2,
            "responses": ["2*1=2", "2*1=2"]}]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    measured, broken = verify_file(path, tmp_path / "out.jsonl")
    verdicts = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert not broken and measured["pass@1"] == 0.75 and measured["num_puzzles"] == 2
    assert [(v["row"], v["sample"], v["correct"]) for v in verdicts] == [
        (1, 0, True), (1, 1, False), (2, 0, True), (2, 1, True),
    ]  # fmt: skip
    for bad in ({"responses": []}, {"responses": ["1", 2]}, {"responses": ["1"], "response": "1"}):
        path.write_text(json.dumps({"numbers": [1, 2], "target": 3} | bad))
        assert verify_file(path, tmp_path / "out.jsonl")[1], bad


@pytest.mark.parametrize("line", BROKEN, ids=[f"{line[:45]!r}" for line in BROKEN])
def test_a_broken_row_is_named_and_the_rest_still_runs(tmp_path, line):
    measured, broken, verdicts = judge(tmp_path, lines(PAPER, b"", line, WRONG))
    assert len(broken) == 1 and broken[0].startswith("3: ") and BROKEN[line] in broken[0]
    assert [verdict["row"] for verdict in verdicts] == [1, 4]
    assert (measured["num_puzzles"], measured["pass@1"]) == (2, 0.5)


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path):
    measured, broken, verdicts = judge(
        tmp_path, b"\xef\xbb\xbf" + lines(PAPER, WRONG).replace(b"\n", b"\r\n") + b" \r\n"
    )
    assert not broken and [verdict["correct"] for verdict in verdicts] == [True, False]
    assert measured["num_puzzles"] == 2


def test_lines_end_at_newlines_only(tmp_path):
    """Other line breaks are characters of a response."""
    row = {**LOOSE, "response": "2+3=5\u2028\u0085\x0b"}
    measured, broken, _ = judge(tmp_path, json.dumps(row, ensure_ascii=False).encode() + b"\n")
    assert not broken and measured["reasons"] == {"illegal_characters": 1.0}


def test_huge_lines_and_odd_strings(tmp_path):
    huge = {**WRONG, "response": "9" * 10_000_000}
    odd = {**WRONG, "response": "\ud800\x00٣"}
    measured, broken, verdicts = judge(tmp_path, lines(huge, odd, b"9" * 5_000_000, b"x" * 5_000_000, PAPER))
    assert [verdict["reason"] for verdict in verdicts] == ["too_long", "illegal_characters", "ok"]
    assert [line.split(":")[0] for line in broken] == ["3", "4"]
    assert measured["num_puzzles"] == 3


def test_a_long_file_is_not_read_at_once(tmp_path):
    content = lines(*[{**PAPER, "note": "x" * 20_000}] * 1000)
    tracemalloc.start()
    judge(tmp_path, content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(content) / 4


def test_division(tmp_path):
    row = {"numbers": [7, 2], "target": 3, "response": "7/2=3"}
    assert judge(tmp_path, lines(row))[0]["pass@1"] == 0
    assert judge(tmp_path, lines(row), division="integer")[0]["pass@1"] == 1


def test_nothing_good(tmp_path):
    assert judge(tmp_path, b"") == (None, [], [])
    measured, broken, verdicts = judge(tmp_path, b"x\n")
    assert measured is None and len(broken) == 1 and not verdicts
    assert judge(tmp_path, lines(PAPER))[2]
    assert judge(tmp_path, b"x\n")[2], "the verdicts of an earlier file stay"


def test_what_cannot_be_read_or_written_is_one_line(tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            verify_file(path, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    good = tmp_path / "rows.jsonl"
    good.write_bytes(lines(PAPER))
    with pytest.raises(InputError, match="cannot write"):
        verify_file(good, tmp_path / "none" / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl"]


@pytest.mark.parametrize("out", [".", "", "..", "/", "fifo", "loop", "/dev/null", "x" * 300, "rows.jsonl/x"])
def test_out_is_a_file_or_one_line_says_why_not(out, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_bytes(lines(PAPER))
    os.mkfifo("fifo")
    os.symlink("loop", "loop")
    for command in (["verify", "rows.jsonl", "--out", out], ["audit", "rows.jsonl", "--out", out]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert ("cannot write" in said or "--out is empty" in said) and said.count("\n") == 1
    assert stat.S_ISFIFO(os.stat("fifo").st_mode) and os.path.islink("loop")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fifo", "loop", "rows.jsonl"]


def test_a_link_stays_a_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_bytes(lines(PAPER))
    (tmp_path / "far").mkdir()
    os.symlink("far/verdicts.jsonl", "link")
    for content in (1, 2):  # a dangling link, then one to a file
        (tmp_path / "rows.jsonl").write_bytes(lines(*[PAPER] * content))
        assert main(["verify", "rows.jsonl", "--out", "link"]) == 0
        assert os.path.islink("link") and (tmp_path / "far/verdicts.jsonl").read_text().count("\n") == content
    os.symlink("far/counts.json", "counts")
    assert main(["audit", "rows.jsonl", "--json", "counts"]) == 0
    assert os.path.islink("counts") and json.loads((tmp_path / "far/counts.json").read_text())["files"]


def test_the_table_says_it_in_words(tmp_path):
    measured, *_ = judge(tmp_path, lines(PAPER, WRONG, LOOSE))
    text = table(measured)
    for reason in measured["reasons"]:
        assert any(line.startswith(reason) and REASONS[reason] in line for line in text.split("\n"))
    assert "pass@1_lenient" in text and "0.6667" in text and "N=5" in text


def test_the_command_prints_writes_and_ends_with_2_for_a_broken_row(tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(PAPER, WRONG))
    assert main(["verify", str(path)]) == 0
    shown = capsys.readouterr()
    assert "pass@1" in shown.out and "0.5000" in shown.out and "wrong_result" in shown.out and not shown.err
    assert len((tmp_path / "rows.jsonl.verdicts.jsonl").read_text().splitlines()) == 2
    path.write_bytes(lines(PAPER, b"{", WRONG))
    assert main(["verify", str(path), "--out", str(tmp_path / "v")]) == 2
    shown = capsys.readouterr()
    assert "0.5000" in shown.out and f"{path}:2: not JSON" in shown.err and shown.err.count("\n") == 1
    assert [json.loads(line)["row"] for line in (tmp_path / "v").read_text().splitlines()] == [1, 3]
    path.write_bytes(b"")
    assert main(["verify", str(path)]) == 2
    assert main(["verify", str(tmp_path / "missing")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_answers_are_not_overwritten(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"numbers": [2, 3], "target": 5, "response": "2+3=5"}\n')
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"--out .* is the file of answers; give another --out"):
        verify_file(path, path)
    assert path.read_bytes() == before


def test_rows_state_their_rules_and_options_replace_them(tmp_path, capsys):
    row = {"numbers": [2, 5, 9], "target": 14, "rule": "subset", "division": "exact", "form": "expression"}
    file = tmp_path / "answers.jsonl"
    lines = [row | {"response": "9+5"}, row | {"response": "9+5=14"}]
    file.write_text("\n".join(map(json.dumps, lines)))
    assert main(["verify", str(file)]) == 0
    assert "0.5000" in capsys.readouterr().out
    assert main(["verify", str(file), "--form", "equations"]) == 0
    verdicts = [json.loads(line) for line in (tmp_path / "answers.jsonl.verdicts.jsonl").read_text().splitlines()]
    assert [verdict["correct"] for verdict in verdicts] == [False, True]
    file.write_text("\n".join(map(json.dumps, [*lines, lines[0] | {"rule": "all"}, lines[0] | {"rule": "some"}])))
    assert main(["verify", str(file)]) == 2
    error = capsys.readouterr().err
    assert f"{file}:3: rules rule all division exact form expression, and the rows before rules rule subset" in error
    assert f"{file}:4: rule must be one of all, subset, not 'some'" in error
