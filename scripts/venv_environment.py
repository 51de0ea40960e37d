"""Make a virtual environment find this checkout's compiler and chain without any variable being set.

    VENV/bin/python scripts/venv_environment.py CHECKOUT

Writes a ``.pth`` file, which Python runs at start-up, so that ``ape compile`` and ``ape test`` work by themselves: py-solc-x looks for
compilers in CHECKOUT/.solc and ape-foundry finds ``anvil`` in CHECKOUT/node_modules/.bin. Variables that are set already win.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path


def write_environment(checkout: Path) -> Path:
    """Write the start-up file for ``checkout`` into the running interpreter's site-packages and return its path."""
    solc, tools = str(checkout / ".solc"), str(checkout / "node_modules" / ".bin")
    line = (
        f"import os; os.environ.setdefault('SOLCX_BINARY_PATH', {solc!r}); "
        f"os.environ.__setitem__('PATH', os.environ.get('PATH', '') + os.pathsep + {tools!r})\n"
    )
    target = Path(sysconfig.get_paths()["purelib"]) / "touchstone_environment.pth"
    target.write_text(line)
    return target


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print(write_environment(Path(sys.argv[1]).resolve()))
