"""Where tests find the checkout and the data beside it, which a public clone lacks."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
