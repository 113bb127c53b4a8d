"""Tests of combine_concepts: the final question as a phrase, the concepts, and what every pair must hold."""

from fractions import Fraction

import pytest

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine import comparisons, goods, joined, measures, money, things
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import conjugated, parse_final, third
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.given_amounts import AMOUNTS
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.given_rates import RATES
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import (
    calculated,
    fault_of_source,
    gender,
    names,
    person_of,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine_concepts import DROPPED, REFUSED, augment, clear
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import fault
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import attached, prepared
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, read_problems
from arith_puzzle.metrics.gsm8k_answer.score import answer
from tests.dataset_builder.aug_gsm8k.stories import GSM8K, problem

EGGS = problem(
    "Mia's hens lay 50 eggs. She gives 14 of them away. How many eggs does she have left?",
    "Mia has 50-14=<<50-14=36>>36 eggs left.\n#### 36",
)
WAGE = problem(
    "Ann works 8 hours and earns $9 an hour. How much money does she earn?",
    "Ann earns 8*9=$<<8*9=72>>72.\n#### 72",
    1,
)
SHOES = problem(
    "Eve buys 2 pairs of shoes. Each pair costs $15. How much does she pay?",
    "Eve pays 2*15=$<<2*15=30>>30.\n#### 30",
    2,
)
TIPS = problem(
    "Bob earns $20 at work and $5 in tips. How much money does he earn?",
    "Bob earns 20+5=$<<20+5=25>>25.\n#### 25",
    3,
)
SOURCES = [EGGS, WAGE, SHOES, TIPS]


@pytest.mark.parametrize(
    ("question", "phrase"),
    [
        ("How many eggs does she have left?", "the eggs that she has left"),
        ("How many eggs did Ann and Tom sell in total?", "the eggs that Ann and Tom sold"),
        ("If Ann buys 3 more eggs, how many eggs will she have?", "the eggs that she will have"),
        ("How many students are in the class?", "the students who are in the class"),
        ("How many eggs are there in the box altogether?", "the eggs in the box"),
        ("How many apples remained in the box?", "the apples that remained in the box"),
        ("How many more eggs does she need to bake a cake?", "the eggs that she still needs to bake a cake"),
        ("How many eggs should she buy?", "the eggs that she should buy"),
        ("How much does Ann pay for the eggs?", "the money that Ann pays for the eggs"),
        ("How much money in total did they spend?", "the money that they spent"),
        ("After 3 days, how many eggs does he have?", "the eggs that he has after 3 days"),
        ("What is the total cost of the eggs?", "the total cost of the eggs"),
        ("What is the total number of eggs in the box?", "the eggs in the box"),
        ("Calculate the total number of eggs in the box.", "the eggs in the box"),
        ("How old is Ann?", "Ann's age"),
    ],
)
def test_a_final_question_as_a_phrase(question, phrase):
    final = parse_final(f"Ann has $5 and 3 eggs. {question}")
    assert final is not None and final.phrase() == phrase
    assert final.body.startswith("Ann has $5 and 3 eggs.")


def test_an_if_clause_becomes_a_sentence():
    final = parse_final("Ann has 3 eggs. If she buys 4 more, how many eggs does she have?")
    assert final is not None and final.body == "Ann has 3 eggs. She buys 4 more."


@pytest.mark.parametrize(
    "question",
    [
        "How many more eggs does Ann have than Tom?",
        "If she had bought 4 more, how many eggs would she have?",
        "How many eggs does each hen lay per day?",
        "What percentage of the eggs is left?",
        "How many eggs does she eat? And how many does Tom eat?",
        "How long does it take?",
        "How many of the eggs are brown?",
        "How many eggs does she frobnicate?",
        "How many ways are there?",
    ],
)
def test_other_final_questions_are_refused(question):
    assert parse_final(f"Ann has $5 and 3 eggs. {question}") is None
    assert parse_final(question) is None


def test_verb_forms():
    assert [third(verb) for verb in ("have", "go", "carry", "play", "wash", "sell")] == [
        "has", "goes", "carries", "plays", "washes", "sells",
    ]  # fmt: skip
    assert conjugated("bake", "past", False) == "baked" and conjugated("buy", "past", False) == "bought"
    assert conjugated("buy", "future", True) == "will buy" and conjugated("buy", "present", True) == "buy"


def test_who_acts():
    def person(query):
        final = parse_final(query)
        assert final is not None
        return person_of(final, query)

    assert person("Kia has 3 eggs. Her hens lay 4. How many eggs does Kia have?").pronoun == "she"
    assert person("Kia has 3 eggs. How many eggs does Kia have?") is None
    assert person("Tom gives Kia 3 of his 9 eggs. How many eggs does Kia have?") is None
    assert person("Kia and Lo have 9 eggs. How many eggs do Kia and Lo sell?").objective == "them"
    assert person("The baker has 9 eggs. How many eggs does the baker sell?") is None
    assert gender("He and she") == gender("It") == "" and names("On Monday Kia ran. Then Lo ran.") == {"Kia", "Lo"}


@pytest.mark.parametrize(
    ("query", "response", "reason"),
    [
        ("Ann has 3 eggs and buys 4. How many?", "3+4=<<3+4=7>>7\n#### 7", None),
        ("Ann has 3 eggs and buys 4. How many?", "3+4=7\n#### 7", "annotations"),
        ("Ann has 3 eggs and buys 4. How many?", "3+4=<<3+4=8>>8\n#### 8", "annotations"),
        ("Ann has 3 eggs and buys 4. How many?", "3+4=<<3+4=7>>7\n#### 8", "annotations"),
        ("Ann has 3 eggs and buys 4. How many?", "3+9=<<3+9=12>>12\n#### 12", "unexplained"),
        ("Ann has 3 eggs and buys 4. How many?", "2*4=9, 3+4=<<3+4=7>>7\n#### 7", "unexplained"),
        ("Ann has 3 eggs and buys 4. How many?", "Let x = 3+4=<<3+4=7>>7\n#### 7", "algebra"),
        ("Ann has 3 eggs and buys 4." * 40, "3+4=<<3+4=7>>7\n#### 7", "long"),
    ],
)
def test_sources_that_are_not_used(query, response, reason):
    assert fault_of_source(problem(query, response)) == reason
    assert reason is None or (reason in REFUSED and augment(problem(query, response), 0, 3, [])[:2] == ([], reason))


def held(source, pair):
    """Assert what holds for every pair."""
    assert pair.question != source.query and 1 <= len(pair.solutions) <= 3
    assert len({answer(solution) for solution in pair.solutions}) == 1 and len(set(pair.solutions)) == len(
        pair.solutions
    )
    for solution in pair.solutions:
        assert fault(pair.question, solution) is None
        assert sorted(solution.split("\n")) == sorted(pair.solutions[0].split("\n"))


def test_every_pair_holds_and_is_a_pure_function():
    for source in SOURCES:
        pairs, refused, dropped = augment(source, 5, 8, SOURCES)
        assert refused is None and 4 <= len(pairs) <= 8 and set(dropped) <= set(DROPPED)
        for pair in pairs:
            held(source, pair)
        assert len({pair.question for pair in pairs}) == len(pairs)
        assert augment(source, 5, 8, SOURCES)[0] == pairs and augment(source, 5, 3, SOURCES)[0] == pairs[:3]
        assert augment(source, 6, 8, SOURCES)[0] != pairs


def made(concept, query, response):
    """What a concept makes of a source, with several draws."""
    source = prepared(problem(query, response))
    found = [attached(source, concept, Draws("made", at)) for at in range(40)]
    return [pair for pair in found if pair and not fault(pair.question, pair.solutions[0])]


COMPARED, MONEY, GOODS = comparisons.COMPARISONS, money.MONEY, (*things.THINGS, *goods.MORE)
SHOP = "Eve buys 2 hats for $15 each at a store. "
COST = "2*15=$<<2*15=30>>30\n#### 30"
PAID = "100-40=$<<100-40=60>>60\n#### 60"
LEFT = "60-15=<<60-15=45>>45\n#### 45"
FARM = "Ann has 60 apples. She gives 15 to Tom. "


@pytest.mark.parametrize(
    ("concepts", "query", "response", "part"),
    [
        (COMPARED, f"{FARM}How many apples does Ann have left?", LEFT, "For every 5 apples that Ann has left, her "),
        (COMPARED, f"{FARM}How many apples does Ann have left?", LEFT, "together?"),
        (COMPARED, f"{SHOP}How much money did she spend?", COST, "For every $5 that she spent, her "),
        (MONEY, f"{SHOP}How much did she pay?", COST, "In Mexican pesos, how much is the money that she paid?"),
        (MONEY, f"{SHOP}How much did she pay?", COST, "She used $20 bills to pay for all of this, and no more"),
        (MONEY, "Eve had $100 and lost $40. How much does she have left?", PAID, " in the ratio "),
        (
            GOODS,
            f"{FARM}How many apples does Ann have left?",
            LEFT,
            "How many kilograms do the apples that Ann has left",
        ),
        (GOODS, f"{FARM}How many apples does Ann have left?", LEFT, "Ann divides the apples that she has left between"),
    ],
)
def test_a_concept_for_the_answer(concepts, query, response, part):
    pairs = [pair for concept in concepts for pair in made(concept, query, response)]
    assert any(part in pair.question for pair in pairs), [pair.question for pair in pairs]


@pytest.mark.parametrize(
    ("concepts", "query", "response"),
    [
        (COMPARED, "Eve had $100 and paid $40. How much change did she receive?", PAID),
        (COMPARED, "Eve earned $100 and her costs were $40. How much profit did she make?", PAID),
        (COMPARED, "Eve spent $40 of $100. How much money did she have at first?", PAID),
        (COMPARED, "Eve drank 60 cups and 15 less. How many cups of tea did she drink?", LEFT),
        (COMPARED, "Eve had 60 apples, 15 rotten. How many apples did she have?", LEFT),
        (COMPARED, "Ann and Tom had 60 apples and ate 15. How many apples do they have left?", LEFT),
        (COMPARED[3:4], "Eve read 60 pages, 15 before May. How many pages did she read on Monday?", LEFT),
        (MONEY, "A store had sales of $100. They paid $40. How much money did they make last month?", PAID),
        (COMPARED, "Eve needs 60 pens and has 15. How many pens does she still need?", LEFT),
        (MONEY[:4], "Eve's mom has $30. She pays 2 times $15. How much does she pay?", COST),
        (
            MONEY[1:2],
            "Eve buys 2 lunches for $30 each at a restaurant. How much does she pay?",
            "2*30=<<2*30=60>>60\n#### 60",
        ),
        (MONEY[4:5], "Eve pays $15 every day at a store for 2 days. How much does she pay?", COST),
        (GOODS, "Eve had 60 apples and kept 15. How many apples did she eat?", LEFT),
        (GOODS, "Eve had 60 apples and lost 15 of them. How many apples did she have at first?", LEFT),
        (things.THINGS, "Eve baked 60 cookies, and 15 burned. Tom ate some. How many cookies did she bake?", LEFT),
        (GOODS, "Eve had 60 quarters and gave away 15 coins. How many coins can she have?", LEFT),
        ((goods._worth,), "Eve had 60 dimes and gave away 15 coins. How many coins does she have left?", LEFT),
        ((goods._divided,), "Eve won 60 matches and lost 15. How many matches does she have?", LEFT),
        ((things._people,), "A battle had 60 men and lost 15. How many men are in the battle?", LEFT),
        ((things._packs,), "Eve has 15 of 60 cookies. How many cookies does she need to bake?", LEFT),
        ((measures._burned,), "Eve runs 60 miles less 15. How many miles can she run?", LEFT),
    ],
)
def test_stories_that_a_concept_does_not_fit(concepts, query, response):
    assert not [pair.question for concept in concepts for pair in made(concept, query, response)]


@pytest.mark.parametrize(
    ("query", "certain"),
    [
        ("Ann has 3 hats and Bo has 4. How many hats does Ann have?", True),
        ("Ann has 3 hats. How many hats does she have?", True),
        ("Ann has 3 hats and Tom has 4. How many hats does she have?", True),
        ("Ann has 3 hats and Eve has 4. How many hats does she have?", False),
        ("Ann has 3 hats and her sister 4. How many hats does she have?", False),
        ("Stan has 3 hats and John has 4. How many hats does he have?", False),
        ("Ann had 3 hats and lost 1 of her hats. How many hats are left with Ann?", False),
    ],
)
def test_who_the_new_sentences_speak_of(query, certain):
    final = parse_final(query)
    assert final is not None and clear(final, person_of(final, query), query) == certain


def test_free_steps_may_come_first():
    ways = [pair.solutions for seed in range(9) for pair in augment(EGGS, seed, 8, [])[0] if len(pair.solutions) == 2]
    assert ways and all(second.split("\n")[0] != first.split("\n")[0] for first, second in ways)


def restated(query, response):
    """The question and first step of each restatement of a given quantity."""
    made = [way(problem(query, response), Draws("x", at)) for way in (*RATES, *AMOUNTS) for at in range(3)]
    return {query[: each.start] + each.text + query[each.end :]: each.step for each in made if each}


@pytest.mark.parametrize(
    ("query", "response", "part", "step"),
    [
        ("Ann earns $9 an hour. She works 8 hours. How much?", WAGE.response, " for every ", "One hour is worth "),
        ("Ann reads 9 pages an hour for 8 hours. How many?", WAGE.response, " pages every ", "In one hour, "),
        ("Ann buys 8 pens. The pens cost $9 each. How much?", WAGE.response, "cost $", "At this price, "),
        ("Ann has $20 and spends $8. How much?", "20-8=<<20-8=12>>12\n#### 12", " bills and ", "bills are "),
        ("Ann bakes 48 cookies for 6 kids. How many each?", "48/6=<<48/6=8>>8\n#### 8", "4 dozen cookies", "4*12="),
        (
            "Ann reads for 3 hours. She reads 9 pages in each. How many?",
            "3*9=<<3*9=27>>27\n#### 27",
            "180 minutes",
            "180/60=",
        ),
    ],
)
def test_a_given_quantity_by_another_concept(query, response, part, step):
    found = restated(query, response)
    assert any(part in question and step in line for question, line in found.items()), found


def test_quantities_that_are_not_restated():
    for query in (
        "Ann is 3 years old. How old?",
        "Ann runs at 3 miles per hour.",
        "A 3-hour trip.",
        "Ann runs 3 hours a day.",
        "Ann drives an average of 9 miles for 3 days.",
        "Ann mows 3 yards on a day. How many yards of grass does she mow in 9 days?",
        "Ann waits 3 hours, then 9 times as long. How much time does she wait in total?",
    ):
        assert not restated(query, "3*9=<<3*9=27>>27\n#### 27"), query
    for query in (
        "Ann has 28 toys worth $10 each in her cart.",
        "There are 10 sheets, and each sheet has 28 cookies.",
        "A canteen has 10 tables, and each table has 28 chairs.",
        "From May to June, Ann worked 28 hours for $10.",
        "Ann buys 28 pens for $10.",
        "A band earned $28 at 10 gigs.",
        "Ann walks 28 miles an hour for 2 hours, then 10.",
    ):
        assert not restated(query, "28*10=<<28*10=280>>280\n#### 280"), query


def test_two_stories_meet():
    for seed in range(40):
        compared = joined.join(WAGE, SOURCES, Draws("c", seed), paid=False)
        assert compared is not None and compared.partner == 3
        assert compared.answer in (72 - 25, 72 + 25, Fraction(72 + 25, 2))
        assert "Ann and Bob are " in compared.question and "$5 in tips" in compared.question
        paid = joined.join(WAGE, SOURCES, Draws("p", seed), paid=True)
        assert paid is not None and paid.partner == 2 and paid.answer == 42
        assert "Eve" not in paid.question and "Ann buys 2 pairs of shoes." in paid.question
        assert "With the money that she earns, Ann pays for the following purchase." in paid.question
    assert joined.join(EGGS, SOURCES, Draws("c", 0), paid=False) is None


def test_a_story_without_an_end_is_not_joined():
    sunday = problem("Cy earns $5 every Sunday and $7. How much money does he earn?", "5+7=$<<5+7=12>>12\n#### 12", 4)
    assert joined.join(WAGE, [WAGE, sunday], Draws("c", 0), paid=False) is None


def test_calculations():
    assert calculated("3*4") == "3*4=<<3*4=12>>12" and calculated("5/2", money=True) == "5/2=$<<5/2=2.50>>2.50"
    with pytest.raises(ValueError, match="no value with two decimals"):
        calculated("1/3")


@pytest.mark.skipif(not GSM8K.is_file(), reason="needs GSM8K in ../shared/data, which a public clone lacks")
def test_on_gsm8k_itself():
    problems = read_problems(GSM8K, 400)
    pairs = [(source, pair) for source in problems[::4] for pair in augment(source, 2, 8, problems)[0]]
    for source, pair in pairs:
        held(source, pair)
    assert len(pairs) > 60
