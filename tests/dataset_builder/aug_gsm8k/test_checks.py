"""Tests of the checks that keep or drop questions, paths and contaminated questions."""

import json
from fractions import Fraction

import pytest

from arith_puzzle.common.errors import InputError
from arith_puzzle.common.reply_store import Reply
from arith_puzzle.dataset_builder.aug_gsm8k.contamination import Benchmarks, normalized, words
from arith_puzzle.dataset_builder.aug_gsm8k.prompts import STRATEGIES, query_messages, response_messages
from arith_puzzle.dataset_builder.aug_gsm8k.queries import keep_questions, parse_questions
from arith_puzzle.dataset_builder.aug_gsm8k.responses import equations, keep_paths, plain_equations
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, number_text, read_problems

FIVE = [f"Has Tom {i} hens?" for i in range(1, 6)]


@pytest.mark.parametrize(
    "reply",
    [
        "\n".join(f"{i}. {text}" for i, text in enumerate(FIVE, 1)),
        "Here they are:\n\n" + "\n\n".join(f"{i}) {text}" for i, text in enumerate(FIVE, 1)) + "\n\nGood luck!",
        "\n".join(f"**Problem {i}:** {text}" for i, text in enumerate(FIVE, 1)),
        "\n".join(f" {i}. Has Tom\n    {i} hens?" for i in range(1, 6)),
    ],
)
def test_lists_of_five_are_read(reply):
    assert parse_questions(reply) == FIVE


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "no list",
        "\n".join(f"{i}. x?" for i in range(1, 5)),
        "\n".join(f"{i}. x?" for i in range(1, 7)),
        "1. a?\n2. b?\n4. c?\n5. d?\n6. e?",
        "1. a?\n2. \n3. c?\n4. d?\n5. e?",
        "1. a?\n1. b?\n2. c?\n3. d?\n4. e?\n5. f?",
    ],
)
def test_other_replies_are_malformed(reply):
    assert parse_questions(reply) is None


def test_the_prompts_own_examples_are_lists_of_five():
    for name in STRATEGIES:
        example, asked = (message["content"] for message in query_messages("Why 1?", name)[1:])
        assert parse_questions(example) == list(STRATEGIES[name].example) and "Why 1?" in asked
    solution = Reply(response_messages("?")[1]["content"], "stop", 1, 1)
    assert [path.answer for path in keep_paths([solution], Fraction(13))[0]] == [13]


def test_every_reason_why_a_question_is_dropped(gsm8k):
    problems = read_problems(gsm8k[0])
    against = Benchmarks({"gsm8k-test": gsm8k[1]})
    source, gsm8k_test = problems[0], json.loads(gsm8k[1].read_text())["query"]
    found = [
        (source, "conditional", None),
        (source, "complexity", ["How many?", "Tom has 3.", "What of " + "9" * 2000 + "?", source.query.upper(),
                                "Mia buys 4 pens for $2 each and a notebook for $5. How much does she pay?"]),
        (source, "complexity", [problems[1].query, "New with 7 hens?", "new, with 7 hens?",
                                gsm8k_test.replace("40", "55").replace("10", "11"),
                                "So a farmer has 40 hens and sells 10 of them at the market, then 3?"]),
    ]  # fmt: skip
    kept, dropped = keep_questions(found, problems, against)
    assert [(q.text, q.strategy, q.index) for q in kept] == [("New with 7 hens?", "complexity", 1)]
    assert dropped == {"malformed": 5, "no_question": 3, "copy": 2, "duplicate": 2, "contaminated": 2}
    report = against.report()
    assert (report["gsm8k-test"]["question"], report["gsm8k-test"]["13-gram"]) == (1, 1)
    assert report["gsm8k-test"]["questions"] == 1 and report["math-test"] == "not compared"


def test_thirteen_words_and_not_twelve(gsm8k):
    against = Benchmarks({"gsm8k-test": gsm8k[1]})
    words_of_test = words("A farmer has 40 hens and sells 10 of them at the market")
    assert len(words_of_test) == 13 and against.find("Well: " + " ".join(words_of_test) + " twice. What then?")
    assert not against.find("Well: " + " ".join(words_of_test[:12]) + " fair. What then?")


def test_what_counts_as_one_word():
    assert words("It's $1,200.50 -- 3/4 of Tom\u2019s 20%!") == ["it's", "1,200.50", "3", "4", "of", "tom's", "20"]
    assert normalized("Tom has 3 HENS.", numbers=False) == normalized("tom has 1,000 hens", numbers=False)
    assert normalized("Tom has 3 hens", numbers=True) != normalized("Tom has 4 hens", numbers=True)


def test_files_to_compare_with(tmp_path):
    file = tmp_path / "math.jsonl"
    file.write_text(json.dumps({"problem": "What is $1+1$?", "solution": "2"}) + "\n")
    assert Benchmarks({"math-test": file}).find("what is 1 + 7")
    for text, says in (
        ("", "has no question"),
        ('{"x": 1}\n', "no question, query, problem, input"),
        ("[1\n", "math.jsonl:1: not JSON: "),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=says):
            Benchmarks({"math-test": file})


def replies(*texts, finish="stop"):
    return [Reply(text, finish, 1, 1) for text in texts]


def test_paths_of_a_known_question_keep_the_gold_answer():
    given = replies(
        "1+1=<<1+1=2>>2\n#### 2", "2*1=<<2*1=2>>2\n#### 2", "1+1=<<1+1=2>>2, so\n#### 2.0", "#### 3", "?", ""
    )
    given += replies("1+1=<<1+1=3>>3\n#### 2", "<<x=2>>\n#### 2") + replies("#### 2", finish="length")
    kept, dropped = keep_paths(given, Fraction(2))
    assert [(path.index, path.answer) for path in kept] == [(0, 2), (1, 2)]
    assert dropped == {"duplicate": 1, "wrong_answer": 1, "no_answer": 1, "cut_off": 2, "wrong_annotation": 2}
    assert kept[0].agreement == pytest.approx(3 / 9) and kept[0].margin == pytest.approx(3 / 9 - 1 / 9)


def test_paths_of_a_new_question_keep_the_majority():
    kept, dropped = keep_paths(replies("a 5", "b 5", "c 4", "none"), None)
    assert [(path.index, path.agreement, path.margin) for path in kept] == [(0, 0.5, 0.25), (1, 0.5, 0.25)]
    assert dropped == {"minority": 1, "no_answer": 1}
    assert keep_paths(replies("a 5", "b 4"), None) == ([], {"tie": 2})
    assert keep_paths(replies("no", "none"), None) == ([], {"no_answer": 2})


def test_equations_tell_paths_apart():
    assert equations("so <<1 + 1=2>>2") == equations("thus <<1+1=2>>2!") == ("1+1=2",)
    assert equations("3 x 4 = 12, 12 \u00d7 $1,000 = $12,000") == ("3*4=12", "12*1000=12000")
    assert equations("It is four") != equations("It is 4") and equations("It is  four") == equations("it is four")


def test_equations_outside_annotations():
    text = "He pays 2 x $4 = $<<2*4=8>>8, and .20*150 = $30.00.\n5 hens * 2 = 10, (1+2)/3=1, and so on = 7."
    assert plain_equations(text) == [("2 * 4", "8"), (".20*150", "30.00"), ("(1+2)/3", "1")]


def test_streams_share_no_bits():
    a, b = Draws(1, 23), Draws(12, 3)
    assert [a.below(1000) for _ in range(20)] != [b.below(1000) for _ in range(20)]
    values = [Draws("x", i).below(10) for i in range(2000)]
    assert set(values) == set(range(10)) and max(values.count(v) for v in range(10)) < 260
    assert Draws(0, 7, 3).below(10**6) == 168570  # pinned: the same on every machine


def test_numbers_as_text():
    given = ["5", "-5", "1/2", "-1/2", "1/3", "12.50", "0.125", "1000000", "-0.05"]
    assert [number_text(Fraction(text)) for text in given] == [
        "5", "-5", "0.5", "-0.5", "1/3", "12.5", "0.125", "1000000", "-0.05",
    ]  # fmt: skip
