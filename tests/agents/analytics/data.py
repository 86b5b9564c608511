"""Where the real data lies."""

from pathlib import Path

SIMBENCH = Path(__file__).parents[3] / "data" / "simbench"
WEEKS = ("winter", "spring", "summer", "autumn")
