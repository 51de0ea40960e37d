"""Settings from touchstone.toml.

Keys at the top apply to every command: rpc, deployment, account, keystore, password_file, data. A table named like a command holds that
command's own options, with underscores for dashes. Paths are relative to the file. Options on the command line win over environment
variables, and these over the file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from touchstone.cli.errors import ConfigError

CONFIG_FILE = "touchstone.toml"

_TEXT = frozenset({"account"})
_PATHS = frozenset({"deployment", "keystore", "password_file", "data"})
_KEYS = _TEXT | _PATHS | {"rpc"}


@dataclass(frozen=True)
class Config:
    """Contents of a configuration file: values for all commands, and tables of single commands."""

    values: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None) -> Config:
        """Read a file; without a name, touchstone.toml in the working directory if there is one.

        Raises:
            ConfigError: it cannot be read, or has an unknown key or a value of the wrong kind.
        """
        chosen = path or Path(CONFIG_FILE)
        try:
            content = tomllib.loads(chosen.read_text())
        except FileNotFoundError:
            if path is None:
                return cls()
            raise ConfigError(f"the configuration file {path} is missing; correct --config or write it") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{chosen} is not readable TOML ({error}); correct it") from error
        tables = {name: value for name, value in content.items() if isinstance(value, dict)}
        values = {name: _checked(name, value, chosen) for name, value in content.items() if name not in tables}
        return cls(values, tables)


def _checked(name: str, value: object, path: Path) -> object:
    if name not in _KEYS:
        raise ConfigError(f"{path} has the unknown key {name!r}; known are {', '.join(sorted(_KEYS))} and tables named like commands")
    if name == "rpc":
        urls = [value] if isinstance(value, str) else value
        if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
            raise ConfigError(f"rpc in {path} must be an address or a list of addresses; correct it")
        return urls
    if not isinstance(value, str):
        raise ConfigError(f"{name} in {path} must be a text; put it in quotes")
    return path.resolve().parent / Path(value).expanduser() if name in _PATHS else value
