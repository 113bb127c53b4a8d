"""Augment GSM8K with a chat model or with exact rules, and build the dataset AugGSM8K from such runs.

    arith-puzzle augment rules --source train.jsonl --against gsm8k-test=test.jsonl --out runs/aug-rules
    arith-puzzle augment model --source train.jsonl --against gsm8k-test=test.jsonl --out runs/aug-model \\
        --endpoint http://localhost:8000/v1 --model NAME --store runs/aug-model.jsonl --terms "Apache-2.0"
    arith-puzzle augment sample runs/aug-rules --source train.jsonl --out judged
    arith-puzzle augment judged judged
    arith-puzzle augment build runs/aug-rules runs/aug-model --judged judged --out aug-gsm8k
"""

from __future__ import annotations

import argparse
import json
import shlex
import time
from pathlib import Path

from arith_puzzle.cli.options import add_endpoint_options, endpoint_of
from arith_puzzle.common.errors import InputError
from arith_puzzle.common.files import file_sha256, write_text
from arith_puzzle.dataset_builder.aug_gsm8k.contamination import BENCHMARKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the steps rules, model, build, sample and judged."""
    commands = parser.add_subparsers(dest="step", required=True, metavar="STEP")
    sources = argparse.ArgumentParser(add_help=False)
    sources.add_argument("--source", type=Path, required=True, help="GSM8K's train split, JSONL")
    sources.add_argument("--limit", type=int, help="maximum number of rows of --source (default: all)")
    sources.add_argument(
        "--against", action="append", default=[], metavar="NAME=FILE",
        help="test set: questions that overlap with it are removed; may be repeated. "
        + "; ".join(f"{name}: JSONL of {what}" for name, what in BENCHMARKS.items()),
    )  # fmt: skip
    sources.add_argument("--seed", type=int, default=0, help="seed (default: 0)")
    sources.add_argument("--out", type=Path, required=True, help="folder of the run")
    sources.add_argument("--results", type=Path, help="JSON file for the command, its duration and its report")

    text = "make new questions by rules and compute their solutions exactly, without a model"
    sub = commands.add_parser("rules", parents=[sources], help=text, description=text)
    sub.add_argument(
        "--strategy", action="append", default=[], metavar="NAME",
        help="way to make new questions, such as change_numbers; may be repeated (default: all)",
    )  # fmt: skip
    sub.add_argument(
        "--per-question", type=int,
        help="maximum number of new questions from each source by each strategy (default: 24 for change_numbers, 10 for"
        " complexity, else 8)",
    )  # fmt: skip
    sub.set_defaults(step_function=_rules)

    text = "sample new questions and reasoning paths from a chat model"
    sub = commands.add_parser("model", parents=[sources], help=text, description=text)
    where = sub.add_mutually_exclusive_group(required=True)
    add_endpoint_options(sub, where)
    where.add_argument(
        "--serve", type=Path, metavar="FOLDER", help="folder of a local model, which `transformers serve` serves"
    )
    sub.add_argument("--model", help="name of the model at the endpoint or on the Hub")
    sub.add_argument("--store", type=Path, required=True, help="JSONL file for the replies; append-only")
    sub.add_argument("--terms", required=True, help="licence or terms of the model's output, for the card")
    for name, kind, default, what in (
        ("paths", int, 4, "number of reasoning paths per question"),
        ("temperature", float, 1.0, "sampling temperature"),
        ("strategies-per-question", int, 5, "number of strategies per source question, 1 to 5"),
        ("tries", int, 3, "maximum number of calls for one list of questions"),
        ("question-tokens", int, 1024, "maximum length of a reply with questions, in tokens"),
        ("path-tokens", int, 512, "maximum length of a reply with a solution, in tokens"),
    ):
        sub.add_argument(f"--{name}", type=kind, default=default, help=f"{what} (default: {default})")
    sub.set_defaults(step_function=_model)

    text = "build the dataset's folder from runs: Parquet files, manifest and card"
    sub = commands.add_parser("build", help=text, description=text)
    sub.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run")
    sub.add_argument("--out", type=Path, required=True, help="folder of the dataset, such as aug-gsm8k")
    sub.add_argument("--seed", type=int, default=0, help="seed for the order of the rows (default: 0)")
    sub.add_argument("--judged", type=Path, help="folder of a judged sample (see `augment judged`), for the card")
    sub.set_defaults(step_function=_build)

    text = "draw rows of a run and of GSM8K, mixed and without their origin, to be judged blind"
    sub = commands.add_parser("sample", help=text, description=text)
    sub.add_argument("folder", type=Path, metavar="RUN", help="folder of the run")
    sub.add_argument("--source", type=Path, required=True, help="GSM8K's train split, JSONL")
    sub.add_argument("--rows", type=int, default=100, help="rows of each strategy, and of GSM8K (default: 100)")
    sub.add_argument("--seed", type=int, default=0, help="seed for the draw (default: 0)")
    sub.add_argument("--out", type=Path, required=True, help="folder for the sheet and its key")
    sub.set_defaults(step_function=_sample)

    text = "count the verdicts of a judged sample"
    sub = commands.add_parser("judged", help=text, description=text)
    sub.add_argument("folder", type=Path, help="folder of the sheet, with verdicts.jsonl")
    sub.set_defaults(step_function=_judged)


def run(args: argparse.Namespace) -> int:
    """Run the chosen step."""
    args.given = shlex.join(["arith-puzzle", *args.argv])
    args.started = time.monotonic()
    return args.step_function(args)


def _against(args: argparse.Namespace) -> dict[str, Path]:
    """{benchmark: file} from --against. Checks --limit too."""
    pairs = [text.partition("=") for text in args.against]
    if not all(name and file for name, _, file in pairs):
        raise InputError(f"--against takes NAME=FILE, where NAME is one of {', '.join(BENCHMARKS)}")
    if args.limit is not None and args.limit < 1:
        raise InputError(f"--limit must be at least 1, not {args.limit}")
    return {name: Path(file) for name, _, file in pairs}


def _rules(args: argparse.Namespace) -> int:
    from arith_puzzle.dataset_builder.aug_gsm8k.rules.run import MODULES, run

    done = run(
        args.source, args.out, limit=args.limit, against=_against(args), seed=args.seed,
        strategies=args.strategy or list(MODULES), per_question=args.per_question,
    )  # fmt: skip
    _finish(args, done.report)
    return 0


def _model(args: argparse.Namespace) -> int:
    from arith_puzzle.common.endpoint import Endpoint, Limits
    from arith_puzzle.dataset_builder.aug_gsm8k.local_server import model_name, serve
    from arith_puzzle.dataset_builder.aug_gsm8k.model import Sampling, run

    against = _against(args)
    sampling = Sampling(
        args.seed, args.temperature, args.paths, args.strategies_per_question, args.tries, args.question_tokens,
        args.path_tokens,
    )  # fmt: skip
    limits = Limits(args.concurrency, args.requests_per_minute)
    if args.serve is not None and args.model is not None:
        raise InputError("--serve names its model by its folder; leave out --model")
    given = endpoint_of(args, args.model)

    def augment(endpoint: Endpoint) -> int:
        done, engine = run(
            args.source, args.out, limit=args.limit, against=against, endpoint=endpoint, store=args.store,
            limits=limits, sampling=sampling, price=(args.price_in, args.price_out), terms=args.terms,
        )  # fmt: skip
        _finish(args, done.report, calls_made=engine.made, store_sha256=file_sha256(args.store))
        print(f"{engine.made:,} new calls; all other replies come from the store")
        return 0

    if given:
        return augment(given)
    name = model_name(args.serve)
    args.store.parent.mkdir(parents=True, exist_ok=True)
    log, reply_tokens = args.store.with_suffix(".server.log"), max(args.question_tokens, args.path_tokens)
    with serve(args.serve, log, concurrency=args.concurrency, reply_tokens=reply_tokens) as url:
        return augment(Endpoint(name, url, timeout=args.timeout))


def _build(args: argparse.Namespace) -> int:
    from arith_puzzle.dataset_builder.aug_gsm8k.dataset import build
    from arith_puzzle.model_cards.aug_gsm8k import aug_gsm8k_card

    manifest = build(args.runs, args.out, seed=args.seed, judged=args.judged)
    write_text(args.out / "README.md", aug_gsm8k_card(manifest, args.out.resolve().name))
    for name, config in manifest["configs"].items():
        print(f"{args.out}: {name}: {config['rows']:,} rows")
    return 0


def _sample(args: argparse.Namespace) -> int:
    from arith_puzzle.dataset_builder.aug_gsm8k.judging import QUESTIONS, SHEET, VERDICTS, draw

    drawn = draw(args.folder, args.source, args.out, rows=args.rows, seed=args.seed)
    print(f"{args.out / SHEET}: {sum(drawn.values())} rows, {args.rows} each of {', '.join(drawn)}")
    print(f'Write {args.out / VERDICTS}, a line for each row: {{"row": 1, "note": ""}} and true or false for')
    for field, question in QUESTIONS.items():
        print(f"  {field:<12}{question}")
    return 0


def _judged(args: argparse.Namespace) -> int:
    from arith_puzzle.dataset_builder.aug_gsm8k.judging import TABLE, as_markdown, tally

    counts = tally(args.folder)
    write_text(args.folder / TABLE, json.dumps(counts, indent=1) + "\n")
    print(as_markdown(counts))
    return 0


def _finish(args: argparse.Namespace, report: dict, **more: object) -> None:
    """Print the report: what the run made, and how much it dropped for which reason. Write it to --results too."""
    if args.results:
        record = {"command": args.given, "seconds": round(time.monotonic() - args.started, 1), **more, "report": report}
        try:
            write_text(args.results, json.dumps(record, indent=1) + "\n")
        except OSError as error:
            raise InputError(f"cannot write {args.results}: {error.strerror}; give another --results") from None
    print(f"generator {report['generator']}, {report['source']['rows']:,} questions of {report['source']['file']}")
    parts = {part: report[part] for part in ("sources", "questions", "paths", "usage") if part in report}
    for strategy, counts in report.get("strategies", {}).items():
        parts |= {f"{strategy}: {part}": counts[part] for part in ("sources", "questions")}
        parts[strategy] = {"rows": counts["rows"]}
    for part, values in parts.items():
        for name, value in values.items():
            if isinstance(value, dict):
                for reason, count in value.items():
                    print(f"  {f'{part}: {name}: {reason}':<64}{count:>12,}")
            else:
                print(f"  {f'{part}: {name}':<64}{value:>12,}")
    for name, found in report["against"].items():
        if isinstance(found, str):
            print(f"  {name}: {found}")
        else:
            same, grams = found["question"], found["13-gram"]
            print(
                f"  {name}: compared with {found['questions']:,} questions; removed {same} equal, {grams} by 13 words"
            )
    print(f"{report['rows']:,} rows, SHA-256 {report['sha256']}")
