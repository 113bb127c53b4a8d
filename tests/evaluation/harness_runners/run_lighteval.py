"""Feed answers through lighteval's command line: python run_lighteval.py DATASET ANSWERS OUT."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

dataset, answers, out = sys.argv[1:]
found = subprocess.run(["arith-puzzle", "harness", "lighteval"], capture_output=True, text=True, check=True)
with tempfile.TemporaryDirectory() as folder:
    command = ["lighteval", "custom", "fixed", str(Path(__file__).with_name("lighteval_model.py")),
               "arith_puzzle:answers:test", "--custom-tasks", found.stdout.strip(), "--save-details",
               "--output-dir", folder]  # fmt: skip
    environment = os.environ | {"ARITH_PUZZLE_DATASET": dataset, "ARITH_PUZZLE_ANSWERS": answers}
    subprocess.run(command, check=True, env=environment)
    (details,) = Path(folder).rglob("details_*.parquet")
    rows = pq.read_table(details).to_pylist()
    (results,) = Path(folder).rglob("results_*.json")
    scores = json.loads(results.read_text())["results"]["arith_puzzle:answers:test|0"]
rows.sort(key=lambda row: int(row["doc"]["id"]))
with open(out, "w", encoding="utf-8") as file:
    views = ("strict", "lenient")
    json.dump({"rows": [{view: row["metric"][view] for view in views} for row in rows],
               "means": {view: scores[view] for view in views}}, file)  # fmt: skip
