"""Feed puzzles and answers to reasoning-gym's dataset: python run_reasoning_gym.py DATASET ANSWERS OUT."""

import json
import sys

import reasoning_gym

import arith_puzzle.evaluation.harnesses.reasoning_gym_dataset  # noqa: F401 -- registers the dataset

_, answers, out = sys.argv[1:]
with open(answers, encoding="utf-8") as file:
    given = [json.loads(line) for line in file]
views = {view: reasoning_gym.create_dataset("arith_puzzle", seed=1, size=1, lenient=view == "lenient")
         for view in ("strict", "lenient")}  # fmt: skip
rows = []
for row in given:
    entry = {"question": "", "answer": "", "metadata": {key: row[key] for key in row if key != "response"}}
    rows.append({view: dataset.score_answer(row["response"], entry) for view, dataset in views.items()})
with open(out, "w", encoding="utf-8") as file:
    json.dump({"rows": rows, "means": {view: sum(row[view] for row in rows) / len(rows) for view in views}}, file)
