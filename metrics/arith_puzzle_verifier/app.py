"""The metric's Space: judge one response, or score a batch.    python app.py"""

import json
from pathlib import Path

import evaluate
import gradio as gr
from verify import DIVISIONS, trace, verify

# By file, not by folder: a Space's folder is not named like the metric.
METRIC = str(Path(__file__).resolve().with_name("arith_puzzle_verifier.py"))

EXAMPLE = {"numbers": [3, 6, 7, 51, 58], "target": 4, "response": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"}
EXAMPLE_ROWS = "\n".join(map(json.dumps, (EXAMPLE, {"numbers": [2, 3], "target": 5, "response": "2*3=6"})))


def judge(numbers: str, target: int | None, response: str, division: str) -> tuple[str, list[list]]:
    """The verdict as a sentence, and a table: line, equation, reason, numbers left."""
    if target is None:
        raise _refusal("The target must be a whole number, and is empty: write one, such as 4.")
    given = _integers(numbers, "The given numbers")
    verdict = verify(given, target, response, division=division)
    steps = trace(given, response, division=division)
    return (
        f"{'✅' if verdict.correct else '❌'} `{verdict.reason}`: {verdict.message}",
        [[step.line, step.text, step.reason, ", ".join(map(str, step.pool))] for step in steps],
    )


def score(rows: str, k: str, division: str) -> dict:
    """The metric over JSONL rows with numbers, target, and response: a string, or a list of samples."""
    predictions, references = [], []
    for line, text in enumerate(rows.split("\n"), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
            predictions.append(row["response"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _refusal(
                f"Each line must be a JSON object with numbers, target, response, and line {line} is not: {text[:60]}"
            ) from None
        references.append(row)
    # Loaded for each call, as it keeps its inputs in itself: two visitors must not share one.
    metric = evaluate.load(METRIC, keep_in_memory=True)
    try:
        return metric.compute(predictions=predictions, references=references, k=_integers(k, "k"), division=division)
    except ValueError as error:
        raise _refusal(str(error)) from None


def build() -> gr.Blocks:
    with gr.Blocks(title="Arithmetical puzzle verifier") as page:
        gr.Markdown(
            "# Arithmetical puzzle verifier\n"
            "Use each given number and each intermediate result exactly once, in N-1 equations, to reach the"
            " target. Any valid solution counts."
        )
        division = gr.Radio(DIVISIONS, value=DIVISIONS[0], label="Division")
        with gr.Tab("One response"):
            with gr.Row():
                numbers = gr.Textbox(", ".join(map(str, EXAMPLE["numbers"])), label="Given numbers")
                target = gr.Number(EXAMPLE["target"], precision=0, label="Target")
            response = gr.Textbox(EXAMPLE["response"], lines=5, label="Response, one equation a line")
            verdict = gr.Markdown()
            steps = gr.Dataframe(headers=["line", "equation", "reason", "numbers left"], label="Line by line")
            gr.Button("Judge", variant="primary").click(
                judge, [numbers, target, response, division], [verdict, steps], api_name="judge"
            )
        with gr.Tab("A batch"):
            rows = gr.Textbox(
                EXAMPLE_ROWS, lines=8, label="JSONL: numbers, target, response (a string or a list of samples)"
            )
            k = gr.Textbox("1", label="k of pass@k, comma-separated")
            result = gr.JSON(label="Metric")
            gr.Button("Score", variant="primary").click(score, [rows, k, division], result, api_name="score")
    return page


def _integers(text: str, what: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise _refusal(f"{what} must be whole numbers with commas between, not {text[:80]!r}.") from None


def _refusal(message: str) -> gr.Error:
    """A visitor's mistake, shown on the page: no traceback in the Space's log."""
    return gr.Error(message, print_exception=False)


if __name__ == "__main__":
    build().launch()
