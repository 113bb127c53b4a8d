"""The metric's demo Space: judge one response or score a batch. Run it with ``python app.py``."""

import json
from pathlib import Path

import evaluate
import gradio as gr
from verify import DIVISIONS, trace, verify

# The path names the file and not its folder, because a Space's folder does not have the metric's name.
METRIC = str(Path(__file__).resolve().with_name("arith_puzzle_verifier.py"))

EXAMPLE = {"numbers": [3, 6, 7, 51, 58], "target": 4, "response": "58-51=7\n6-7=-1\n3*-1=-3\n-3+7=4"}
EXAMPLE_ROWS = "\n".join(map(json.dumps, (EXAMPLE, {"numbers": [2, 3], "target": 5, "response": "2*3=6"})))


def judge(numbers: str, target: int | None, response: str, division: str) -> tuple[str, list[list]]:
    """Return the verdict as a sentence, and a table with the columns line, equation, reason, numbers left."""
    if target is None:
        raise _refusal("The target must be an integer, but it is empty: write one, such as 4.")
    given = _integers(numbers, "The given numbers")
    verdict = verify(given, target, response, division=division)
    steps = trace(given, response, division=division)
    return (
        f"{'✅' if verdict.correct else '❌'} `{verdict.reason}`: {verdict.message}",
        [[step.line, step.text, step.reason, ", ".join(map(str, step.pool))] for step in steps],
    )


def score(rows: str, k: str, division: str) -> dict:
    """Score JSONL rows with numbers, target and response. A response is a string or a list of samples."""
    predictions, references = [], []
    for line, text in enumerate(rows.split("\n"), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
            predictions.append(row["response"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _refusal(
                f"Line {line} must be a JSON object with numbers, target and response, not: {text[:60]}"
            ) from None
        references.append(row)
    # A metric object stores its inputs, so two visitors must not share one. Each call loads its own.
    metric = evaluate.load(METRIC, keep_in_memory=True)
    try:
        return metric.compute(predictions=predictions, references=references, k=_integers(k, "k"), division=division)
    except ValueError as error:
        raise _refusal(str(error)) from None


def build() -> gr.Blocks:
    with gr.Blocks(title="Arithmetical puzzle verifier") as page:
        gr.Markdown(
            "# Arithmetical puzzle verifier\n"
            "Reach the target with N-1 equations. Use each given number and each intermediate result exactly once."
            " Every valid solution counts."
        )
        division = gr.Radio(DIVISIONS, value=DIVISIONS[0], label="Division")
        with gr.Tab("One response"):
            with gr.Row():
                numbers = gr.Textbox(", ".join(map(str, EXAMPLE["numbers"])), label="Given numbers")
                target = gr.Number(EXAMPLE["target"], precision=0, label="Target")
            response = gr.Textbox(EXAMPLE["response"], lines=5, label="Response (one equation per line)")
            verdict = gr.Markdown()
            steps = gr.Dataframe(headers=["line", "equation", "reason", "numbers left"], label="Line by line")
            gr.Button("Judge", variant="primary").click(
                judge, [numbers, target, response, division], [verdict, steps], api_name="judge"
            )
        with gr.Tab("A batch"):
            rows = gr.Textbox(
                EXAMPLE_ROWS, lines=8, label="JSONL with numbers, target and response (a string or a list of samples)"
            )
            k = gr.Textbox("1", label="Values of k for pass@k, separated by commas")
            result = gr.JSON(label="Metric")
            gr.Button("Score", variant="primary").click(score, [rows, k, division], result, api_name="score")
    return page


def _integers(text: str, what: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise _refusal(f"{what} must be integers, separated by commas, not {text[:80]!r}.") from None


def _refusal(message: str) -> gr.Error:
    """An error that the page shows and that leaves no traceback in the Space's log."""
    return gr.Error(message, print_exception=False)


if __name__ == "__main__":
    build().launch()
