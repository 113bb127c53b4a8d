"""The demo without its page: verdicts line by line, the solver's limits, bad input, missing parts."""

import json
import re
from pathlib import Path

import backend
import logic
import pytest
import render
import solver
import yaml

from dataset_builder.errors import InputError
from dataset_builder.puzzle import parse_puzzle
from dataset_builder.solve import solutions
from metrics.arith_puzzle_verifier.verify import MAX_RESPONSE_CHARS, verify

FOLDER = Path(logic.__file__).resolve().parent
PAPER = ("3,6,7,51,58", 4, "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4")


def directly(numbers, target, cap):
    """A search in this process, for puzzles that are quick."""
    found = []
    for text in solutions(numbers, target):
        found.append(text)
        if len(found) == cap:
            return found, False
    return found, True


@pytest.fixture(scope="module")
def search():
    made = solver.Solver(workers=1, seconds=1.0)
    yield made
    made.close()


HARD = "123457,234571,345679,456791,567899,678901,789017,890123"
"""Eight numbers that cannot make 7: the proof takes a fifth of a second."""


class TestReading:
    @pytest.mark.parametrize(
        "numbers", ["3,6,7,51,58", " 58 51, 7;6 ,3, ", [3, 6, 7, 51, 58], "3\n6\t7 51 58", "58,,51,7,6,3"]
    )
    @pytest.mark.parametrize("target", [4, "4", " 4 "])
    def test_forms(self, numbers, target):
        assert logic.read_puzzle(numbers, target) == ([3, 6, 7, 51, 58], 4)

    @pytest.mark.parametrize(
        ("numbers", "target", "says"),
        [
            ("", 4, "2 to 15 numbers"),
            (None, 4, "2 to 15 numbers"),
            ("3", 4, "2 to 15"),
            ("3,x", 4, "whole numbers"),
            ("3,07", 4, "whole numbers"),
            ("3.5,2", 4, "whole numbers"),
            ("٣,4", 7, "whole numbers"),
            ("3,4", None, "target"),
            ("3,4", "", "target"),
            ("3,4", "4.0", "target"),
            ("3,4", True, "target"),
            ("3,4", "9" * 40, "10"),
            ("1," * 400, 4, "characters"),
            ("3,4", "4" * 10**6, "characters"),
            (list(range(1, 99)), 4, "15"),
            (["9" * 10**6], 4, "characters"),
            ({"a": 1}, 4, "whole numbers"),
            ("3,4:7", 7, "whole numbers"),
        ],
    )
    def test_bad_input_is_one_line(self, numbers, target, says):
        for result in (
            logic.judge(numbers, target, "1+1=2"),
            logic.solve(numbers, target, directly),
            logic.ask(numbers, target, lambda *_: ""),
        ):
            assert set(result) == {"error"}
            assert says in result["error"] and "\n" not in result["error"] and len(result["error"]) < 300

    def test_list_of_lists_and_objects_never_raise(self):
        for odd in ([[1], 2], [None, 3], [1.5, 2], 12, 1.5, {"x": []}, [], True):
            logic.judge(odd, odd, "1+1=2")


class TestJudge:
    def test_right(self, is_json):
        result = logic.judge(*PAPER)
        assert result["correct"] and result["reason"] == "ok" and result["line"] is None
        assert [step["left"] for step in result["steps"]] == ["3,6,7,7", "-1,3,7", "-3,7", "4"]
        assert result["puzzle"] == "3,6,7,51,58:4" and is_json(result)

    def test_wrong_line_and_reason(self):
        result = logic.judge("3,6,7,51,58", 4, "58-51=7\n6-7=-1\n3*-1=3\n-3+7=4")
        assert (result["correct"], result["reason"], result["line"]) == (False, "wrong_result", 3)
        assert [step["reason"] for step in result["steps"]] == ["ok", "ok", "wrong_result", "unavailable_operand"]
        assert result["steps"][2]["left"] == result["steps"][1]["left"]
        assert "Line 3" in result["verdict"]

    def test_agrees_with_the_verifier(self):
        for line in (FOLDER.parents[1] / "tests" / "metrics" / "cases.jsonl").read_text().splitlines()[:300]:
            case = json.loads(line)
            if not {"numbers", "target", "response"} <= case.keys() or not 2 <= len(case["numbers"]) <= 15:
                continue
            if max(map(abs, [*case["numbers"], case["target"]])) > 10**9:
                continue
            result = logic.judge(case["numbers"], case["target"], case["response"])
            verdict = verify(case["numbers"], case["target"], case["response"])
            assert (result["correct"], result["reason"], result["line"]) == (
                verdict.correct, verdict.reason, verdict.line,
            )  # fmt: skip

    def test_count(self):
        assert "5 numbers, 1 equations" in logic.judge("3,6,7,51,58", 4, "58-51=7")["verdict"]
        assert logic.judge("3,4", 7, None)["reason"] == "wrong_equation_count"

    def test_bounded(self, is_json):
        result = logic.judge("3,4", 7, "x\n" * 10**5)
        assert result["reason"] == "too_long" and len(json.dumps(result)) < 20_000
        assert len(result["steps"]) == logic.MAX_STEPS
        assert result["more_steps"] == MAX_RESPONSE_CHARS // 2 - logic.MAX_STEPS
        assert is_json(result)

    def test_numbers_beyond_64_bits_are_text(self):
        big, product, lines = 10**9, 10**9, []
        for _ in range(4):
            lines.append(f"{product}*{big}={product * big}")
            product *= big
        result = logic.judge([big] * 5, 4, "\n".join(lines))
        assert result["reason"] == "wrong_target" and result["steps"][-1]["left"] == str(10**45)
        assert not [value for value in json.dumps(result).split() if re.fullmatch(r"\d{19,},?", value)]


class TestAsk:
    def test_judges_what_the_model_says(self):
        seen = []
        result = logic.ask("58,51,7,6,3", "4", lambda *given: seen.append(given) or PAPER[2])
        assert seen == [("3,6,7,51,58:4\n", 4)]
        assert result["correct"] and result["answer"] == PAPER[2]

    def test_a_real_model(self, tiny_adapter):
        model = backend.Model(str(tiny_adapter))
        assert model.status()["model"] == "loading"
        assert "loading" in logic.ask("3,4", 7, model.answer)["error"]
        model.load()
        state = model.status()
        assert (state["model"], state["reason"], state["adapter"]) == ("ready", "", str(tiny_adapter))
        assert state["base"] == str(tiny_adapter.with_name("base"))
        result = logic.ask("3,4,5", 12, model.answer)
        assert result["correct"] is False and result["answer"]
        assert result == logic.ask("5,4,3", 12, model.answer), "greedy: the same each time"

    def test_a_model_that_fails_is_one_line(self, tiny_adapter):
        model = backend.Model(str(tiny_adapter))
        model.load()
        model._loaded = (None, model._loaded[1])
        result = logic.ask("3,4", 7, model.answer)
        assert set(result) == {"error"} and "\n" not in result["error"]

    def test_no_model(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert backend.Model(None).status() == {
            "model": "none", "reason": "no model is set for this page", "adapter": None, "base": None,
        }  # fmt: skip
        (tmp_path / "adapter_config.json").write_text(
            json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(tmp_path / "nowhere")})
        )
        model = backend.Model(str(tmp_path))
        model.load()
        state = model.status()
        assert state["model"] == "none" and "could not be loaded" in state["reason"] and "\n" not in state["reason"]


class TestSolve:
    def test_solution_and_count(self, search, is_json):
        result = logic.solve("3,6,7,51,58", 4, search)
        assert result["solvable"] and result["complete"] and is_json(result)
        assert verify([3, 6, 7, 51, 58], 4, result["solution"]).correct
        assert result["count"] == len(list(solutions([3, 6, 7, 51, 58], 4)))
        assert f"exactly {result['count']} solutions" in result["verdict"] and len(result["steps"]) == 4

    def test_one_solution(self, search):
        result = logic.solve("2,3", 6, search)
        assert result["count"] == 1 and "There is exactly 1 solution with" in result["verdict"]

    def test_no_solution_is_proved(self, search):
        result = logic.solve("1,1,1", 7, search)
        assert result["solvable"] is False and result["complete"] and result["solution"] is None
        assert result["verdict"] == "There is no solution with |intermediate| ≤ 600: all ways were tried."

    def test_cap(self, search):
        result = logic.solve("1,2,3,4,5,6,7", 20, search)
        assert result["count"] == logic.COUNT_CAP and not result["complete"]
        assert "at least 200" in result["verdict"]

    def test_nine_numbers(self, search):
        assert "ends at 8 numbers; this puzzle has 9" in logic.solve("1,2,3,4,5,6,7,8,9", 5, search)["error"]

    def test_a_search_past_its_time_is_ended_and_the_next_one_works(self):
        search = solver.Solver(workers=1, seconds=0.02)
        logic.solve("3,4", 7, search)  # the worker has imported what it needs
        result = logic.solve(HARD, 7, search)
        assert result["solvable"] is None and "stays open" in result["verdict"]
        search.seconds = 20.0
        assert logic.solve(HARD, 7, search)["solvable"] is False
        assert logic.solve("3,6,7,51,58", 4, search)["complete"]
        search.close()

    def test_eight_zeros_end(self, search):
        result = logic.solve("0,0,0,0,0,0,0,0", 0, search)
        assert result["solvable"] and result["complete"] and result["count"] == 36

    def test_out_of_time_without_a_solution_stays_open(self):
        result = logic.solve("3,4", 9, lambda *_: ([], None))
        assert result["solvable"] is None and "stays open" in result["verdict"]

    def test_a_dead_worker_is_replaced(self):
        with_one = solver.Solver(workers=1, seconds=5)
        worker = with_one._idle.get()
        worker.kill()
        worker.wait()
        with_one._idle.put(worker)
        assert logic.solve("3,4", 7, with_one)["solvable"] is None
        assert logic.solve("3,4", 7, with_one)["solvable"] is True
        with_one.close()


class TestSample:
    def test_rows_of_the_split(self, tiny_dataset):
        puzzles = backend.Puzzles(backend.Settings(dataset=str(tiny_dataset)))
        drawn = {logic.sample(puzzles.random)["puzzle"] for _ in range(40)}
        assert drawn == {"2,3,4:24", "5,6,7:4"}
        assert all(len(parse_puzzle(puzzle)[0]) == 3 for puzzle in drawn)

    def test_none_or_broken_is_one_line(self, tmp_path):
        assert "no dataset is set" in logic.sample(backend.Puzzles(backend.Settings()).random)["error"]
        result = logic.sample(backend.Puzzles(backend.Settings(dataset=str(tmp_path))).random)
        assert "could not be read" in result["error"] and "\n" not in result["error"]


class TestSettings:
    def test_file_and_environment(self, tmp_path):
        path = tmp_path / "settings.json"
        assert backend.Settings.read(path, {}) == backend.Settings()
        values = {"adapter": "n/a", "adapter_revision": "v1", "dataset": "n/d", "split": "validation"}
        path.write_text(json.dumps(values))
        assert backend.Settings.read(path, {}) == backend.Settings("n/a", "v1", "n/d", None, "starter", "validation")
        read = backend.Settings.read(path, {"ARITH_PUZZLE_ADAPTER": str(tmp_path), "ARITH_PUZZLE_DATASET": "m/d"})
        assert (read.adapter, read.adapter_revision, read.dataset) == (str(tmp_path), None, "m/d")

    @pytest.mark.parametrize("text", ["{", "[1]", '{"adaptor": "x"}', "3"])
    def test_bad_file(self, tmp_path, text):
        (tmp_path / "settings.json").write_text(text)
        with pytest.raises(InputError, match=r"settings\.json"):
            backend.Settings.read(tmp_path / "settings.json", {})

    def test_port_and_host(self):
        assert backend.port({}) == 7860 and backend.port({"ARITH_PUZZLE_PORT": "8000"}) == 8000
        for bad in ("x", "0", "70000", "-1", ""):
            with pytest.raises(InputError, match="ARITH_PUZZLE_PORT"):
                backend.port({"ARITH_PUZZLE_PORT": bad})
        assert backend.host({}) == "127.0.0.1" and backend.host({"SPACE_ID": "n/s"}) == "0.0.0.0"

    def test_errors_carry_no_token(self):
        line = backend.one_line(OSError("no hf_abcDEF123 at https://user:secret@host/x\nTraceback …"))
        assert line == "OSError: no *** at https://***host/x"


class TestRender:
    HOSTILE = "<img src=x onerror=alert(1)>\"'&"

    def test_everything_is_escaped(self):
        pages = [
            render.judged(logic.judge("3,4", 7, self.HOSTILE), "This answer"),
            render.note(logic.judge(self.HOSTILE, 4, "")["error"]),
            render.note(logic.judge("3,4", self.HOSTILE, "")["error"]),
            render.judged(logic.ask("3,4", 7, lambda *_: self.HOSTILE), self.HOSTILE),
            render.status({"model": "ready", "reason": "", "adapter": self.HOSTILE, "base": self.HOSTILE}),
            render.status({"model": "none", "reason": self.HOSTILE, "adapter": None, "base": None}),
        ]
        assert not [page for page in pages if "<img" in page]

    def test_says_right_wrong_and_why(self):
        page = render.judged(logic.judge("3,4,5", 7, "3+4=7\n7-5=3"), "This answer")
        assert page.count("</span> right") == 1 and page.count("</span> wrong") == 1
        assert "the right side is not the value" in page and "<i>5</i><i>7</i>" in page

    def test_solver(self):
        assert "There is exactly 1 solution" in render.solved(logic.solve("2,3", 6, directly))
        assert "no solution with |intermediate| ≤ 600" in render.solved(logic.solve("1,1,1", 7, directly))


class TestFolder:
    def test_card(self):
        card = yaml.safe_load((FOLDER / "README.md").read_text().split("---\n")[1])
        pins = dict(line.split("==") for line in (FOLDER / "requirements.txt").read_text().split())
        assert card["sdk_version"] == pins["gradio"] and (FOLDER / card["app_file"]).is_file()
        assert len(card["short_description"]) <= 60

    def test_pins_are_what_is_tested(self):
        from importlib.metadata import version

        for line in (FOLDER / "requirements.txt").read_text().split():
            name, pin = line.split("==")
            assert version(name).split("+")[0] == pin, f"requirements.txt pins {line}"
