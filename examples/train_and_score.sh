#!/usr/bin/env bash
# The path from nothing to a score: build a dataset, train an adapter for three steps, score it on 20 rows, judge its answers.
# It shows that the pipeline works on your machine; an adapter of three steps solves nothing. Needs the extra [train].
#
#   bash examples/train_and_score.sh [FOLDER]     (default: runs/example)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/example}
mkdir -p "$out"

arith-puzzle build --config starter --out "$out/arith-puzzle"

# A recipe is one YAML file. This one is tiny_cpu with three steps.
sed -e 's/^name: .*/name: example/' -e 's/^sft:/sft:\n  max_steps: 3/' training/recipes/tiny_cpu.yaml > "$out/recipe.yaml"
arith-puzzle train "$out/recipe.yaml" --dataset "$out/arith-puzzle" --out "$out/train"

arith-puzzle score --model training/bases/arith-tiny --adapter "$out/train" --dataset "$out/arith-puzzle" \
    --config starter --split test --limit 20 --max-new-tokens 48 --out "$out/score"
arith-puzzle verify "$out/score/generations-test.jsonl"
