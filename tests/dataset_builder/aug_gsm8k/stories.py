"""Problems in GSM8K's style that several strategies rewrite in tests, and where GSM8K itself may be."""

from arith_puzzle.dataset_builder.aug_gsm8k.source import Problem
from arith_puzzle.metrics.gsm8k_answer.score import answer
from tests.paths import SHARED

GSM8K = SHARED / "data" / "gsm8k" / "train.jsonl"


def problem(query, response, index=0):
    gold = answer(response)
    assert gold is not None
    return Problem(index, query, response, gold)


EGGS = problem(
    "Mia's hens lay 60 eggs. She gives 15 of them away. How many eggs does she have left?",
    "Mia has 60-15=<<60-15=45>>45 eggs left.\n#### 45",
)
WAGE = problem(
    "Ann works 8 hours and earns $12 an hour. How much money does she earn?",
    "Ann earns 8*12=$<<8*12=96>>96.\n#### 96",
    1,
)
SHOES = problem(
    "Eve buys 2 pairs of shoes at a store. Each pair costs $15. How much does she pay?",
    "Eve pays 2*15=$<<2*15=30>>30.\n#### 30",
    2,
)
