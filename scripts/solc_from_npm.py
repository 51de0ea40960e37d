"""Write an executable that behaves like native ``solc`` on top of npm's ``solc`` package.

    python scripts/solc_from_npm.py NODE_MODULES OUT_DIR

py-solc-x (so ape) and forge normally download a native compiler. Where that is not possible, ``make setup`` runs this instead. It
writes ``OUT_DIR/solc-v<version>``, the name py-solc-x looks for, and ``OUT_DIR/solc``, a link to it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(__file__).with_name("solc_from_npm.js")


def write_solc(node_modules: Path, out: Path) -> Path:
    """Write the executable for the npm package under ``node_modules`` into ``out`` and return its path."""
    package = node_modules.resolve() / "solc"
    version = json.loads((package / "package.json").read_text())["version"]
    node = shutil.which("node")
    if node is None:
        raise SystemExit("node was not found; install Node 20 or later")
    ask = f"process.stdout.write(require({str(package)!r}).version())"
    long_version = subprocess.check_output([node, "-e", ask], text=True)
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"solc-v{version}"
    target.write_text(TEMPLATE.read_text().replace("@LONG@", long_version).replace("@PACKAGE@", str(package)))
    target.chmod(0o755)
    link = out / "solc"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    return target


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    print(write_solc(Path(sys.argv[1]), Path(sys.argv[2])))
