#!/usr/bin/env bash
# A model and puzzles of your own, all the way: from rows in JSONL files to a release on a local Hub, checked as a user
# would use it. It shows that the pipeline takes them; an adapter of twenty steps solves nothing. Needs the extra [all].
#
#   bash examples/own_model.sh BASE [FOLDER]      BASE: folder or Hub id of a model (default folder: runs/own)
#   CHAT=1 bash examples/own_model.sh BASE        the same, with prompts by BASE's chat template (runs/own-chat)
#   RATE=1.0e-2 bash ...                          another learning rate; the tests' random models need a large one
set -euo pipefail
base=${1:?give the folder or the Hub id of a base model}
out=${2:-runs/own${CHAT:+-chat}}
mkdir -p "$out/my-puzzles"

# 1. The rows: JSON lines with numbers, target, prompt and completion, and a card that names the files and the licence.
#    All splits have the same columns. Here the rows are made; write your own.
for split in train test; do
    python - $split > "$out/my-puzzles/$split.jsonl" <<'ROWS'
import json
import sys

import arith_puzzle

for row in arith_puzzle.generate("starter", sys.argv[1], rows=200):
    print(json.dumps({key: row[key] for key in ("numbers", "target", "prompt", "completion")}))
ROWS
done
cat > "$out/my-puzzles/README.md" <<'CARD'
---
license: cc-by-4.0
configs:
- config_name: mine
  data_files:
  - {split: train, path: train.jsonl}
  - {split: test, path: test.jsonl}
---
# My puzzles
CARD

# 2. The recipe. With CHAT a row is a conversation: the question in English, and the equations as its answer.
form=symbolic chat=null options=()
if [ -n "${CHAT:-}" ]; then
    form=natural chat='{system: "Answer with equations.", template_kwargs: {enable_thinking: false}}'
    options=(--chat --system "Answer with equations." --chat-template-kwargs '{"enable_thinking": false}')
fi
cat > "$out/recipe.yaml" <<RECIPE
name: my-adapter
model: {base: "$base"}
dataset: {path: "$out/my-puzzles", config: mine, format: $form}
chat: $chat
lora: {r: 8, lora_alpha: 16, use_rslora: true}
sft: {max_steps: 20, per_device_train_batch_size: 8, learning_rate: ${RATE:-5.0e-4}, logging_steps: 1, bf16: false, use_cpu: true,
      activation_checkpointing: false, dataloader_pin_memory: false, report_to: none}
score: {format: $form, limit: 10, max_new_tokens: 32}
RECIPE

# 3. Train, score, and merge. The release below finds the run and does not train again.
arith-puzzle train "$out/recipe.yaml" --out "$out/release/train"
arith-puzzle score --adapter "$out/release/train" --dataset "$out/my-puzzles" --config mine --limit 10 --format $form \
    "${options[@]}" --max-new-tokens 32 --out "$out/score"
[ -d "$out/merged" ] || arith-puzzle merge --adapter "$out/release/train" --out "$out/merged"

# 4. Stage, publish and check: base, dataset, metric, adapter, merged model and demo, on a Hub of this machine.
arith-puzzle release "$out/recipe.yaml" --work "$out/release" --to local --merged
