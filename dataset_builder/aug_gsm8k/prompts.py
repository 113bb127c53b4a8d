"""All prompts for the chat model. Raise PROMPTS_VERSION with every change of their text.

The five strategies are those of MuggleMath (arXiv 2310.05506). The wording and the examples are this project's own.
Each chat begins with a worked example as an earlier turn, because an example shows the format better than a
description.
"""

from __future__ import annotations

from dataclasses import dataclass

PROMPTS_VERSION = 1
QUESTIONS_PER_CALL = 5
EXAMPLE = "Mia buys 4 pens for $2 each and a notebook for $5. How much does she pay?"


@dataclass(frozen=True)
class Strategy:
    """A way to make new questions.

    Attributes:
        change: instruction for the model, which states how a new question differs from its source.
        example: five new questions made from EXAMPLE.
    """

    change: str
    example: tuple[str, str, str, str, str]


STRATEGIES = {
    "change_numbers": Strategy(
        "Keep the story and the reasoning, and change the numbers, so that the answer changes too.",
        (
            "Mia buys 6 pens for $3 each and a notebook for $4. How much does she pay?",
            "Mia buys 12 pens for $1 each and a notebook for $7. How much does she pay?",
            "Mia buys 5 pens for $4 each and a notebook for $9. How much does she pay?",
            "Mia buys 3 pens for $6 each and a notebook for $8. How much does she pay?",
            "Mia buys 20 pens for $2 each and a notebook for $6. How much does she pay?",
        ),
    ),
    "fractions_percentages": Strategy(
        "Keep the subject of the story, and bring fractions or percentages into it: at least one given quantity becomes"
        " a fraction or a percentage of another.",
        (
            "Mia buys 4 pens for $2 each and a notebook for $12, and gets 10% off everything. How much does she pay?",
            "Mia buys 4 pens for $2 each and a notebook that costs 3/4 as much as the pens. How much does she pay?",
            "Mia has $20 and spends 2/5 of it on pens for $2 each. How many pens does she buy?",
            "A pen costs $2 today and cost 25% less a year ago. How much did Mia pay for 4 pens a year ago?",
            "Mia buys 8 pens for $2 each and gives 1/4 of them away. How much did the pens that she keeps cost?",
        ),
    ),
    "combine_concepts": Strategy(
        "Keep the subject of the story, and combine its idea with another one from school mathematics, such as rates,"
        " ratios, averages, areas, money, time or speed, so that both are needed.",
        (
            "Mia earns $6 an hour. How many hours must she work to buy 4 pens for $2 each and a notebook for $10?",
            "Mia buys 12 pens for $2 each, 3 blue ones for every red one. How much do the blue pens cost?",
            "A pen writes 30 pages, and Mia writes 8 pages an hour. How many hours can she write with 4 pens?",
            "Mia buys 3 notebooks for $4, $5 and $9. How much above the average price is the dearest one?",
            "A notebook has 40 pages of 20 cm by 15 cm. How many square centimeters of paper does Mia get with it?",
        ),
    ),
    "conditional": Strategy(
        "Keep the story, and add a condition that changes what has to be computed: something that happens, or a rule"
        " that applies, only if some statement holds.",
        (
            "If a customer buys more than 3 pens, a notebook for $5 is free. Mia buys 4 pens for $2 each and such a"
            " notebook. How much does she pay?",
            "If the total is above $10, the shop takes $3 off. Mia buys 4 pens for $2 each and a notebook for $5. How"
            " much does she pay?",
            "Pens cost $2 each, but $1 each if they are bought on a Monday. How much less than on a Friday does Mia pay"
            " for 4 pens on a Monday?",
            "Mia buys 4 pens for $2 each. If she has at least $5 left out of $20, she also buys a notebook for $5. How"
            " much does she have left in the end?",
            "If Mia is a member, the notebook for $6 costs half. She is one, and buys 4 pens for $2 each and the"
            " notebook. How much does she pay?",
        ),
    ),
    "complexity": Strategy(
        "Keep the subject of the story, and make the problem harder: add quantities and relations, so that the answer"
        " takes at least two more steps.",
        (
            "Mia buys 4 pens for $2 each, a notebook for $5 and 3 rulers that cost $1 less than a pen each, and pays"
            " with $20. How much change does she get?",
            "Mia buys 4 pens for $2 each and twice as many pencils for $1 each. Her sister buys half of that. How much"
            " do they pay together?",
            "Mia buys 4 pens for $2 each and a notebook for $5 every month, and her brother spends $3 less. How much do"
            " they spend together in a year?",
            "A pack of 6 pens costs $9 and a single pen $2. How much does Mia save with packs if her class needs 30"
            " pens?",
            "Mia sells 10 cards for $3 each, buys 4 pens for $2 each and a notebook for $5, and shares what is left"
            " with her 2 sisters. How much does each of the three get?",
        ),
    ),
}
"""Strategy name -> strategy. The names are configs of the dataset."""

_QUERY = """\
Here is a math word problem:

{question}

Write five new problems from it. {change} Each new problem must stand on its own, give every number that is needed, \
be realistic, ask one question, and have one number as its answer. Do not solve them. Write nothing but a list, \
numbered 1 to 5, one problem on each line."""

_RESPONSE = """\
Solve this math word problem step by step, one step on each line. Write each calculation with its result in double \
angle brackets, and then the result. Write the final number alone on a last line that starts with ####.

{question}"""

_SOLUTION = """\
The pens cost 4 * 2 = $<<4*2=8>>8.
With the notebook she pays 8 + 5 = $<<8+5=13>>13.
#### 13"""


def query_messages(question: str, strategy: str) -> list[dict[str, str]]:
    """The chat that asks for QUESTIONS_PER_CALL new questions."""
    chosen = STRATEGIES[strategy]
    shown = "\n".join(f"{number}. {text}" for number, text in enumerate(chosen.example, 1))
    return [
        {"role": "user", "content": _QUERY.format(question=EXAMPLE, change=chosen.change)},
        {"role": "assistant", "content": shown},
        {"role": "user", "content": _QUERY.format(question=question, change=chosen.change)},
    ]


def response_messages(question: str) -> list[dict[str, str]]:
    """The chat that asks for one reasoning path."""
    return [
        {"role": "user", "content": _RESPONSE.format(question=EXAMPLE)},
        {"role": "assistant", "content": _SOLUTION},
        {"role": "user", "content": _RESPONSE.format(question=question)},
    ]
