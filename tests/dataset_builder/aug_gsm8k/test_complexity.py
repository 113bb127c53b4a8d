"""Tests of complexity: how the last question is read, and that each extension holds in every tense."""

import re
from fractions import Fraction

import pytest

from arith_puzzle.dataset_builder.aug_gsm8k.rules import complexity
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions import asked, verbs
from arith_puzzle.dataset_builder.aug_gsm8k.rules.extensions.kinds import AGE_KINDS, KINDS, PLACE_KINDS, kinds_of
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
        ("How many green marbles did Tom lose in total?", ("green marbles", "Tom", "he", "does", "lose", "")),
        ("How much money will he earn a week?", ("money", "Tom", "he", "will", "earn", "a week")),
        ("How much did Tom pay for everything?", ("money", "Tom", "he", "does", "spend", "for everything")),
        ("How many marbles do they have?", None),
        ("How many marbles did he start with?", ("marbles", "Tom", "he", "did", "have", "at the start")),
        ("How many marbles does he have in his collection?", ("marbles", "Tom", "he", "does", "have", "")),
        ("How many marbles does he have left to sell?", ("marbles", "Tom", "he", "does", "have", "left")),
        ("How many marbles does he need to fill his bag?", ("marbles", "Tom", "he", "does", "need", "")),
        ("How many marbles does he need to fill his bag in 3 days?", None),
        ("How many marbles does he have in his bags?", ("marbles", "Tom", "he", "does", "have", "in his bags")),
        ("How many marbles does he have left after losing a bag?", None),
        ("How many marbles does he still need?", None),
        ("How many marbles did he lose?", ("marbles", "Tom", "he", "does", "lose", "")),
        ("How many marbles does she have left?", None),
        ("How many more marbles does he have?", None),
        ("How many marbles does he have than before?", None),
        ("How many of the marbles does he have?", None),
        ("How many marbles would he have?", None),
        ("How many marbles does he weigh?", None),
        (
            "How many bags of marbles did Tom buy on Monday?",
            ("bags of marbles", "Tom", "he", "does", "buy", "on Monday"),
        ),
        ("How many marbles do Tom and Ann have?", None),
        ("How many marbles has he collected?", ("marbles", "Tom", "he", "does", "collect", "")),
        ("How many dollars did he spend on soap?", ("money", "Tom", "he", "does", "spend", "on soap")),
        ("What does he have?", None),
    ],
)
def test_how_the_last_question_is_read(last, read):
    found = asked.read(f"{STORY} {last}")
    assert (found and (found.noun, found.name, found.he, found.aux, found.verb, found.rest)) == read
    assert found is None or (found.story, found.text) == (STORY, last)


@pytest.mark.parametrize(
    ("text", "aux"),
    [
        ("Tom sold 12 pens. How many pens did he sell?", "did"),
        ("Tom sold 12 pens. How many pens does Tom sell?", "did"),
        ("Tom sells 12 pens. How many pens did Tom sell?", "does"),
        ("Tom sells 12 pens. How many pens does Tom sell?", "does"),
        ("Tom had 12 pens and sold 2. How many pens does Tom have?", "does"),
        ("Tom has 12 pens. How many pens did Tom have at first?", "did"),
    ],
)
def test_the_tense_is_that_of_the_story(text, aux):
    read = asked.read(text)
    assert read is not None and read.aux == aux


@pytest.mark.parametrize(
    ("story", "be"),
    [("There were 8 pens. Ann lost 2.", "were"), ("There are 8 pens. Ann has 2.", "are"), ("8 pens lie here.", None)],
)
def test_things_are_counted_in_the_tense_of_the_story(story, be):
    for asks in ("are", "were"):
        read = asked.read_counted(f"{story} How many pens {asks} there?")
        assert read is not None and read.be == (be or asks)


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
        and found.paid
        and (found.name, found.he, found.aux, found.verb) == ("Ann", "she", "did", "spend")
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
    assert verbs.conjugated(verb, "does") == present
    assert verbs.conjugated(verb, "did") == before == verbs.past(verb)
    assert verbs.conjugated(verb, "will") == f"will {verb}"


TALES = {
    "did": "Tom had 12 bags with 5 marbles each. He lost 12 marbles.",
    "does": STORY,
    "will": STORY,
}
QUESTIONS = [
    (aux, f"{TALES[aux]} How {what} {aux} {who} {verb}{rest}?")
    for aux in TALES
    for who in ("he", "Tom")
    for what, verb, rest in (
        ("many marbles", "have", " left"), ("many marbles", "have", " in total"), ("many cookies", "have", ""),
        ("many books", "buy", " a week"), ("much", "spend", ""), ("much", "pay", " for everything"),
        ("much money", "have", " left"), ("much money", "earn", " per month"), ("much", "save", ""),
    )
]  # fmt: skip
PLACES = [
    (be, f"There {be} 60 in 5 rooms of a school. How many {what} {be}{end}?")
    for what in ("marbles", "red pens", "children", "students")
    for be in ("are", "were")
    for end in (" there", " left", " in the room now", " there in total")
]
AGES = [("does", "Tom is 4 years older than Ann, who is 44. How old is Tom now?")]
THE_SAME = {"did": r"\b(?:was|were|[a-z]+ed|bought|paid|gave|spent|had|ate|got|put|sold)\b", "does": "",
            "will": r"\bwill\b", "are": r"\bare\b", "were": r"\b(?:was|were|had)\b"}  # fmt: skip


@pytest.mark.parametrize("kind", [*KINDS, *PLACE_KINDS, *AGE_KINDS], ids=lambda kind: kind.name)
def test_each_extension_holds(kind):
    made = 0
    for aux, text in [*QUESTIONS, *PLACES, *AGES]:
        read = complexity._read(text)
        assert read is not None, text
        if kind not in kinds_of(read):
            continue
        for attempt in range(6):
            reason, pair = complexity._extend(text, problem(text).response, kind, Draws("test", text, attempt))
            if pair is None:
                continue
            made += 1
            question, (solution,) = pair
            new = question.removeprefix(read.story)
            assert reason == "" and fault(question, solution) is None and new != question
            assert solution.count("<<") >= 2 + complexity.MORE_STEPS
            assert question.count("?") == 1 and text not in question
            assert not re.search(r"\{|\}|  |\bNone\b|\.\.|\bthe (?:two|three) of them\b", question + solution), question
            assert re.search(THE_SAME[aux], new), question
    assert made >= 5, made


BAGS = "Tom has 12 bags with 5 marbles each. "
FRIENDS, PACKED, PAID = ["further_person"], ["packed_with_more"], ["from_savings"]
MONEY = ["half_saved", "divided_with_more"]
TEAMS = ["teams_with_more", "teams_without_some"]


@pytest.mark.parametrize(
    ("text", "fits", "does_not_fit"),
    [
        (f"{BAGS}How many marbles does Tom have?", [*FRIENDS, *PACKED, "average_of_both", "common_goal"], ["sold"]),
        (f"{BAGS}How many children does Tom have?", [], FRIENDS),
        (f"{BAGS}They share them. How many marbles does Tom get?", [], FRIENDS),
        (f"{BAGS}How many marbles does Tom buy for his brother?", [], FRIENDS),
        (f"{BAGS}How many marbles does Tom win?", PACKED, FRIENDS),
        ("Tom plants 60 roses. How many roses does Tom have?", FRIENDS, PACKED),
        (f"{BAGS}Ann eats one. How many cookies does Tom bake?", FRIENDS, [*PACKED, "sold"]),
        (f"{BAGS}How many cookies does Tom bake?", [*FRIENDS, *PACKED, "sold"], []),
        ("Mr. Tom has 60 pens. He hides 2. How many pens does Tom have?", PACKED, FRIENDS),
        ("Tom works for 2 hours and has 8. How many hours does Tom have left?", [], FRIENDS),
        ("Tom owes $60 and works 2 hours a day. How many hours does Tom work?", [], FRIENDS),
        ("Tom spends $60 on repairs. How much money does Tom spend?", [], FRIENDS),
        (f"{BAGS}How many marbles does Tom buy in order not to use old ones?", [], FRIENDS),
        (f"{BAGS}How many marbles does Tom have in the bags?", [], FRIENDS),
        ("Tom earns $9 an hour. Then his pay doubles. How much money does Tom earn?", [], FRIENDS),
        ("Tom buys a pan for $60 and splits the cost. How much does Tom pay?", [], PAID),
        (f"{BAGS}How many marbles does Tom receive?", PACKED, FRIENDS),
        ("Zorro has 60 pens and hides 2. How many pens does Zorro have?", FRIENDS, PACKED),
        ("Tom hires a singer for $60 an hour. How much does Tom pay?", [], [*FRIENDS, *PAID]),
        ("Tom buys 2 pens for $30 each. How much does Tom pay?", [*FRIENDS, *PAID, "paid_with_bills"], []),
        ("Tom buys a pen and a cup, $60 in all. How much did Tom pay for the pen?", [], [*FRIENDS, *PAID]),
        ("Tom collects $60 for charity. How much money does Tom collect?", FRIENDS, MONEY),
        ("Tom gets $60 from his aunt. How much money does Tom get?", MONEY, FRIENDS),
        ("To earn money for his new tent, Tom sells 6 cups. How much money does Tom earn?", [], MONEY),
        ("Tom earns $60 to buy a tent. How much money does Tom earn?", [], MONEY),
        ("Tom has 60 dimes and 6 cents. How much money does Tom have?", [], MONEY),
        (f"{BAGS}How many games does Tom win?", [], PACKED),
        ("A coat costs $60 less on sale. Tom buys it. How much money does Tom save?", FRIENDS, MONEY),
        ("Ann bakes 60 cookies. The cookies are sold. How many cookies are there?", [], ["all_packed"]),
        ("There are 60 beads in a necklace. How many beads are there?", [], ["all_packed"]),
        ("There are 60 beads in a bag. How many beads are there?", ["all_packed"], []),
        ("There are 60 children at a show. How many children are there?", [], TEAMS),
        ("There are 60 children at a camp. How many children are there?", TEAMS, []),
        ("There are 80 hens on a farm, and 20 are sold. How many hens are on the farm?", [], ["more_places"]),
        ("There are 80 hens on a farm. Then 20 hatch. How many hens are on the farm?", ["more_places"], []),
    ],
)  # fmt: skip
def test_which_extensions_fit_a_story(text, fits, does_not_fit):
    read = complexity._read(text)
    assert read is not None
    found = {kind.name for kind in kinds_of(read)}
    assert found >= set(fits) and not found & set(does_not_fit), found


@pytest.mark.parametrize(
    "text",
    [
        "Tom the dog has 60 bones. He hides 2. How many bones does he have?",
        "Tom, the Irish Setter, has 60 bones. He hides 2. How many bones does he have?",
        "A girl squirrel has 60 nuts. It hides 2 nuts. How many nuts are left?",
        "Tom has \u20ac60. He spends \u20ac2. How much money does Tom have?",
    ],
)
def test_stories_that_are_not_extended(text):
    assert complexity._read(text) is None


def test_further_persons_are_named_and_fit_the_story():
    text = "Ann's friend and her neighbor help her. Ann drinks 20 liters of water. Mia looks on. "
    read = asked.read(f"{text}How many liters of water does Ann drink?")
    assert read is not None
    seen = set()
    for kind in KINDS[:1] + [kind for kind in KINDS if kind.name in ("further_persons", "compared")]:
        for attempt in range(60):
            made = kind.extend(read, Fraction(20), Draws("test", attempt))
            if made:
                seen.add(re.search("Ann's (\\w+) ([A-Z])", made.text).groups())
                assert "three times" not in made.text and "twice" not in made.text, made.text
    assert {role for role, _ in seen} == {"cousin"} and not {initial for _, initial in seen} & {"A", "M"}


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
        (f"{STORY} How many marbles did he give away?", "no_kind"),
    ],
)
def test_why_a_source_gives_nothing(question, reason):
    assert complexity.augment(problem(question), 0, 8, [])[:2] == ([], reason)


def test_an_equation_in_percent_holds_too():
    text = "Tom has 60 pets. 20% are dogs, and 50% are cats. The rest are birds. How many birds does Tom have?"
    for percent, answers in ((30, True), (20, False)):
        steps = f"100% - 50% - 20% = {percent}%\n60*.3=<<60*.3=18>>18\n#### 18"
        assert bool(complexity.augment(problem(text, steps), 0, 8, [])[0]) == answers


def test_new_steps_are_written_as_in_gsm8k():
    assert computed("{} + {}", 12, 3) == ("12+3=<<12+3=15>>15", 15)
    assert computed("{} / {}", 5, 2, money=True) == ("5/2=$<<5/2=2.50>>2.50", 2.5)
    assert [tidy(value) for value in (7, 33, 248, 3399, 45678)] == [7, 30, 240, 3300, 45000]
