"""python -m release.rehearsal --root DIR [--host 127.0.0.1] [--port 7861]"""

from __future__ import annotations

import argparse
import contextlib
import sys

from .server import serve


def main(argv: list[str] | None = None) -> int:
    """Serve until stopped; exit status 2 and one line when the folder, the tokens or the address will not do."""
    parser = argparse.ArgumentParser(prog="python -m release.rehearsal", description="Serve a Hub for rehearsals.")
    parser.add_argument("--root", required=True, help="the folder its data lives in, made when missing")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=7861, help="port to listen on (0: any free one)")
    options = parser.parse_args(argv)
    if not 0 <= options.port <= 65535:
        parser.error(f"--port must be between 0 and 65535, not {options.port}")
    try:
        # uvicorn raises the Ctrl-C again once it has stopped; here that is a normal end.
        with contextlib.suppress(KeyboardInterrupt):
            serve(options.root, options.host, options.port)
    except (OSError, ValueError) as error:
        print(f"rehearsal Hub: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
