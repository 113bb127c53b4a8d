"""The functions behind the demo: verdicts line by line, the solver's limits, bad input, missing parts."""

import json
import re
from pathlib import Path

import logic
import pytest
import workers

from arith_puzzle.dataset_builder.solver.solve import solutions
from arith_puzzle.metrics.arith_puzzle_verifier.verify import MAX_RESPONSE_CHARS, verify

FOLDER = Path(logic.__file__).resolve().parent
PAPER = ("3,6,7,51,58", 4, "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4")


def directly(job, *arguments):
    """Run a worker's job in this process, for quick puzzles."""
    *found, complete = workers.JOBS[job](*arguments)
    return found, complete


def drawing(*answers):
    """A stand-in for the model that gives these answers."""
    return lambda prompt, equations, count, temperature, seed: list(answers[:count])


@pytest.fixture(scope="module")
def search():
    made = workers.Workers(1, seconds=600)
    yield made
    made.close()


HARD = "123457,234571,345679,456791,567899,678901,789017,890123"
"""Eight numbers that cannot make 7. The proof takes about 0.2 s."""


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
            logic.nearest(numbers, target, directly),
            logic.ask(numbers, target, 1, 0, 0, drawing("")),
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


class TestProse:
    PROSE = "First 58 - 51 = 7.\nThen **6 \u2212 7 = -1**, 3 \u00d7 (-1) = -3.\nSo -3 + 7 = 4."

    def test_both_readings(self, is_json):
        result = logic.judge("3,6,7,51,58", 4, self.PROSE, prose=True)
        assert (result["correct"], result["reason"], result["line"]) == (False, "illegal_characters", 1)
        assert result["lenient"]["correct"] and result["lenient"]["answer"] == PAPER[2]
        assert [step["left"] for step in result["lenient"]["steps"]] == ["3,6,7,7", "-1,3,7", "-3,7", "4"]
        assert is_json(result)

    @pytest.mark.parametrize("answer", [PAPER[2], "58-51=8", "no equations here", "2 + 3 = 1 + 4"])
    def test_only_where_it_says_more(self, answer):
        assert logic.judge("3,6,7,51,58", 4, answer, prose=True)["lenient"] is None
        assert logic.judge("3,6,7,51,58", 4, self.PROSE)["lenient"] is None

    def test_bounded(self):
        long = "58 - 51 = 7. " * 10**5
        assert logic.judge("3,6,7,51,58", 4, long, prose=True)["lenient"] is None


class TestAsk:
    def test_judges_what_the_model_says(self):
        seen = []
        result = logic.ask("58,51,7,6,3", "4", 1, 0, 0, lambda *given: seen.append(given) or [PAPER[2]])
        assert seen == [("3,6,7,51,58:4\n", 4, 1, 0.0, 0)]
        assert result["correct"] and result["answer"] == PAPER[2] and (result["right"], result["drawn"]) == (1, 1)

    def test_samples_are_counted(self, is_json):
        answers = ("2*3=6", "3-2=1", "3+2=5", "3-2=1", "2+3=5")
        result = logic.ask("2,3", 5, 5, 1.0, 7, drawing(*answers))
        assert (result["right"], result["drawn"]) == (2, 5) and result["answer"] == answers[0]
        commonest = result["samples"][0]
        assert (commonest["answer"], commonest["times"]) == ("3-2=1", 2)
        assert sum(item["times"] for item in result["samples"]) == 5 and is_json(result)

    @pytest.mark.parametrize(
        ("samples", "temperature", "seed", "says"),
        [
            (0, 1, 0, "samples takes whole numbers from 1 to 16; got '0'"),
            (17, 1, 0, "samples"),
            (1.5, 1, 0, "samples"),
            (None, 1, 0, "samples"),
            (True, 1, 0, "samples"),
            (1, -0.1, 0, "temperature"),
            (1, float("nan"), 0, "temperature"),
            (1, 1e9, 0, "temperature"),
            (1, 1, -1, "seed"),
            (1, 1, 2**40, "seed"),
            (1, 1, "x" * 10**6, "seed"),
        ],
    )
    def test_bounds(self, samples, temperature, seed, says):
        error = logic.ask("2,3", 5, samples, temperature, seed, drawing("2+3=5"))["error"]
        assert says in error and len(error) < 200


class TestWatch:
    def test_each_line_as_it_lands(self):
        lines = [PAPER[2][:8], PAPER[2][:15], PAPER[2]]
        seen = list(logic.watch([3, 6, 7, 51, 58], 4, iter(lines)))
        assert [len(item["steps"]) for item in seen] == [1, 2, 4, 4]
        assert [item["done"] for item in seen] == [False, False, False, True]
        assert seen[0]["steps"][0]["left"] == "3,6,7,7" and seen[-1]["correct"]

    def test_wrong_lines_say_why(self):
        first, *_ = logic.watch([2, 3], 5, iter(["2+3=6\n"]))
        assert (first["steps"][0]["reason"], first["correct"]) == ("wrong_result", False)


class TestSolve:
    def test_solution_and_count(self, search, is_json):
        result = logic.solve("3,6,7,51,58", 4, search)
        assert result["solvable"] and result["complete"] and is_json(result)
        assert verify([3, 6, 7, 51, 58], 4, result["solution"]).correct
        assert result["count"] == len(list(solutions([3, 6, 7, 51, 58], 4)))
        assert f"exactly {result['count']} solutions" in result["verdict"] and len(result["steps"]) == 4
        assert len(set(result["solutions"])) == result["count"] == len(result["solutions"])

    def test_one_solution(self, search):
        result = logic.solve("2,3", 6, search)
        assert result["count"] == 1 and "There is exactly 1 solution with" in result["verdict"]

    def test_no_solution_is_proved(self, search):
        result = logic.solve("1,1,1", 7, search)
        assert result["solvable"] is False and result["complete"] and result["solution"] is None
        assert result["verdict"] == (
            "There is no solution with intermediate results from -600 to 600: all possibilities were tried."
        )

    def test_cap(self, search):
        result = logic.solve("1,2,3,4,5,6,7", 20, search)
        assert result["count"] == logic.COUNT_CAP and not result["complete"]
        assert "at least 200" in result["verdict"]

    def test_nine_numbers(self, search):
        assert "takes at most 8 numbers; this puzzle has 9" in logic.solve("1,2,3,4,5,6,7,8,9", 5, search)["error"]

    def test_a_search_past_its_time_is_ended_and_the_next_one_works(self):
        search = workers.Workers(1, seconds=0.02)
        logic.solve("3,4", 7, search)  # the worker's imports are done after this
        result = logic.solve(HARD, 7, search)
        assert result["solvable"] is None and "It is not known whether" in result["verdict"]
        search.seconds = 600
        assert logic.solve(HARD, 7, search)["solvable"] is False
        assert logic.solve("3,6,7,51,58", 4, search)["complete"]
        search.close()

    def test_eight_zeros_end(self, search):
        result = logic.solve("0,0,0,0,0,0,0,0", 0, search)
        assert result["solvable"] and result["complete"] and result["count"] == 36

    def test_out_of_time_without_a_solution_stays_open(self):
        result = logic.solve("3,4", 9, lambda *_: ([], None))
        assert result["solvable"] is None and "It is not known whether" in result["verdict"]

    def test_the_nearest_of_an_unsolvable(self, search):
        result = logic.nearest("1,1,1", 7, search)
        assert result["nearest"] == 3 and verify([1, 1, 1], 3, result["solution"]).correct
        assert logic.nearest("1,1,1", 700, search)["nearest"] is None
