"""Entry point: finds the command, and turns every error into one line and an exit code."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from touchstone.cli.config import CONFIG_FILE, Config
from touchstone.errors import TouchstoneError

COMMANDS = {
    "account": "touchstone.cli.account:account",
    "cancel": "touchstone.cli.jobs:cancel",
    "check": "touchstone.cli.check:check",
    "deploy": "touchstone.cli.deploy:deploy",
    "devnet": "touchstone.cli.devnet:devnet",
    "download": "touchstone.cli.download:download",
    "family": "touchstone.cli.family:family",
    "logs": "touchstone.cli.jobs:logs",
    "profile": "touchstone.cli.profile:profile",
    "quote": "touchstone.cli.quote:quote",
    "solver": "touchstone.cli.solver:solver",
    "stake": "touchstone.cli.stake:stake",
    "status": "touchstone.cli.jobs:status",
    "submit": "touchstone.cli.submit:submit",
    "submitter": "touchstone.cli.submit:submitter",
    "unstake": "touchstone.cli.stake:unstake",
    "verifier": "touchstone.cli.verifier:verifier",
    "withdraw": "touchstone.cli.stake:withdraw",
}
"""Where each command is. A command's module is imported when the command is used, so that one command does not pay for the others."""

USAGE_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130
DEBUG_VARIABLE = "TOUCHSTONE_DEBUG"


class LazyGroup(click.Group):
    """The group of all commands of :data:`COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="TOUCHSTONE_CONFIG",
    help=f"Configuration file; {CONFIG_FILE} in this directory by default.",
)
@click.version_option(package_name="touchstone", prog_name="touchstone")
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Buy and sell machine-learning compute, settled by a contract that recomputes one number.

    Every option can also be set in touchstone.toml, or as an environment variable TOUCHSTONE_<OPTION>.
    """
    context.obj = Config.load(config)
    context.default_map = context.obj.tables


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 when it worked, 1 for an error, 2 for wrong usage, 130 when interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        result = cli.main(args=given, prog_name="touchstone", standalone_mode=False)
    except click.UsageError as error:
        _report("UsageError", _usage_line(error), as_json)
        sys.exit(USAGE_EXIT_CODE)
    except click.ClickException as error:
        _report(type(error).__name__, error.format_message(), as_json)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does; nothing is wrong, but Python would complain when flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        _report(type(error).__name__, _one_line(error), as_json)
        sys.exit(error.exit_code if isinstance(error, TouchstoneError) else 1)
    sys.exit(result if isinstance(result, int) else 0)


def _report(kind: str, message: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": kind, "message": message}), file=sys.stderr)
    else:
        print(f"error: {message}", file=sys.stderr)


def _usage_line(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else "touchstone"
    return f"{error.format_message().rstrip('.')}; see `{path} --help`"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, TouchstoneError):
        return text
    return f"unexpected {type(error).__name__}: {text[:300]}; set {DEBUG_VARIABLE}=1 to see where, and report it"
