"""Feed answers through inspect-ai, by the entry point of the task: python run_inspect.py DATASET ANSWERS OUT."""

import json
import sys
import tempfile

import inspect_ai
from inspect_ai.model import ModelOutput, ModelUsage, get_model

dataset, answers, out = sys.argv[1:]
with open(answers, encoding="utf-8") as file:
    responses = [json.loads(line)["response"] for line in file]
outputs = [ModelOutput.from_content("mockllm/model", response) for response in responses]
for output in outputs:
    output.usage = ModelUsage()  # else inspect-ai counts tokens, with a tokenizer that it downloads
with tempfile.TemporaryDirectory() as folder:
    (log,) = inspect_ai.eval(
        "arith_puzzle/arith_puzzle",
        model=get_model("mockllm/model", custom_outputs=outputs),
        task_args={"dataset": dataset, "config": "answers", "split": "test"},
        max_samples=1,
        max_connections=1,
        log_dir=folder,
        display="none",
    )
    assert log.status == "success", log.error.message
    views = ("strict", "lenient")
    samples = sorted(log.samples, key=lambda sample: sample.id)
means = {score.name: score.metrics["accuracy"].value for score in log.results.scores}
with open(out, "w", encoding="utf-8") as file:
    rows = [{view: float(sample.scores[view].value == "C") for view in views} for sample in samples]
    json.dump({"rows": rows, "means": {view: means[view] for view in views}}, file)
