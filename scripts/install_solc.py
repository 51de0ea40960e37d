"""Put the pinned Solidity compiler into DIRECTORY, natively if it can be downloaded, else on top of npm's package.

python scripts/install_solc.py DIRECTORY NODE_MODULES
"""

from __future__ import annotations

import sys
from pathlib import Path

import requests
import solcx
from solcx.exceptions import DownloadError, SolcError, SolcInstallationError, UnexpectedVersionError

from solc_from_npm import write_solc

VERSION = "0.8.37"


def install(directory: Path, node_modules: Path) -> Path:
    """Return the path of a working compiler in ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    native = directory / f"solc-v{VERSION}"
    if native.exists():
        return native
    try:
        solcx.install_solc(VERSION, solcx_binary_path=directory)
    except (requests.RequestException, DownloadError, SolcError, SolcInstallationError, UnexpectedVersionError, OSError) as error:
        print(f"solc {VERSION} cannot be downloaded ({type(error).__name__}); using the npm build, same bytecode, slower")
        return write_solc(node_modules, directory)
    (directory / "solc").symlink_to(native.name)
    return native


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    print(install(Path(sys.argv[1]), Path(sys.argv[2])))
