"""Build and test the referee for chains without the CLZ opcode (before Osaka).

    python scripts/portable_contracts.py

The two switches are contracts/machine/Bits.sol and Chain.sol. This turns them in a copy of the contracts, compiles for Prague and holds
the result against the same vectors and programs; the gas of every last proof must still fit a transaction.
"""

from __future__ import annotations

import sys

from machine_copy import machine_copy, replace, run_tests

FIGURES_OF_OSAKA = (
    "--deselect=tests/contracts/machine/test_gas.py::test_no_last_proof_costs_more_than_recorded",
    "--deselect=tests/contracts/machine/test_gas.py::test_a_dot_product_of_1024_typical_terms_costs_at_most_600k",
)


def _switch(target: str, kind: str) -> str:
    return f'import {{{target}{kind} as {kind}}} from "./{target}{kind}.sol"'


def main() -> int:
    """Exit code of the tests."""
    with machine_copy() as checkout:
        machine = checkout / "contracts" / "machine"
        for kind in ("Bits", "Chain"):
            (machine / f"Osaka{kind}.sol").unlink()
            replace(machine / f"{kind}.sol", _switch("Osaka", kind), _switch("Portable", kind))
        config = checkout / "ape-config.yaml"
        config.write_text(config.read_text().replace("evm_version: osaka", "evm_version: prague"))
        result = run_tests(checkout, ["tests/contracts/machine", *FIGURES_OF_OSAKA])
    print(result.stdout)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
