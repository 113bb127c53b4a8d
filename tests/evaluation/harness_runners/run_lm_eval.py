"""Feed answers through lm-evaluation-harness: python run_lm_eval.py DATASET ANSWERS OUT."""

import json
import subprocess
import sys

import lm_eval
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

dataset, answers, out = sys.argv[1:]
with open(answers, encoding="utf-8") as file:
    responses = [json.loads(line)["response"] for line in file]


class Fixed(LM):
    """A model whose answer to document i is response i."""

    def generate_until(self, requests, disable_tqdm=False):
        return [responses[request.doc_id] for request in requests]

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


found = subprocess.run(["arith-puzzle", "harness", "lm_eval"], capture_output=True, text=True, check=True)
manager = TaskManager(
    include_path=found.stdout.strip(), metadata={"dataset": dataset, "config": "answers", "split": "test"}
)
result = lm_eval.simple_evaluate(
    model=Fixed(), tasks=["arith_puzzle"], task_manager=manager, log_samples=True, bootstrap_iters=0
)
samples = sorted(result["samples"]["arith_puzzle"], key=lambda sample: sample["doc_id"])
scores = result["results"]["arith_puzzle"]
with open(out, "w", encoding="utf-8") as file:
    rows = [{view: sample[view] for view in ("strict", "lenient")} for sample in samples]
    json.dump({"rows": rows, "means": {view: scores[f"{view},none"] for view in ("strict", "lenient")}}, file)
