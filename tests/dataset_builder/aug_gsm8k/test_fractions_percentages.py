"""Tests of fractions_percentages: shares of given quantities, shares of the answer, and what every pair must hold."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest

from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions import counts, given, money, usual
from arith_puzzle.dataset_builder.aug_gsm8k.rules.fractions_percentages import DROPPED, REFUSED, augment
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import fault
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import attached, bases, prepared, restated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import shares_of
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, read_problems
from arith_puzzle.metrics.gsm8k_answer.score import answer
from tests.dataset_builder.aug_gsm8k.stories import EGGS, GSM8K, SHOES, WAGE, problem

CARS = problem(
    "A lot has 40 cars and 30 trucks. There are 10 more vans than cars. How many vans are there in the lot?",
    "There are 40+10=<<40+10=50>>50 vans.\nIn all, 50+30=<<50+30=80>>80 of them.\n#### 80",
    3,
)
SENT = problem("I bake 6 pans of 8 eggs for her guests. How many eggs will I have?", "6*8=<<6*8=48>>48\n#### 48")
SOURCES = [EGGS, WAGE, SHOES, CARS]


def draws(at):
    return Draws("test", at)


@pytest.mark.parametrize(
    ("source", "way", "parts", "steps"),
    [
        (EGGS, given._part, {"gives 25% of them away", "gives a quarter of them away"}, {"60*25/100=", "60/4="}),
        (
            CARS,
            given._two_kinds,
            {"40 cars and 25% fewer trucks than cars", "40 cars and 3/4 as many trucks as cars"},
            {"40-10="},
        ),
        (CARS, given._compared, {"There are 25% more vans than cars."}, {"40*25/100=<<40*25/100=10>>10."}),
        (WAGE, given._wage, {"earns 20% more than the usual wage of $10 an hour"}, {"10+2=$<<10+2=12>>12 an hour."}),
        (SHOES, given._discount, {"costs $20 before a discount of 25%", "costs $20 before a 25% discount"}, {"20-5=$"}),
        (
            problem("Ann jogs for 45 minutes, then for 8. How many?", "45+8=<<45+8=53>>53\n#### 53"),
            given._unit,
            {"for three quarters of an hour", "for 3/4 of an hour"},
            {"60*3/4=<<60*3/4=45>>45 minutes."},
        ),
    ],
)
def test_a_given_quantity_as_a_share(source, way, parts, steps):
    made = [pair for at in range(60) if (pair := restated(source, way, draws(at)))]
    text = "\n".join(pair.question for pair in made)
    assert {part for part in parts if part in text}, text
    assert any(step in pair.solutions[0] for step in steps for pair in made), made
    for pair in made:
        assert source.response.rpartition("####")[0].strip().split("\n")[-1] in pair.solutions[0]
        assert answer(pair.solutions[0]) == source.answer and fault(pair.question, pair.solutions[0]) is None
        for share in re.findall(r"(\d+)%", pair.question):
            assert 0 < int(share) < 200


def test_a_share_of_an_intermediate_result_follows_its_line():
    source = problem(
        "Ann has 8 boxes of 5 pens. Tom has 10 more pens than Ann. How many pens has Tom?",
        "Ann has 8*5=<<8*5=40>>40 pens.\nTom has 40+10=<<40+10=50>>50 pens.\n#### 50",
    )
    pair = next(pair for at in range(9) if (pair := restated(source, given._compared, draws(at))))
    assert "Tom has 25% more pens than Ann" in pair.question or "Tom has a quarter more pens" in pair.question
    assert pair.solutions[0].split("\n")[1].startswith(("25% of 40 is", "A quarter of 40 is"))


@pytest.mark.parametrize(
    ("query", "response"),
    [
        ("Ann has 60 pens. Tom has 7 more pens than Ann. How many?", "60+7=<<60+7=67>>67\n#### 67"),
        ("Ann has 5 boxes of 20 pens. She gives 10 of them away.", "5*20=<<5*20=100>>100\n#### 100"),
        ("Ann has 40 pens and gives 10 of them away each day. How many?", "40-10=<<40-10=30>>30\n#### 30"),
        ("A trip has 5 days and 4 nights. How many?", "5+4=<<5+4=9>>9\n#### 9"),
        ("Ann is 45 minutes late, then 8. How many?", "45+8=<<45+8=53>>53\n#### 53"),
        ("A pen costs $15 with a coupon for 10% off. How much are 2?", "2*15=<<2*15=30>>30\n#### 30"),
        (
            "Ann has 40 pens. Tom has 10 more than twice as many. How many?",
            "40*2=<<40*2=80>>80\n80+10=<<80+10=90>>90\n#### 90",
        ),
        ("A box is 6 inches by 5 inches. What is its area?", "6*5=<<6*5=30>>30\n#### 30"),
        ("A cup holds 8 ounces of water. How many ounces do 4 hold?", "4*8=<<4*8=32>>32\n#### 32"),
        ("Ann sleeps for 12 hours and plays for 6. How many?", "12+6=<<12+6=18>>18\n#### 18"),
        ("A pen costs $15. A book costs twice as much. How much is it, in a year?", "2*15=<<2*15=30>>30\n#### 30"),
    ],
)
def test_quantities_that_stay(query, response):
    source = problem(query, response)
    assert not [way for way in given.GIVEN for at in range(20) if restated(source, way, draws(at))]


@pytest.mark.parametrize(
    ("query", "way", "parts"),
    [
        ("Ann bakes 24 cakes and sells them.", usual.expected, {"bakes 20% more than the planned 20 cakes and"}),
        ("Ann has 24 pens in her bag.", usual.than_before, {"more pens in her bag than last year, when she had 20."}),
        ("There are 24 pens.", usual.than_before, {"There are 20% fewer pens than last week, when there were 30."}),
        ("Shoes cost $24.", usual.usual_price, {"cost 20% less than the usual price of $30."}),
        ("Ann bakes 24 cakes and Eve twice as many.", usual.expected, set()),
        ("Ann bakes 24 cakes on Monday and 9 on Friday.", usual.expected, set()),
        ("Ann bakes 24 cakes a day.", usual.expected, set()),
        ("Bo has 24 pens.", usual.than_before, set()),
        ("Ann has 24 pens. Before, she had 9.", usual.than_before, set()),
        ("Candies cost $24.", usual.usual_price, set()),
        ("A gift costs $24.", usual.usual_price, set()),
        ("Everything else costs $24.", usual.usual_price, set()),
        ("The 4 chairs cost $24.", usual.usual_price, set()),
        ("Tickets cost $24 and $9 for kids.", usual.usual_price, set()),
    ],
)
def test_a_given_quantity_beside_a_usual_one(query, way, parts):
    source = problem(f"{query} How many are 6 more?", "24+6=<<24+6=30>>30\n#### 30")
    text = "\n".join(pair.question for at in range(99) if (pair := restated(source, way, draws(at))))
    assert all(part in text for part in parts) and bool(text) == bool(parts), text


def ways(source, rewrites):
    return {
        rewrite.__name__: [pair for at in range(40) if (pair := attached(source, rewrite, draws(at)))]
        for rewrite in rewrites
    }


def test_shares_of_a_number_of_things():
    found = ways(EGGS, counts.COUNTS)
    assert found["handed_on"] and found["features"] and not found["older"]
    for pair in found["handed_on"]:
        assert "Of the eggs that she has left, she " in pair.question
        assert pair.solutions[0].startswith("Mia has 60-15=<<60-15=45>>45 eggs left.\n")
    kept = next(pair for pair in found["handed_on"] if " 20% to her " in pair.question and "does she" in pair.question)
    assert "45*20/100=<<45*20/100=9>>9" in kept.solutions[0]
    for pair in found["features"]:
        assert pair.question.endswith(" of the eggs that she has left are brown. How many of them are not brown?")
    assert not any(ways(SENT, counts.COUNTS).values())
    books = problem(
        "Ann has 8 books. Tom has 10 more. How many books do Ann and Tom have?", "8+8+10=<<8+8+10=26>>26\n#### 26"
    )
    assert not ways(books, counts.COUNTS)["features"]


def test_shares_of_an_amount_of_money():
    found = ways(SHOES, money.MONEY)
    assert all(found[name] for name in ("discount", "surcharge", "help_with_cost", "refund")) and not found["saved"]
    for pair in found["refund"]:
        assert re.search(r"Later, the store gives her back \d+% of the money that she pays (as|because)", pair.question)
    for pair in found["discount"]:
        percent = int(re.search(r"(\d+)%", pair.question)[1])
        assert answer(pair.solutions[0]) == 30 * Fraction(100 - percent, 100)
    for pair in found["surcharge"]:
        percent = int(re.search(r"(\d+)%", pair.question)[1])
        assert percent <= 10 and answer(pair.solutions[0]) == 30 * Fraction(100 + percent, 100)
    gains = ways(WAGE, money.MONEY)
    assert gains["use_of_gain"] and gains["saved"] and not gains["discount"]


def test_a_solution_that_says_what_is_paid_is_not_contradicted():
    """Eve pays $30 there, so no discount may follow."""
    text = "\n".join(pair.question for pair in augment(SHOES, 5, 40, SOURCES)[0])
    assert "Later, the store gives her back" in text and not re.search("coupon|tax|pays the rest|Because of", text)
    plain = replace(SHOES, response=SHOES.response.replace("Eve pays", "They cost"))
    assert re.search("coupon|tax|pays the rest", "\n".join(pair.question for pair in augment(plain, 5, 40, SOURCES)[0]))


def test_other_orders_have_the_same_steps():
    two = [pair for source in SOURCES for pair in ways(source, money.MONEY)["discount"] if len(pair.solutions) > 1]
    assert two
    for pair in two:
        first, second = pair.solutions
        assert first != second and sorted(first.split("\n")) == sorted(second.split("\n"))


def test_shares_stay_whole():
    assert {share.words for share in shares_of(Fraction(45), 0.15, 0.25)} == {"20%", "a fifth", "1/5"}
    assert all((share.value * 46).denominator == 1 for share in shares_of(Fraction(46), 0, 1))
    assert "15%" in {share.words for share in shares_of(Fraction(30), 0, 1, money=True)}


def test_the_final_question_in_another_order():
    moved = prepared(problem("Ann sells pens for $2 each. How much does she earn if she sells 5 pens?", WAGE.response))
    assert moved.query == "Ann sells pens for $2 each. If she sells 5 pens, how much does she earn?"
    same = prepared(EGGS)
    assert same == EGGS
    aside = prepared(problem("Ann has 5 pens. How many pens, in total, does Ann have?", WAGE.response))
    assert aside.query == "Ann has 5 pens. How many pens does Ann have?"


def held(source, pair):
    """Assert what holds for every pair."""
    assert pair.question != source.query and 1 <= len(pair.solutions) <= 3
    shares = r"%|half|third|quarter|fifth|sixth|eighth|tenth|percent|[0-9]/[0-9]"
    assert re.search(shares, pair.question, re.IGNORECASE), pair.question
    assert len({answer(solution) for solution in pair.solutions}) == 1
    for solution in pair.solutions:
        assert fault(pair.question, solution) is None


def test_every_pair_holds_and_is_a_pure_function():
    for source in SOURCES:
        pairs, refused, dropped = augment(source, 5, 8, SOURCES)
        assert refused is None and 2 <= len(pairs) <= 8 and set(dropped) <= set(DROPPED)
        for pair in pairs:
            held(source, pair)
        assert len({pair.question for pair in pairs}) == len(pairs)
        assert augment(source, 5, 8, SOURCES)[0] == pairs and augment(source, 5, 2, SOURCES)[0] == pairs[:2]
        assert augment(source, 6, 8, SOURCES)[0] != pairs
        assert bases(source, 5)[0] == source


def test_refused_sources():
    for response, reason in (("3+4=7\n#### 7", "annotations"), ("3+9=<<3+9=12>>12\n#### 12", "unexplained")):
        source = problem("Ann has 3 eggs and buys 4. How many?", response)
        assert augment(source, 0, 3, [])[:2] == ([], reason) and reason in REFUSED
    plain = problem("Ann is 3 and Eve is 4. What is the sum?", "3+4=<<3+4=7>>7\n#### 7")
    assert augment(plain, 0, 3, [])[:2] == ([], "no_rewrite")


@pytest.mark.skipif(not GSM8K.is_file(), reason="needs GSM8K in ../shared/data, which a public clone lacks")
def test_on_gsm8k_itself():
    problems = read_problems(GSM8K, 400)
    pairs = [(source, pair) for source in problems[::4] for pair in augment(source, 2, 8, problems)[0]]
    for source, pair in pairs:
        held(source, pair)
    assert len(pairs) > 100
