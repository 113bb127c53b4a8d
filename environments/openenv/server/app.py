"""The FastAPI application. In the Space's folder: ``uvicorn server.app:app --port 8000``."""

from __future__ import annotations

import argparse
import os
import sys

import uvicorn
from fastapi import Request
from fastapi.responses import JSONResponse
from openenv.core.env_server.http_server import create_app
from openenv.core.env_server.types import ConcurrencyConfig

from arith_puzzle.common.errors import InputError

try:
    from ..models import PuzzleAction, PuzzleObservation, PuzzleState
    from .arith_puzzle_environment import ArithPuzzleEnvironment
except ImportError:  # in the Space's folder, where server/ is a package of its own
    from models import PuzzleAction, PuzzleObservation, PuzzleState
    from server.arith_puzzle_environment import ArithPuzzleEnvironment

SESSIONS = os.environ.get("ARITH_PUZZLE_SESSIONS", "128")
"""Most sessions at once. One that does nothing for IDLE_SECONDS is ended."""
IDLE_SECONDS = 3600.0
if not SESSIONS.isdecimal() or int(SESSIONS) < 1:
    sys.exit(f"ARITH_PUZZLE_SESSIONS must be an integer from 1; got {SESSIONS[:40]!r}")

app = create_app(
    ArithPuzzleEnvironment, PuzzleAction, PuzzleObservation, env_name="arith_puzzle_env", state_cls=PuzzleState,
    concurrency_config=ConcurrencyConfig(max_concurrent_envs=int(SESSIONS), session_timeout=IDLE_SECONDS),
)  # fmt: skip


@app.exception_handler(InputError)
async def refuse(_: Request, error: Exception) -> JSONResponse:
    """Bad input to ``POST /reset`` is a status and one line."""
    return JSONResponse({"detail": str(error)}, status_code=400)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Serve the environment.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    uvicorn.run(app, host=options.host, port=options.port)


if __name__ == "__main__":
    main()
