"""Generate rows of a config without a download: the same rows as in the published Parquet files. Needs the core only.

python examples/generate_rows.py --config 1m --split test --rows 3
python examples/generate_rows.py --rows 1000 --out rows.jsonl
"""

import argparse
import json
from pathlib import Path

import arith_puzzle


def main() -> None:
    """Print the rows, or write them as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="starter", help="1m, 10m, 100m, stress or starter (default)")
    parser.add_argument("--split", default="test")
    parser.add_argument("--rows", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSONL file (default: print)")
    args = parser.parse_args()
    rows = arith_puzzle.generate(args.config, args.split, rows=args.rows)
    if args.out:
        args.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        print(f"{args.out}: {len(rows):,} rows")
        return
    for row in rows:
        print(f"{row['prompt']}{row['completion']}\n")


if __name__ == "__main__":
    main()
