"""Build the wheel into dist/, install it in an environment of its own, and hold it to a frozen program there (wheel_check.py).

python scripts/wheel.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build, install and check."""
    with tempfile.TemporaryDirectory() as folder:
        # Into a folder of its own first: what dist/ had before is not what is checked.
        subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        environment = Path(folder, "environment")
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        python = environment / "bin" / "python"
        constraints = ["-c", str(ROOT / "requirements.lock")]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", str(wheel), *constraints], check=True)
        # Without the checkout in reach, and without a compiler or any other program.
        check = [str(python), "-I", str(ROOT / "scripts" / "wheel_check.py")]
        subprocess.run(check, cwd=folder, env={**os.environ, "PATH": str(environment / "bin")}, check=True)
        target = ROOT / "dist" / wheel.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(wheel.read_bytes())
    print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
