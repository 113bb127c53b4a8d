"""Tests of complexity: how the last question is read, and that each extension holds in every tense."""

import re

import pytest

from arith_puzzle.dataset_builder.aug_gsm8k.rules import complexity
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions import asked
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.kinds import KINDS, PLACE_KINDS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.steps import computed, tidy
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import fault
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, Problem
from arith_puzzle.metrics.gsm8k_answer.score import answer

STORY = "Tom has 12 bags with 5 marbles each. He loses 12 marbles."


def problem(question, solution="12*5=<<12*5=60>>60\n60-12=<<60-12=48>>48\n#### 48"):
    return Problem(0, question, solution, answer(solution))


@pytest.mark.parametrize(
    ("last", "read"),
    [
        ("How many marbles does he have left?", ("marbles", "Tom", "he", "does", "have", "left")),
        ("How many green marbles did Tom lose in total?", ("green marbles", "Tom", "he", "did", "lose", "")),
        ("How much money will he earn a week?", ("money", "Tom", "he", "will", "earn", "a week")),
        ("How much did Tom pay for everything?", ("money", "Tom", "he", "did", "pay", "for everything")),
        ("How many marbles do they have?", ("marbles", "", "they", "do", "have", "")),
        ("How many marbles does she have left?", None),
        ("How many more marbles does he have?", None),
        ("How many marbles does he have than before?", None),
        ("How many of the marbles does he have?", None),
        ("How many marbles would he have?", None),
        ("How many marbles does he weigh?", None),
        (
            "How many bags of marbles did Tom buy on Monday?",
            ("bags of marbles", "Tom", "he", "did", "buy", "on Monday"),
        ),
        ("How many marbles do Tom and Ann have?", ("marbles", "Tom and Ann", "they", "do", "have", "")),
        ("How many marbles has he collected?", ("marbles", "Tom", "he", "has", "collect", "")),
        ("How many dollars did he spend on soap?", ("money", "Tom", "he", "did", "spend", "on soap")),
        ("What does he have?", None),
    ],
)
def test_how_the_last_question_is_read(last, read):
    found = asked.read(f"{STORY} {last}")
    assert (found and (found.noun, found.name, found.he, found.aux, found.verb, found.rest)) == read
    assert found is None or (found.story, found.text) == (STORY, last)


@pytest.mark.parametrize(
    ("last", "statement", "question"),
    [
        ("If he buys 3, how many does he have?", "He buys 3.", "How many does he have?"),
        ("How many does he have if he buys 3?", "He buys 3.", "How many does he have?"),
        ("Assuming Tom buys 3, how many has he?", "Tom buys 3.", "How many has he?"),
        ("If he would buy 3, how many does he have?", "", "If he would buy 3, how many does he have?"),
        ("How many does he have?", "", "How many does he have?"),
    ],
)
def test_a_condition_becomes_a_statement(last, statement, question):
    assert asked.statement_and_question(last) == (statement, question)
    read = asked.read(f"{STORY} {last.replace('many', 'many marbles')}")
    if statement and "has he" not in last:
        assert read is not None and read.story == f"{STORY} {statement}"


def test_a_question_about_a_cost_has_one_payer():
    story = "Ann buys 3 pens for $2 each. She also buys a book for $9."
    found = asked.read(f"{story} How much did everything cost in total?")
    assert (
        found is not None
        and found.implied
        and (found.name, found.he, found.aux, found.verb) == ("Ann", "she", "did", "pay")
    )
    assert asked.read(f"{story} How much does a pen cost?") is None
    assert asked.read(f"{story} Tom has a pen. What is the total cost?") is None


def test_a_pronoun_needs_one_person():
    assert asked.read("Tom and Tim have 5 hens. How many hens does he have?") is None
    assert asked.read("A farmer has 5 hens. How many hens does he have?") is None


@pytest.mark.parametrize(
    ("verb", "present", "before"),
    [("buy", "buys", "bought"), ("carry", "carries", "carried"), ("watch", "watches", "watched"),
     ("have", "has", "had"), ("play", "plays", "played"), ("jog", "jogs", "jogged"), ("save", "saves", "saved")],
)  # fmt: skip
def test_verbs(verb, present, before):
    assert asked.conjugated(verb, "does", plural=False) == present
    assert asked.conjugated(verb, "did", plural=False) == before == asked.past(verb)
    assert asked.conjugated(verb, "will", plural=False) == f"will {verb}"
    assert asked.conjugated(verb, "do", plural=True) == verb


QUESTIONS = [
    f"How {what} {aux} {who} {verb}{rest}?"
    for aux in ("did", "does", "will")
    for who in ("he", "Tom")
    for what, verb, rest in (
        ("many marbles", "have", " left"), ("many marbles", "have", " in total"), ("many cookies", "bake", ""),
        ("many books", "sell", " a week"), ("much", "spend", ""), ("much", "pay", " for everything"),
        ("much money", "have", " left"), ("much money", "earn", " per month"), ("much", "save", " now"),
    )
]  # fmt: skip


PLACES = [
    f"How many {what} {be}{end}?"
    for what in ("marbles", "red pens", "children", "students")
    for be in ("are", "were")
    for end in (" there", " left", " in the room now", " there in total")
]


@pytest.mark.parametrize("kind", PLACE_KINDS, ids=lambda kind: kind.name)
def test_each_extension_without_a_person_holds(kind):
    story, made = "There are 60 in 5 rooms. Then 12 leave.", 0
    for text in PLACES:
        read = asked.read_counted(f"{story} {text}")
        assert read is not None, text
        for attempt in range(10 if kind.fits(read) else 0):
            _, pair = complexity._extend(f"{story} {text}", problem(text).response, kind, Draws("test", text, attempt))
            if pair:
                made += 1
                assert pair.solutions[0].count("<<") >= 4 and pair.question.startswith(story)
                assert bool(re.search(r"\b(?:was|were)\b", pair.question)) == (read.be == "were")
    assert made > 10


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_extension_holds(kind):
    made = 0
    for text in QUESTIONS:
        read = asked.read(f"{STORY} {text}")
        assert read is not None, text
        if not kind.fits(read):
            continue
        for attempt in range(30):
            reason, pair = complexity._extend(
                f"{STORY} {text}", problem(text).response, kind, Draws("test", text, attempt)
            )
            if pair is None:
                continue
            made += 1
            question, (solution,) = pair
            assert reason == "" and fault(question, solution) is None
            assert solution.count("<<") >= 2 + complexity.MORE_STEPS and question.startswith(STORY)
            assert question.count("?") == 1 and text not in question
            assert not re.search(r"\{|\}|  |\bNone\b|\.\.|\bhe they\b", question + solution), question
            tense = re.search(r"\b(?:will|did|was|were|had)\b|ed\b", question.partition(STORY)[2])
            assert tense or " does " in text, question
    assert made > 20, made


def test_pairs_of_a_source_differ_and_depend_on_the_seed():
    source = problem(f"{STORY} How many marbles does he have left?")
    pairs, refused, _ = complexity.augment(source, 0, 8, [])
    assert refused is None and len(pairs) == 8 == len({pair.question for pair in pairs})
    assert len({re.sub("[0-9]+", "0", pair.question) for pair in pairs}) >= 6
    assert pairs == complexity.augment(source, 0, 8, [])[0] != complexity.augment(source, 1, 8, [])[0]
    for question, solutions in pairs:
        assert solutions[0].count("<<") >= 4 and "have left?" not in question


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (f"{STORY} Where are they?", "last_question"),
        (f"{STORY} How many of the marbles does he have?", "last_question"),
        ("There are 60 cars, and 12 go. How many cars went by?", "last_question"),
        ("There are 60 stars, and 12 fade. How many stars are left?", "no_kind"),
        (f"{STORY} How many marbles did he get back?", "no_kind"),
    ],
)
def test_why_a_source_gives_nothing(question, reason):
    assert complexity.augment(problem(question), 0, 8, [])[:2] == ([], reason)


def test_new_steps_are_written_as_in_gsm8k():
    assert computed("{} + {}", 12, 3) == ("12+3=<<12+3=15>>15", 15)
    assert computed("{} / {}", 5, 2, money=True) == ("5/2=$<<5/2=2.50>>2.50", 2.5)
    assert [tidy(value) for value in (7, 33, 248, 3399, 45678)] == [7, 30, 240, 3300, 45000]
