"""Figures, each beside a peer or a limit of the same run: `make bench` makes docs/benchmarks.md of them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
