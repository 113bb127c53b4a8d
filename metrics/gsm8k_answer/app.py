"""The metric's demo Space: score a batch of solutions. Run it with ``python app.py``."""

import json
from pathlib import Path

import evaluate
import gradio as gr

# The path names the file and not its folder, because a Space's folder does not have the metric's name.
METRIC = str(Path(__file__).resolve().with_name("gsm8k_answer.py"))

EXAMPLE = {"prediction": "48 + 24 = 72, so she sold 72 clips.", "reference": "#### 72"}
EXAMPLE_ROWS = "\n".join(map(json.dumps, (EXAMPLE, {"prediction": "#### $1,200.50", "reference": "1200"})))


def score(rows: str) -> dict:
    """Score JSONL rows with prediction and reference. A prediction is a string or a list of samples."""
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
                f"Line {line} must be a JSON object with prediction and reference, not: {text[:60]}"
            ) from None
    # A metric object stores its inputs, so two visitors must not share one. Each call loads its own.
    metric = evaluate.load(METRIC, keep_in_memory=True)
    try:
        return metric.compute(predictions=predictions, references=references)
    except ValueError as error:
        raise _refusal(str(error)) from None


def build() -> gr.Blocks:
    with gr.Blocks(title="GSM8K answer") as page:
        gr.Markdown(
            "# GSM8K answer\n"
            "Scores solutions of grade-school math problems by their final number: the number after the last `####`,"
            " or else the last number in the text. The comparison is exact."
        )
        rows = gr.Textbox(
            EXAMPLE_ROWS, lines=8, label="JSONL with prediction (a string or a list of samples) and reference"
        )
        result = gr.JSON(label="Metric")
        gr.Button("Score", variant="primary").click(score, rows, result, api_name="score")
    return page


def _refusal(message: str) -> gr.Error:
    """An error that the page shows and that leaves no traceback in the Space's log."""
    return gr.Error(message, print_exception=False)


if __name__ == "__main__":
    build().launch()
