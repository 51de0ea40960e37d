"""The command line ``touchstone``. One file per group of commands; :mod:`touchstone.cli.app` lists them."""

from touchstone.cli.app import main

__all__ = ["main"]
