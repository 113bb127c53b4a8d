"""Tests of the rules: new values of numbers, sources of numbers, and the correctness of every pair."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from types import SimpleNamespace

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.dataset_builder.aug_gsm8k.chain import RefusedError, compile_problem
from arith_puzzle.dataset_builder.aug_gsm8k.doubtful import DOUBTFUL_SOURCES
from arith_puzzle.dataset_builder.aug_gsm8k.judging import QUESTIONS
from arith_puzzle.dataset_builder.aug_gsm8k.numerals import question_numerals, written
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import STRATEGIES
from arith_puzzle.dataset_builder.aug_gsm8k.rules import change_numbers
from arith_puzzle.dataset_builder.aug_gsm8k.rules import run as driver
from arith_puzzle.dataset_builder.aug_gsm8k.rules.change_numbers import augment
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import RULES_VERSION, Pair, fault
from arith_puzzle.dataset_builder.aug_gsm8k.rules.run import MODULES, PER_QUESTION, run
from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem, read_problems
from arith_puzzle.metrics.gsm8k_answer.calculator import check_annotations
from arith_puzzle.metrics.gsm8k_answer.score import answer
from tests.paths import ROOT, SHARED

GSM8K = SHARED / "data" / "gsm8k" / "train.jsonl"


def problem(query, response):
    return Problem(0, query, response, answer(response))


def free(query):
    return [query[n.start : n.end] for n in question_numerals(query) if not n.fixed]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("Tom has 12 hens, 3.5 acres, $1,200 and 20% more", ["12", "3.5", "1,200", "20"]),
        ("In 2015 the 4th graders met at 7 PM, at 7:30 and on May 5", []),
        ("In Book 2 he ate 1/2 of 2 1/2 pies, 3-4 times, 3 to 5 a day", []),
        ("Pens at $5 each from a $20 bill, 5 cents off", ["5", "5"]),
        ("A 12 by 30 foot room with 1 door and 0 windows, 6-sided dice, 2 million cells", ["12", "30"]),
        ("A deck of 52 cards and 20 cards, 6 spiders with 8 legs", ["20", "6"]),
        ("There are 60 minutes in an hour, 12 inches in a foot, and 26 letters; he needs 50 minutes", ["50"]),
    ],
)
def test_what_may_change(query, numbers):
    assert free(query) == numbers


@pytest.mark.parametrize(
    ("query", "low", "high", "quantum"),
    [
        ("8 hens", 4, 12, 1),
        ("45 hens", "99/4", 81, 5),
        ("46 hens", "253/10", "414/5", 1),
        ("$1,200 of rent", 660, 2160, 100),
        ("$2.50 each", "11/8", "9/2", "1/2"),
        ("20% off", 10, 40, 5),
        ("12% off", 6, 24, 1),
        ("40 minutes", 24, 59, 5),
        ("5 days a week", "5/2", 7, 1),
        ("a tip of 20%", 10, 25, 5),
        ("a 6% tax", 4, 12, 1),
        ("60% of them", 30, 80, 5),
        ("He is 180 cm tall", 144, 216, 10),
        ("He is 40 years old", 30, 52, 5),
        ("Ann, aged 12, is older", 9, "78/5", 1),
        ("60 miles per hour", 45, 78, 5),
        ("9 hours a day", "27/5", 11, 1),
        ("a $20 tip", 16, 25, 5),
    ],
)
def test_what_a_number_may_become(query, low, high, quantum):
    (numeral,) = question_numerals(query)
    assert (numeral.low, numeral.high, numeral.quantum) == (Fraction(low), Fraction(high), Fraction(quantum))


@pytest.mark.parametrize(
    ("value", "like", "text"),
    [
        ("1500", "1,200", "1,500"), ("1500", "900", "1500"), ("7/2", "4", "3.5"), ("3", "2.50", "3.00"),
        ("1/4", ".5", ".25"), ("1/4", "0.5", "0.25"), ("1/2", ".25", ".50"), ("5", ".5", "5"), ("1/3", "2", None),
        ("1/8", "0.25", None), ("1/8", "0.125", "0.125"), ("-1", "3", None),
    ],
)  # fmt: skip
def test_how_a_number_is_written(value, like, text):
    assert written(Fraction(value), like) == text


def test_percentages_are_found_in_all_their_forms():
    given = problem(
        "A coat costs $80 and is 25% off. Ann has $200. How much is left?",
        "She pays 100-25=<<100-25=75>>75%, which is 80*.75=$<<80*.75=60>>60.\n200-60=<<200-60=140>>140\n#### 140",
    )
    program = compile_problem(given)
    values = {0: Fraction(120), 1: Fraction(40), 2: Fraction(300)}
    assert [program.numerals[i].value for i in program.variables] == [80, 25, 200]
    question, solution, results = program.play(values)
    assert question == "A coat costs $120 and is 40% off. Ann has $300. How much is left?"
    assert solution == (
        "She pays 100-40=<<100-40=60>>60%, which is 120*.60=$<<120*.60=72>>72.\n300-72=<<300-72=228>>228\n#### 228"
    )
    assert results == [60, 72, 228]


@pytest.mark.parametrize(
    ("query", "response", "reason"),
    [
        ("Tom has 5 hens.", "He has five.\n#### 5", "no_annotation"),
        ("Tom has 5 hens and 4 more.", "5+4=<<5+4=8>>8\n#### 8", "wrong_annotation"),
        ("Tom has 5 hens and 4 more.", "5+4=<<5+4=9>>9\nso 10\n#### 10", "other_final"),
        ("Tom has 5 hens and 4 more.", "Let h be hens: 2h = 5+4=<<5+4=9>>9\n#### 9", "algebra"),
        ("Tom has one hen and two more.", "1+2=<<1+2=3>>3\n#### 3", "no_variable"),
        ("Tom has 5 hens.", "5*13=<<5*13=65>>65\n#### 65", "unexplained"),
        ("Tom has 9 hens, 9 cows.", "9+9=<<9+9=18>>18\n#### 18", "no_variable"),
        ("Tom has 6 hens, loses 4, and gets 2 twice.", "6-4=<<6-4=2>>2\n2*2=<<2*2=4>>4\n#### 4", "ambiguous"),
        ("He has 4 hens and 5 cows.", "The four and the five are 4+5=<<4+5=9>>9\n#### 9", "ambiguous"),
    ],
)  # fmt: skip
def test_why_a_source_is_refused(query, response, reason):
    with pytest.raises(RefusedError, match=f"^{reason}$"):
        compile_problem(problem(query, response))


def test_what_cannot_be_told_apart_stays_as_it_is():
    program = compile_problem(
        problem("Ann runs 7 miles a day and Bob 30 miles a week. How many do both run a week?",
                "Ann runs 7*7=<<7*7=49>>49 miles.\nBoth run 49+30=<<49+30=79>>79.\n#### 79")
    )  # fmt: skip
    assert [program.numerals[i].value for i in program.variables] == [
        30
    ]  # the solution's second 7 is the days of a week


@pytest.mark.parametrize(
    ("query", "response", "variables"),
    [
        ("40% of 50 are boys and 60% girls.", "50*.4=<<50*.4=20>>20\n#### 20", [50]),
        ("Of 12 hens 7 are red, so 5 are not. Each red one costs $30.", "30*7=<<30*7=210>>210\n#### 210", [30]),
        ("Ann and Bob share 30 pens from 3 and 2 boxes.", 
         "3+2=<<3+2=5>>5\n30*5=<<30*5=150>>150\n150/2=<<150/2=75>>75\n#### 75", [30, 3]),
        ("Tom has 3 dogs, one black and two brown. Each eats 4 of 20 cans.",
         "3*4=<<3*4=12>>12\n20-12=<<20-12=8>>8\n#### 8", [4, 20]),
        ("He takes 2 pills of 500 units 8 times.",
         "2*500=<<2*500=1000>>1000\n1000*8=<<1000*8=8000>>8000\n8000/1000=<<8000/1000=8>>8 thousand\n#### 8", [8]),
        ("The 3 children, Ann, Bob and Cleo, share 30 pens.", "30/3=<<30/3=10>>10\n#### 10", [30]),
    ],
)  # fmt: skip
def test_what_depends_on_something_unsaid_stays_as_it_is(query, response, variables):
    program = compile_problem(problem(query, response))
    assert [program.numerals[i].value for i in program.variables] == variables


def test_an_equation_outside_the_annotations_must_go_on_to_hold():
    source = problem(
        "Tom has 44 hens, 22 cows and 6 dogs, and sells 50% of the hens. How many animals has he then?",
        "He sells .50*44 = 22 hens.\n44+22+6=<<44+22+6=72>>72\n72-22=<<72-22=50>>50\n#### 50",
    )
    program = compile_problem(source)
    taken = {index: program.numerals[index].value for index in program.variables}
    assert change_numbers._play(program, taken, False)[0] == ""
    changed = next(index for index in taken if program.numerals[index].value == 44)
    assert change_numbers._play(program, taken | {changed: Fraction(60)}, False)[0] == "equation"


def test_a_computed_number_is_followed_where_it_stands_before_its_computation():
    program = compile_problem(problem("There are 8 rows of 15 seats.", "120 seats: 8*15=<<8*15=120>>120\n#### 120"))
    assert program.play({0: Fraction(6), 1: Fraction(20)})[1] == "120 seats: 6*20=<<6*20=120>>120\n#### 120"
    assert program.play({0: Fraction(5), 1: Fraction(20)})[1] == "100 seats: 5*20=<<5*20=100>>100\n#### 100"


def held(source, question, solution):
    """Assert what holds for every pair."""
    outcomes = check_annotations([solution])
    assert set(outcomes) == {"exact"}, solution
    last = solution.rpartition("<<")[2].partition(">>")[0].rpartition("=")[2]
    assert answer(solution) == Fraction(last) > 0 or source.answer <= 0
    assert solution.count("<<") == source.response.count("<<") and question != source.query


def test_numbers_in_words_would_stay():
    """The twenty people of the solution are the 20 of the question, which change."""
    solution = "Twenty people eat 20*3=<<20*3=60>>60 cans.\n#### 60"
    source = Problem(0, "20 people eat 3 cans each. How many cans do they eat?", solution, Fraction(60))
    assert augment(source, 0, 5, [])[:2] == ([], "ambiguous")
    plain = Problem(0, source.query, solution.replace("Twenty people", "They"), Fraction(60))
    assert len(augment(plain, 0, 5, [])[0]) == 5


def test_pairs_hold_and_differ(gsm8k):
    for source in read_problems(gsm8k[0]):
        pairs, refused, _ = augment(source, 0, 10, [])
        assert refused is None and len(pairs) == 10 == len(set(pairs))
        for question, solutions in pairs:
            held(source, question, solutions[0])
        assert pairs == augment(source, 0, 10, [])[0] != augment(source, 1, 10, [])[0]
        assert pairs[:4] == augment(source, 0, 4, [])[0]


def reproduces(program):
    """Assert that a program gives its source for the source's own numbers."""
    own = {index: program.numerals[index].value for index in program.variables}
    question, solution, _ = program.play(own)
    assert question == program.problem.query
    assert solution.replace("00", "") == program.problem.response.replace("00", "")


def test_a_program_reproduces_its_source(gsm8k):
    for source in read_problems(gsm8k[0]):
        reproduces(compile_problem(source))


@pytest.mark.skipif(not GSM8K.is_file(), reason="needs GSM8K in ../shared/data, which a public clone lacks")
def test_on_gsm8k_itself():
    programs = pairs = 0
    for source in read_problems(GSM8K, 600)[::3]:
        try:
            program = compile_problem(source)
        except RefusedError:
            continue
        programs += 1
        reproduces(program)
        for pair in augment(source, 5, 2, [])[0]:
            pairs += 1
            held(source, pair.question, pair.solutions[0])
    assert programs > 80 and pairs > 120


def test_a_run_is_the_same_whatever_the_workers(gsm8k, tmp_path, monkeypatch):
    options = {"limit": None, "against": {"gsm8k-test": gsm8k[1]}, "seed": 3, "per_question": 5}
    first = run(gsm8k[0], tmp_path / "one", workers=1, **options)
    second = run(gsm8k[0], tmp_path / "two", workers=2, **options)
    assert first.report == second.report and first.report["strategies"]["change_numbers"]["questions"]["kept"] == 15
    assert list(first.report["strategies"]) == list(MODULES) and set(MODULES) <= set(STRATEGIES)
    for name in ("rows.parquet", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    # the fixture's questions have few possible new numbers, so two seeds may agree by chance; this one has millions
    many = {
        "question": "A shop has 317 red, 428 blue, 539 green and 641 black pens. How many pens does it have?",
        "answer": "It has 317+428+539+641=<<317+428+539+641=1925>>1925 pens.\n#### 1925",
    }
    (tmp_path / "many.jsonl").write_text(json.dumps(many) + "\n")
    ours, theirs = (
        run(
            tmp_path / "many.jsonl",
            tmp_path / f"seed-{seed}",
            workers=1,
            **options | {"seed": seed, "per_question": 20, "strategies": ["change_numbers"]},
        )
        for seed in (3, 4)
    )
    assert ours.rows.num_rows == 20 == theirs.rows.num_rows
    assert not set(ours.rows["query"].to_pylist()) & set(theirs.rows["query"].to_pylist())
    counted = 0
    for name, found in first.report["strategies"].items():
        questions, sources = found["questions"], found["sources"]
        assert questions["made"] == questions["kept"] + sum(questions["dropped"].values())
        assert sources["read"] == 3 == sources["accepted"] + sum(sources["refused"].values())
        rows = [row for row in first.rows.to_pylist() if row["strategy"] == name]
        assert len(rows) == found["rows"]
        assert len({(row["source_index"], row["question_index"]) for row in rows}) == questions["kept"]
        counted += len(rows)
    assert counted == first.report["rows"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_ends_the_run(gsm8k, tmp_path, number):
    many = tmp_path / "many.jsonl"
    many.write_text(gsm8k[0].read_text() * 3000)
    command = [
        sys.executable,
        "-m",
        "arith_puzzle.cli",
        "augment",
        "rules",
        "--source",
        many,
        "--out",
        tmp_path / "out",
    ]
    process = subprocess.Popen(
        [*map(str, command), "--strategy", "change_numbers"], stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT
    )
    try:
        seen = b""
        while not re.search(rb" [1-9][0-9]*/9000", seen):
            part = process.stderr.read1(4096)
            assert part, seen
            seen += part
        os.killpg(process.pid, number)
        process.communicate(timeout=600)  # the workers finish what they are at
        assert process.returncode not in (0, None) and not (tmp_path / "out").exists()
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # no worker is left in the group
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_a_run_of_some_strategies(gsm8k, tmp_path):
    options = {"limit": None, "against": {}, "seed": 0, "workers": 1}
    made = run(gsm8k[0], tmp_path / "one", strategies=["change_numbers"], **options)
    assert list(made.report["strategies"]) == ["change_numbers"]
    assert set(made.rows["strategy"].to_pylist()) == {"change_numbers"}
    assert made.report["strategies"]["change_numbers"]["per_question"] == PER_QUESTION["change_numbers"]
    with pytest.raises(InputError, match=r"--strategy must be one of change_numbers.*, not 'more_numbers'"):
        run(gsm8k[0], tmp_path / "two", strategies=["change_numbers", "more_numbers"], **options)


def test_the_solutions_of_a_question_are_numbered(gsm8k, tmp_path, monkeypatch):
    def augment(problem, seed, count, problems):
        text = "A: 2+2=<<2+2=4>>4\nB: 3+3=<<3+3=6>>6\n4+6=<<4+6=10>>10\n#### 10"
        assert [each.index for each in problems] == [0, 1, 2]
        return [Pair(f"Question {problem.index}?", (text, text.replace("A", "C")))], None, Counter(same=2)

    monkeypatch.setitem(MODULES, "change_numbers", SimpleNamespace(augment=augment, REFUSED={}, DROPPED={"same": "-"}))
    monkeypatch.setattr(driver, "_augment_all", in_this_process)
    made = run(gsm8k[0], tmp_path / "out", limit=None, against={}, seed=0, strategies=["change_numbers"])
    places = [(row["source_index"], row["question_index"], row["path_index"]) for row in made.rows.to_pylist()]
    assert places == [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 0, 1), (2, 0, 0), (2, 0, 1)]
    found = made.report["strategies"]["change_numbers"]
    assert found["rows"] == 6 and found["questions"]["kept"] == 3 and found["questions"]["dropped"]["same"] == 6


def in_this_process(problems, seed, counts, workers):
    for problem in problems:
        yield [MODULES[name].augment(problem, seed, count, problems) for name, count in counts.items()]


@pytest.mark.parametrize(
    ("question", "solution", "reason"),
    [
        ("How many?", "2+2=<<2+2=4>>4\n#### 4", None),
        ("How many?", "2+2=4\n#### 4", "annotation"),
        ("How many?", "2+2=<<2+2=5>>5\n#### 5", "annotation"),
        ("How many?", "10/3=<<10/3=3.33>>3.33\n#### 3.33", "annotation"),
        ("How many?", "2+2=<<2+2=4>>4\n#### 5", "answer"),
        ("How many?", "2-2=<<2-2=0>>0\n#### 0", "answer"),
        ("How many?", "3 x 3 = 8. 2+2=<<2+2=4>>4\n#### 4", "equation"),
        ("How many?", "So 3 x 3 = $8. 2+2=<<2+2=4>>4\n#### 4", "equation"),
        ("How many?", "12 pens - 3 = 9 and 5 - 4/3 = 11/3. 2+2=<<2+2=4>>4\n#### 4", None),
        ("How many?", "1/4 = 25%. 2+2=<<2+2=4>>4\n#### 4", None),
        ("How many hens", "2+2=<<2+2=4>>4\n#### 4", "question"),
        ("A 8 foot rope?", "2+2=<<2+2=4>>4\n#### 4", "article"),
        ("An 80 foot rope?", "2+2=<<2+2=4>>4\n#### 4", None),
        ("An 70 foot rope?", "2+2=<<2+2=4>>4\n#### 4", "article"),
        ("He has 1 hens?", "2+2=<<2+2=4>>4\n#### 4", "plural"),
        ("He has 1 hen, 1 less than 21 hens?", "2+2=<<2+2=4>>4\n#### 4", None),
        ("He has 3 apple and a pen?", "2+2=<<2+2=4>>4\n#### 4", "plural"),
        ("It costs $2.505?", "2+2=<<2+2=4>>4\n#### 4", "amount"),
    ],
)
def test_what_is_wrong_with_a_pair(question, solution, reason):
    assert fault(question, solution) == reason


def test_contaminated_and_repeated_pairs_are_dropped(gsm8k, tmp_path):
    train, test = gsm8k
    rows = [json.loads(line) for line in train.read_text().splitlines()]
    test.write_text(json.dumps({"query": rows[0]["query"].replace("12", "9")}) + "\n")
    train.write_text("".join(json.dumps(row) + "\n" for row in [rows[0], rows[1], rows[1]]))
    made = run(train, tmp_path / "out", limit=None, against={"gsm8k-test": test}, seed=0, per_question=3,
               strategies=["change_numbers"], workers=1)  # fmt: skip
    assert set(made.rows["source_index"].to_pylist()) <= {1, 2}
    assert made.report["strategies"]["change_numbers"]["questions"]["dropped"]["contaminated"] == 3
    assert len(set(made.rows["query"].to_pylist())) == made.report["rows"]


def test_what_readers_found_doubtful_is_refused_by_every_strategy(gsm8k, tmp_path):
    """The first question of GSM8K: how many clips does each of the friends get?"""
    clips = {
        "question": "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. "
        "How many clips did Natalia sell altogether in April and May?",
        "answer": "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n"
        "Natalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May.\n#### 72",
    }
    gsm8k[0].write_text(gsm8k[0].read_text() + json.dumps(clips) + "\n")
    made = run(gsm8k[0], tmp_path / "out", limit=None, against={}, seed=0, per_question=3, workers=1)
    assert set(made.rows["source_index"].to_pylist()) <= {0, 1, 2}
    for strategy in made.report["strategies"].values():
        assert strategy["sources"]["read"] == 4 and strategy["sources"]["refused"]["doubtful"] == 1
    lines = [json.loads(line) for line in DOUBTFUL_SOURCES.read_text().splitlines()]
    assert len({line["question"] for line in lines}) == len(lines) == 2363
    assert all(line["note"] and set(line["fails"]) <= set(QUESTIONS) for line in lines)


def test_sources_that_give_nothing(gsm8k, tmp_path):
    gsm8k[0].write_text(json.dumps({"question": "How many?", "answer": "#### 3"}) + "\n")
    with pytest.raises(InputError, match="no pair is left of 1 questions"):
        run(gsm8k[0], tmp_path / "out", limit=None, against={}, seed=0, per_question=3, workers=1)
    assert not (tmp_path / "out").exists() and RULES_VERSION == 4
