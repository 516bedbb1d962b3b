"""The command `gopt`. Exit codes: 0 done, 1 no plan or an illegal one, 2 bad usage or input."""

from gopt.cli.main import main

__all__ = ["main"]
