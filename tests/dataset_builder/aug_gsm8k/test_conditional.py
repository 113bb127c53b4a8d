"""Tests of conditional: conditions on the answer and on given numbers, and what every pair must hold."""

import re
from fractions import Fraction

import pytest

from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.final_question import parse_final
from arith_puzzle.dataset_builder.aug_gsm8k.rules.combine.story import Story, person_of
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditional import DROPPED, REFUSED, augment
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions import (
    cases,
    counts,
    given,
    groups,
    inserted,
    money,
    quoted,
    tasks,
)
from arith_puzzle.dataset_builder.aug_gsm8k.rules.conditions.clauses import condition, thresholds
from arith_puzzle.dataset_builder.aug_gsm8k.rules.pairs import fault
from arith_puzzle.dataset_builder.aug_gsm8k.rules.rewriting import attached, restated
from arith_puzzle.dataset_builder.aug_gsm8k.rules.words import fact
from arith_puzzle.dataset_builder.aug_gsm8k.source import Draws, read_problems
from arith_puzzle.metrics.gsm8k_answer.score import answer
from tests.dataset_builder.aug_gsm8k.stories import EGGS, GSM8K, SHOES, WAGE, problem

RUN = problem(
    "Tom ran 6 miles a day for 5 days. How many miles did he run?", "Tom ran 6*5=<<6*5=30>>30 miles.\n#### 30", 3
)
CLASS = problem(
    "A class has 12 girls and 18 boys. How many students are there in the class?",
    "There are 12+18=<<12+18=30>>30 students.\n#### 30",
    4,
)
SOURCES = [EGGS, WAGE, SHOES, RUN, CLASS]


def draws(at):
    return Draws("test", at)


def story(source, at=0):
    final = parse_final(source.query)
    assert final is not None
    return Story(final, source.answer, source.query.lower(), person_of(final, source.query), draws(at))


@pytest.mark.parametrize(
    ("query", "clause"),
    [
        ("How many eggs does she have left?", "she has more than 9 eggs left"),
        ("How many eggs will she have left?", "she has more than 9 eggs left"),
        ("How many eggs did Ann sell at the market?", "she sold more than 9 eggs at the market"),
        ("How many eggs were there in the box?", "there were more than 9 eggs in the box"),
        ("How many eggs were sold?", "more than 9 eggs were sold"),
        ("How many minutes will it take her to boil the eggs?", "it takes her more than 9 minutes to boil the eggs"),
        ("What is the total cost of the eggs?", "the total cost of the eggs is more than 9"),
    ],
)
def test_the_final_question_as_a_clause(query, clause):
    assert fact(story(problem(f"Ann has $5 and 3 of her eggs. {query}", EGGS.response)), "more than 9") == clause


def test_conditions_hold_or_not():
    """What a condition says of itself agrees with the numbers."""
    compare = {
        "more than": lambda a, b: a > b, "at least": lambda a, b: a >= b, "fewer than": lambda a, b: a < b,
        "less than": lambda a, b: a < b, "at most": lambda a, b: a <= b, "not more than": lambda a, b: a <= b,
        "not less than": lambda a, b: a >= b,
    }  # fmt: skip
    seen = set()
    for source in (EGGS, WAGE):
        for at in range(200):
            when = condition(story(source, at))
            if when is None:
                continue
            value, threshold = (Fraction(text.removeprefix("$")) for text in (when.value, when.threshold))
            assert compare[when.words](value, threshold) == when.holds and value == source.answer
            left, words, right = re.fullmatch(r"\$?([\d.]+) is (.*) \$?([\d.]+)", when.check).groups()
            assert compare[words](Fraction(left), Fraction(right))
            seen.add((when.words, when.holds))
    assert len(seen) == 10
    assert 36 not in thresholds(Fraction(36)) and thresholds(Fraction(36)) == [20, 25, 30, 35, 40, 45, 50, 55, 60]


def ways(source, rewrites):
    return {
        rewrite.__name__: [pair for at in range(60) if (pair := attached(source, rewrite, draws(at)))]
        for rewrite in rewrites
    }


def test_conditions_on_a_number_of_things():
    found = ways(EGGS, counts.COUNTS)
    assert found["gives"] and found["parity"] and found["packs"] and not found["moved"]
    results = {answer(pair.solutions[0]) for pair in found["gives"]}
    assert Fraction(45) in results and all(20 <= result <= 45 for result in results)
    for pair in found["parity"]:
        assert "45 is an odd number" in pair.solutions[0] and answer(pair.solutions[0]) < 45
    for pair in found["packs"]:
        size = int(re.search(r"45/(\d+)=", pair.solutions[0])[1])
        first = int(re.search(r"divided into \w+ of (\d+)", pair.question)[1])
        assert (45 % first == 0) == (first == size) and 45 % size == 0
    assert ways(CLASS, counts.COUNTS)["moved"] and not ways(CLASS, counts.COUNTS)["gives"]


def test_conditions_on_what_is_done_and_on_people():
    found = ways(RUN, [*tasks.TASKS, *groups.GROUPS])
    assert found["contest"] and found["donation"] and not found["tickets"]
    for pair in found["contest"]:
        high, low = (int(text) for text in re.findall(r"(\d) points? for each mile", pair.question))
        assert high > low and answer(pair.solutions[0]) in (30 * high, 30 * low)
    people = ways(CLASS, [*tasks.TASKS, *groups.GROUPS])
    assert people["tickets"] and people["grouped"] and not people["contest"]
    for pair in people["grouped"]:
        assert answer(pair.solutions[0]).denominator == 1
    ages = problem("Tom is 3 times as old as 4-year-old Ann. How old is Tom?", "3*4=<<3*4=12>>12\n#### 12")
    fares = ways(ages, tasks.TASKS)["fare"]
    assert fares
    for pair in fares:
        limit, low, high = (
            int(re.search(text, pair.question)[1]) for text in (r"under (\d+)", r"\$(\d+)", r"and \$(\d+)")
        )
        visits = int(re.search(r"for (\d+) visits", pair.question)[1])
        assert answer(pair.solutions[0]) == visits * (low if limit > 12 else high)


def test_the_final_question_is_quoted():
    """The new answer follows from the old one, 45, and from the numbers behind the quoted question."""
    quote = '"How many eggs does she have left?"'
    results = {rewrite.__name__: set() for rewrite in quoted.QUOTED}
    for rewrite in quoted.QUOTED:
        for pair in [pair for at in range(60) if (pair := rewrite(EGGS, draws(at)))]:
            before, after = pair.question.split(quote)
            assert before.startswith(EGGS.query.rpartition(". ")[0]) and pair.solutions[0].count(" is 45.") == 1
            assert fault(pair.question, pair.solutions[0]) is None
            number = answer(pair.solutions[0])
            holds = holding(45, re.search(r"(?:is|this answer is|the distance is) ([a-z ]+\d*)", after)[1])
            if rewrite is quoted.bet:
                costs = [int(a) * int(b) for a, b in re.findall(r"buys (\d) .*?\$(\d+) each", after)]
                assert number == costs[0 if holds else 1]
            elif rewrite is quoted.quiz:
                said, most, near, bonus = (int(text) for text in re.findall(r"\d+", after))
                holds = abs(45 - said) <= near
                assert number == most - abs(45 - said) + (bonus if holds else 0) and said != 45
            else:
                assert (
                    number
                    in {
                        quoted.worksheet: [45 * k for k in (2, 3, 4, 5)] + list(range(20, 100)),
                        quoted.code: [45 * k for k in (2, 3, 4, 5)] + list(range(50, 146)),
                        quoted.board: range(1, 86),
                    }[rewrite]
                )
            results[rewrite.__name__].add(holds)
    assert all(seen == {True, False} for seen in results.values())
    for rewrite in quoted.QUOTED:
        dollars = [pair for at in range(9) if (pair := rewrite(SHOES, draws(at)))]
        assert bool(dollars) == (rewrite in (quoted.bet, quoted.quiz, quoted.worksheet))
        for pair in dollars:
            assert '"How much does she pay?" ' in pair.question and " is $30." in pair.solutions[0]
    for query in (
        "How many eggs does she have left?", "A hen has eggs. What percent is it?", "Ann has 45 kg. How much is it?",
        "Ann has 45 eggs. About how many dozen are that?", 'Ann has eggs. How many "fresh" eggs are there?',
        "Ann has 45 eggs. How many do you have?", "Are there 45 eggs? How many eggs are there?",
    ):  # fmt: skip
        source = problem(query, EGGS.response)
        assert not any(rewrite(source, draws(at)) for rewrite in quoted.QUOTED for at in range(9)), query


def holding(value, words):
    """Whether a value fulfils a condition that is written in words."""
    kind, _, limit = words.strip().rpartition(" ")
    if not limit.isdigit():
        return (value % 2 == 0) == (limit == "even")
    number = int(limit)
    return {
        "more than": value > number, "at least": value >= number, "less than": value < number,
        "at most": value <= number,
    }[kind]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "rewrites"),
    [
        ("Ann bakes 60 eggs. She eats 15. How many eggs did she bake?", [counts.gives, counts.packs, groups.grouped]),
        ("Ann had 60 eggs and gave 15 to Bob. How many eggs did she initially have?", counts.COUNTS),
        ("Ann has 45 eggs for a party. How many eggs does she have?", [counts.gives, counts.packs, groups.grouped]),
        ("Ann bought 45 pens for her older son. How many pens did she buy?", [counts.gives, counts.parity]),
        ("A nest has eggs. How many eggs are there in the nest?", [counts.moved]),
        ("Ann has a deck of 45 cards. How many cards does she have?", [counts.sells]),
        ("Ann has 45 quarters and dimes. How many coins does she have?", [counts.sells]),
        ("Ann buys 9 packs of 5 pens. How many pens does she buy?", [counts.buys]),
        ("Ann needs marshmallows for 45 crackers. How many marshmallows does she need?", [counts.buys]),
        ("Ann walks far. How many feet does she walk?", [counts.more_of_it, groups.contest]),
        ("Ann baked a lot last year. How many pies did she bake in the year?", [counts.more_of_it]),
        ("Ann drives a cab. How many miles does she drive?", [groups.contest, groups.donation]),
        ("Ann reads 99 pages. How many pages does she read on Monday?", [groups.contest, groups.donation]),
        ("Ann and Bob buy pens. How many pens do Ann and Bob buy?", [counts.buys]),
        ("Ann has a bucket. How many pounds of sand does she gather?", [counts.more_of_it]),
        ("A family is big. How many children are there in the family?", [groups.grouped]),
        ("A class has 60 students. How many students are not reading?", [groups.tickets]),
        ("60 people are on a beach. How many people are there on the beach?", [groups.tickets, groups.grouped]),
        ("Ann wants a dress. How many bones did she start with?", [*counts.COUNTS, *groups.GROUPS]),
    ],
)  # fmt: skip
def test_stories_that_a_condition_does_not_fit(query, rewrites):
    assert not any(ways(problem(query, EGGS.response), rewrites).values())


def test_the_condition_names_the_place_once():
    source = problem("Ann and Bob have boxes. How many pens are left in his box?", EGGS.response)
    found = ways(source, [counts.moved])["moved"]
    assert found and all("are there in his box" in pair.question for pair in found)
    many = problem("A box is big. How many pens are there in it?", "90*90=<<90*90=8100>>8100\n#### 8100")
    assert not ways(many, [counts.moved])["moved"]
    source = problem("Ann has 60 eggs. She buys 5. How many eggs does she have in the end?", EGGS.response)
    found = ways(source, [counts.gives, counts.more_of_it])
    for pair in [*found["gives"], *found["more_of_it"]]:
        assert pair.question.count("in the end") == 1


def test_the_rest_of_a_total_is_no_bill():
    """What the last subtraction leaves of a total gets no discount on "the total"."""
    rest = problem(
        "Ann bought pens and a book in a shop. She spent $45 in total. The pens cost $15. How much did she spend?",
        "She spent 45-15=$<<45-15=30>>30.\n#### 30",
    )
    for pair in augment(rest, 0, 40, [])[0]:
        assert not re.search("discount|delivery|coupon|offer|bill|payments|credit", pair.question), pair.question


@pytest.mark.parametrize(
    ("source", "more", "rewrites"),
    [
        (SHOES, "She does so every week.", [money.discount, money.delivery, money.cashback, *inserted.INSERTED]),
        (WAGE, "She wants to raise money for a club.", [money.affords]),
    ],
)
def test_words_of_a_story_about_money_that_refuse_it(source, more, rewrites):
    """A bill of many days is no bill, and money for a club buys no jacket."""
    body, question = source.query.rsplit(". ", 1)
    for rewrite in rewrites:
        tried = rewrite if rewrite in inserted.INSERTED else None
        for at in range(30):
            told = problem(f"{body}. {more} {question}", source.response)
            assert not (tried(told, draws(at)) if tried else attached(told, rewrite, draws(at))), rewrite


def test_a_variant_keeps_the_words_of_the_solution():
    source = problem(
        "Ann has 60 eggs. She sells 25% of them. How many eggs does she sell?",
        "A quarter of the eggs is 60*25/100=<<60*25/100=15>>15.\n#### 15",
    )
    pairs = augment(source, 0, 40, [])[0]
    assert pairs and all("60 eggs. She sells 25%" in pair.question for pair in pairs)
    torn = problem("If pens are $3 each. Ann buys 5. How many dollars is that?", "5*3=<<5*3=15>>15\n#### 15")
    assert augment(torn, 0, 9, [])[:2] == ([], "no_rewrite")


def test_conditions_on_an_amount_of_money():
    found = ways(SHOES, money.MONEY)
    assert found["discount"] and found["delivery"] and found["budget"] and not found["passes_on"]
    for name, low, high in (("discount", 20, 30), ("delivery", 30, 40), ("budget", 30, 61)):
        results = {answer(pair.solutions[0]) for pair in found[name]}
        assert len(results) > 1 and min(results) >= low and max(results) <= high, name
    gains = ways(WAGE, money.MONEY)
    assert gains["passes_on"] and gains["affords"] and gains["added"] and not gains["discount"]
    for pair in gains["affords"]:
        assert 0 < answer(pair.solutions[0]) < 96


def test_the_person_is_named_once():
    source = problem("Ann and Eve have 60 eggs. Ann sells 15. How many eggs does Ann have left?", EGGS.response)
    pairs = ways(source, counts.COUNTS)["gives"]
    assert pairs
    for pair in pairs:
        new = pair.question.removeprefix("Ann and Eve have 60 eggs. Ann sells 15. ")
        assert "Ann" in new and re.search(r"\b(?:Ann|she|her|She|Her)\b", new)[0] == "Ann", new


def test_conditions_before_the_final_question():
    for rewrite in inserted.INSERTED:
        pairs = [pair for at in range(60) if (pair := rewrite(SHOES, draws(at)))]
        results = {answer(pair.solutions[0]) for pair in pairs}
        assert Fraction(30) in results and len(results) > 1, rewrite
        assert all(pair.question.endswith("How much does she pay?") for pair in pairs)
    assert not [rewrite for rewrite in inserted.INSERTED for at in range(9) if rewrite(WAGE, draws(at))]


@pytest.mark.parametrize(
    ("query", "response", "way", "part"),
    [
        (
            "Ann buys 8 pens. The pens cost $3 each. How much does she pay?",
            "Ann pays 8*3=$<<8*3=24>>24.\n#### 24", given._bulk, "$3 each",
        ),
        ("Ann buys 8 pens for $3 each. How much does she pay?", "8*3=$<<8*3=24>>24\n#### 24", given._purchase, "$3"),
        ("Ann earns $9 an hour. She works 8 hours. How much?", "8*9=$<<8*9=72>>72\n#### 72", given._wage, "$9 an hour"),
        ("A ticket costs $3. How much are 8?", "8*3=$<<8*3=24>>24\n#### 24", cases.weekend, "on weekends and $"),
        ("A pen costs $60. How much does Ann pay for 8?", "8*60=$<<8*60=480>>480\n#### 480", cases.cash, "in cash"),
        ("Ann buys pens. A pen costs $6. How much are 8?", "8*6=$<<8*6=48>>48\n#### 48", cases.club, "everybody else"),
        ("Ann earns $9 an hour. How much in 8 hours?", "8*9=$<<8*9=72>>72\n#### 72", cases.shift, "for work at night"),
        ("Ann earns $9 an hour. How much in 8 hours?", "8*9=$<<8*9=72>>72\n#### 72", cases.weekdays, "on weekends"),
    ],
)  # fmt: skip
def test_conditions_on_a_given_number(query, response, way, part):
    source = problem(query, response)
    pairs = [pair for at in range(60) if (pair := restated(source, way, draws(at)))]
    assert pairs and len({pair.question for pair in pairs}) >= 3
    for pair in pairs:
        assert part in pair.question and answer(pair.solutions[0]) == source.answer
        assert pair.solutions[0].endswith(response.split("\n")[-2] + "\n" + response.split("\n")[-1])
        assert fault(pair.question, pair.solutions[0]) is None
        stated = re.search(r"\$(\d+(?:\.\d+)?)[^$]* and \$(\d+(?:\.\d+)?)", pair.question)
        assert stated and stated[1] != stated[2]
        limits = re.search(r"(\d+) is (at least|less than) (\d+)", pair.solutions[0])
        if limits:
            assert (int(limits[1]) >= int(limits[3])) == (limits[2] == "at least")


def held(source, pair):
    """Assert what holds for every pair."""
    assert pair.question != source.query and 1 <= len(pair.solutions) <= 3
    assert re.search(
        r"\b(?:if|otherwise|on|at least|fewer|who|for work|noon|members|below|under)\b", pair.question, re.IGNORECASE
    ), pair.question
    new = pair.solutions[0].replace("\n", " ")
    assert re.search(r"\b(?:[Ss]ince|[Bb]ecause|so|not)\b", new), new
    for solution in pair.solutions:
        assert fault(pair.question, solution) is None


def test_every_pair_holds_and_is_a_pure_function():
    for source in SOURCES:
        pairs, refused, dropped = augment(source, 5, 8, SOURCES)
        assert refused is None and 3 <= len(pairs) <= 8 and set(dropped) <= set(DROPPED)
        for pair in pairs:
            held(source, pair)
        assert len({pair.question for pair in pairs}) == len(pairs)
        assert augment(source, 5, 8, SOURCES)[0] == pairs and augment(source, 5, 2, SOURCES)[0] == pairs[:2]
        assert augment(source, 6, 8, SOURCES)[0] != pairs


def test_some_conditions_hold_and_some_do_not():
    texts = [pair.solutions[0] for seed in range(12) for pair in augment(EGGS, seed, 8, SOURCES)[0]]
    not_holding = sum("does not hold" in text or "not" in text or "keeps all" in text for text in texts)
    assert 0.1 < not_holding / len(texts) < 0.9


def test_refused_sources():
    for response, reason in (("3+4=7\n#### 7", "annotations"), ("3+9=<<3+9=12>>12\n#### 12", "unexplained")):
        source = problem("Ann has 3 eggs and buys 4. How many?", response)
        assert augment(source, 0, 3, [])[:2] == ([], reason) and reason in REFUSED
    plain = problem("Ann has 3 eggs and buys 4. What is that?", "3+4=<<3+4=7>>7\n#### 7")
    assert augment(plain, 0, 3, [])[:2] == ([], "no_rewrite")


@pytest.mark.skipif(not GSM8K.is_file(), reason="needs GSM8K in ../shared/data, which a public clone lacks")
def test_on_gsm8k_itself():
    problems = read_problems(GSM8K, 400)
    pairs = [(source, pair) for source in problems[::4] for pair in augment(source, 2, 8, problems)[0]]
    for source, pair in pairs:
        held(source, pair)
    assert len(pairs) > 100
