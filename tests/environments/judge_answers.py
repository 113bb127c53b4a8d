"""Judge stored answers by the served environment and by the taskset for verifiers, whichever can be imported.

    python judge_answers.py ANSWERS [URL]

Prints a JSON list with 1.0 or 0.0 for each answer.
"""

import asyncio
import json
import sys
from types import SimpleNamespace

from arith_puzzle.metrics.arith_puzzle_verifier.verify import rules_of

with open(sys.argv[1], encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]


def by_server(url):
    from arith_puzzle.environments.openenv import ArithPuzzleEnv

    with ArithPuzzleEnv(base_url=url).sync() as env:
        for row in rows:
            env.reset(numbers=list(row["numbers"]), target=row["target"], rules=rules_of(row))
            yield env.answer(row["response"]).reward


def by_taskset():
    from arith_puzzle_taskset import PuzzleData, PuzzleTask

    for row in rows:
        data = PuzzleData(numbers=list(row["numbers"]), target=row["target"], rules=rules_of(row), solution="")
        replies = [SimpleNamespace(content=row["response"])]
        yield asyncio.run(PuzzleTask(data).solved(SimpleNamespace(assistant_messages=replies)))


print(json.dumps(list(by_server(sys.argv[2]) if len(sys.argv) > 2 else by_taskset())))
