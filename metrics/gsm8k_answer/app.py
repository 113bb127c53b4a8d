"""The metric's Space: read one answer, or score a batch.    python app.py"""

import json
from pathlib import Path

import evaluate
import gradio as gr

# By file, not by folder: a Space's folder is not named like the metric.
METRIC = str(Path(__file__).resolve().with_name("gsm8k_answer.py"))

EXAMPLE = {"prediction": "48 + 24 = 72, so she sold 72 clips.", "reference": "#### 72"}
EXAMPLE_ROWS = "\n".join(map(json.dumps, (EXAMPLE, {"prediction": "#### $1,200.50", "reference": "1200"})))


def score(rows: str) -> dict:
    """The metric over JSONL rows with reference, and prediction: a string, or a list of samples."""
    predictions, references = [], []
    for line, text in enumerate(rows.split("\n"), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
            predictions.append(row["prediction"])
            references.append(row["reference"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _refusal(
                f"Each line must be a JSON object with prediction, reference, and line {line} is not: {text[:60]}"
            ) from None
    # Loaded for each call, as it keeps its inputs in itself: two visitors must not share one.
    metric = evaluate.load(METRIC, keep_in_memory=True)
    try:
        return metric.compute(predictions=predictions, references=references)
    except ValueError as error:
        raise _refusal(str(error)) from None


def build() -> gr.Blocks:
    with gr.Blocks(title="GSM8K answer") as page:
        gr.Markdown(
            "# GSM8K answer\n"
            "The final number of a solution, that of the last `#### x` or else the last number, compared exactly."
        )
        rows = gr.Textbox(
            EXAMPLE_ROWS, lines=8, label="JSONL: prediction (a string or a list of samples) and reference"
        )
        result = gr.JSON(label="Metric")
        gr.Button("Score", variant="primary").click(score, rows, result, api_name="score")
    return page


def _refusal(message: str) -> gr.Error:
    """A visitor's mistake, shown on the page: no traceback in the Space's log."""
    return gr.Error(message, print_exception=False)


if __name__ == "__main__":
    build().launch()
