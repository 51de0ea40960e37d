"""Plant one wrong constant, comparison or bound at a time in the contracts and see whether the tests catch it.

    python scripts/mutate_contracts.py [WORD …]

Words select mutants by file name or text. Exit code 1 if one survives. Half a minute for each mutant: `make mutants`, not `make test`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from machine_copy import machine_copy, replace, run_tests

ARITHMETIC = ("test_arithmetic.py", "test_rows.py")
PROOFS = ("test_refusals.py", "test_commitments.py", "test_referee.py")


class Mutant(NamedTuple):
    """One planted error: what it replaces in which file below contracts/."""

    file: str
    original: str
    replacement: str


MUTANTS = (
    # rounding, special values and order
    Mutant("machine/Float32.sol", "int256 private constant FAR = 100;", "int256 private constant FAR = 20;"),
    Mutant("machine/Float32.sol", "((1 << (drop - 1)) - 1) + ((significand >> drop) & 1)", "(1 << (drop - 1))"),
    Mutant("machine/Float32.sol", "kept > INFINITY ? INFINITY : kept", "kept"),
    Mutant("machine/Float32.sol", "excess += 1 - exponent;", "excess += 2 - exponent;"),
    Mutant("machine/Float32.sol", "a & MAGNITUDE == 0 ? a & b : a;", "a;"),
    Mutant("machine/Float32.sol", "z == 0 ? signP & signC : c;", "z == 0 ? signC : c;"),
    Mutant("machine/Float32.sol", "a ^ b == SIGN ? NAN : a;", "a;"),
    Mutant("machine/Float32.sol", "(product ^ c) & SIGN != 0 ? NAN : product", "false ? NAN : product"),
    Mutant("machine/Float32.sol", "if (quotient * y != x) quotient |= 1;", ""),
    Mutant("machine/Float32.sol", "return canonical(a ^ SIGN);", "return a ^ SIGN;"),
    Mutant("machine/Float32.sol", "if ((a | b) & MAGNITUDE == 0) return false;", ""),
    Mutant("machine/Float32.sol", "return rank(a) >= rank(b) ? a : b;", "return a >= b ? a : b;"),
    Mutant("machine/Float32.sol", "exponent >= 158", "exponent >= 159"),
    Mutant("machine/Float32.sol", "distance > 64 ? 1 :", "distance > 20 ? 1 :"),
    # sequences
    Mutant("machine/Transcendental.sol", "3ab688be", "3ab688bf"),
    Mutant("machine/Transcendental.sol", "be2aada5", "be2aada4"),
    Mutant("machine/Transcendental.sol", "3cac0247", "3cac0246"),
    Mutant("machine/Transcendental.sol", "bcdc0539", "bcdc0538"),
    Mutant("machine/Transcendental.sol", "39a701ab", "39a701aa"),
    Mutant("machine/Transcendental.sol", "0xb102e308;", "0xb102f308;"),
    Mutant("machine/Transcendental.sol", "0xc2d00000;", "0xc2cf0000;"),
    Mutant("machine/Transcendental.sol", "0x3f3504f3;", "0x3f3504f4;"),
    Mutant("machine/Transcendental.sol", ".mul(f).mul(z);", ".mul(z).mul(f);"),
    Mutant("machine/Transcendental.sol", "unsigned((n + 127) << 23)", "unsigned((n + 126) << 23)"),
    Mutant("machine/Transcendental.sol", "b95009b3", "b95009b2"),
    Mutant("machine/Transcendental.sol", "bab60b60", "bab60b61"),
    Mutant("machine/Transcendental.sol", "0x3f22f983;", "0x3f22f982;"),
    Mutant("machine/Transcendental.sol", "0xb33bbd2e;", "0xb33bbd2f;"),
    Mutant("machine/Transcendental.sol", "0xa6f72ced;", "0xa6f73ced;"),
    Mutant("machine/Transcendental.sol", "LARGE_ANGLE = 0x48000000;", "LARGE_ANGLE = 0x48800000;"),
    Mutant(
        "machine/Transcendental.sol",
        "0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041",
        "0xa2f9836e4e441529fc2757d1f534ddc0db6395993c439041",
    ),
    Mutant("machine/Transcendental.sol", "0x6487ed5110b4611a", "0x6487ed5110a4611a"),
    Mutant("machine/Transcendental.sol", "(2 ** 88 - 1)", "(2 ** 87 - 1)"),
    Mutant("machine/Transcendental.sol", "(turns + 2 ** 61) >> 62", "(turns + 2 ** 60) >> 62"),
    Mutant("machine/Transcendental.sol", "(quadrant, rest) = (0 - quadrant, rest.neg())", "rest = rest.neg()"),
    Mutant("machine/Transcendental.sol", "if (quadrant & 2 != 0)", "if (quadrant & 4 != 0)"),
    Mutant("machine/Transcendental.sol", "if (a >= Float32.INFINITY)", "if (a > Float32.INFINITY)"),
    Mutant("machine/Integer32.sol", "(a << (b & 31))", "(a << b)"),
    Mutant("machine/Integer32.sol", "a.signed() <= b.signed()", "a.signed() < b.signed()"),
    Mutant("machine/MapFunctions.sol", "a != 0 ? b : c", "a == 1 ? b : c"),
    Mutant("machine/Philox.sol", "0xbb67ae85", "0xbb67ae84"),
    Mutant("machine/Philox.sol", "ROUNDS = 10", "ROUNDS = 9"),
    # rows
    Mutant("machine/Reduction.sol", "BLOCK = 4096", "BLOCK = 4128"),
    Mutant("machine/Reduction.sol", "LANES = 32", "LANES = 16"),
    Mutant("machine/Reduction.sol", "rank <= best", "rank < best"),
    Mutant("machine/Reduction.sol", "half = LANES / 2", "half = LANES / 4"),
    Mutant("machine/Scatter.sol", "rest < 8 ? rest : 8", "8"),
    Mutant("machine/Scatter.sol", "sources += 32;", "sources += 28;"),
    Mutant("machine/Scatter.sol", "& ~difference & LANE_SIGN != 0", "& LANE_SIGN == LANE_SIGN"),
    Mutant(
        "machine/Scatter.sol",
        "0x0000000100000001000000010000000100000001000000010000000100000001",
        "0x0000000100000001000000010000000100000001000000010000000000000001",
    ),
    Mutant("machine/Scatter.sol", "isFloat ? Float32.add(total, word) : Integer32.add(total, word)", "Float32.add(total, word)"),
    Mutant("machine/Scatter.sol", "total, difference, Words.eight(sources)", "Float32.canonical(total), difference, Words.eight(sources)"),
    Mutant("machine/Dot.sol", "BLOCK = 256", "BLOCK = 128"),
    Mutant(
        "machine/Dot.sol",
        "total = Chain.run(0, a, b, terms < BLOCK ? terms : BLOCK);",
        "total = Float32.add(0, Chain.run(0, a, b, terms < BLOCK ? terms : BLOCK));",
    ),
    Mutant(
        "machine/OsakaChain.sol",
        "0x0000016900000169000001690000016900000169000001690000016900000169",
        "0x0000017900000179000001790000017900000179000001790000017900000179",
    ),
    Mutant("machine/OsakaChain.sol", " && acc != Float32.SIGN;", ";"),
    Mutant("machine/OsakaChain.sol", "MOST_ENTERING = 190", "MOST_ENTERING = 254"),
    Mutant("machine/OsakaChain.sol", "shl(byte(15, shift)", "shl(byte(19, shift)"),
    # trees
    Mutant("machine/Merkle.sol", "if (index >> levels != 0) revert IndexOutOfTree(index, levels);", ""),
    Mutant("machine/Merkle.sol", "if (given != levels) revert PathLengthWrong(given, levels);", ""),
    Mutant("machine/Merkle.sol", "if (last >> levels != 0) revert IndexOutOfTree(last, levels);", ""),
    Mutant("machine/Merkle.sol", "if (siblings.length != needed) revert", "if (siblings.length < needed) revert"),
    Mutant("machine/Merkle.sol", "if (chunk.length != CHUNK_BYTES) revert", "if (chunk.length < CHUNK_BYTES) revert"),
    Mutant("machine/Merkle.sol", "data.length % CHUNK_BYTES != 0", "false"),
    # records
    Mutant("machine/Records.sol", "if (node >= header.nodes)", "if (node > header.nodes)"),
    Mutant("machine/Records.sol", "if (slot >= header.slots)", "if (slot > header.slots)"),
    Mutant("machine/Records.sol", "_expect(record, 0, TAG_NODE);", ""),
    Mutant("machine/Records.sol", "_expect(record, 0, TAG_SLOT);", ""),
    Mutant("machine/Records.sol", "_expect(record, 1, VERSION);", ""),
    Mutant("machine/Records.sol", "if (result.elements > MAX_ELEMENTS)", "if (result.elements > 2 * MAX_ELEMENTS)"),
    Mutant("machine/Operands.sol", "uint256(flat) >= operand.tensor.elements", "uint256(flat) > operand.tensor.elements"),
    Mutant("machine/Operands.sol", " || position % divisor != 0", ""),
    Mutant("machine/Operands.sol", "if (quotient >= size)", "if (quotient > size)"),
    Mutant("machine/Operands.sol", "if (divisor < 1)", "if (divisor == 0)"),
    # the last proof
    Mutant("court/RefereeFamily.sol", "if (element >= elements)", "if (element > elements)"),
    Mutant("court/RefereeFamily.sol", "operand.index >= context.node)", "operand.index > context.node)"),
    Mutant("court/RefereeFamily.sol", "_climb(context, operand, read) != _agreed(context, operand.kind)", "false"),
    Mutant("court/RefereeFamily.sol", "read.data.length != chunks", "read.data.length < chunks"),
    Mutant("court/RefereeFamily.sol", "root != read.tensorRoot", "root == bytes32(0)"),
    Mutant("court/RefereeFamily.sol", "first % Merkle.CHUNK_WORDS", "first % 128"),
    Mutant("court/RefereeFamily.sol", "if (reads.length != expected)", "if (reads.length < expected)"),
    Mutant("court/RefereeDot.sol", "if (size == 1) continue;", ""),
    Mutant("court/RefereeDot.sol", "_require(k <= Dot.MAX_TERMS, a.dims + rank - 1);", ""),
    Mutant("court/RefereeDot.sol", "k - first < split ? k - first : split", "split"),
    Mutant("court/RefereeReduce.sol", "n - done < block_ ? n - done : block_", "block_"),
    Mutant("court/RefereeReduce.sol", "(element / blocks) * n + done", "element * block_"),
    Mutant("court/RefereeReduce.sol", "element / width,", "element % width,"),
    Mutant("court/RefereeReduce.sol", "(element % width) * count", "(element / width) * count"),
    Mutant("court/RefereeReduce.sol", "index.tensor.elements <= Scatter.MAX_SOURCES", "index.tensor.elements <= 2 * Scatter.MAX_SOURCES"),
    Mutant("court/RefereeReduce.sol", "_require(sources.rank == 2, index.access + 3);", ""),
    Mutant("court/RefereeReduce.sol", "_requireWord(record, index.access + 2, base.tensor.dtype);", ""),
    Mutant("court/RefereeReduce.sol", "_requireWord(record, sources.dims, Operands.dim(record, base, 1));", ""),
    Mutant("court/RefereeReduce.sol", "_require(index.rank == 1 && ", "_require("),
    Mutant("court/RefereeMove.sol", "if (row >= Operands.dim(record, x, 0))", "if (row > Operands.dim(record, x, 0))"),
    Mutant("court/RefereeMove.sol", "sources <= MAX_SOURCES", "sources <= 2 * MAX_SOURCES"),
    Mutant("court/RefereeMap.sol", "_require(operand.tensor.dtype == MapFunctions.operandDtype(fn, position, declared), cursor);", ""),
)

_ARITHMETIC_FILES = {"Float32", "Transcendental", "Integer32", "MapFunctions", "Philox", "Reduction", "Scatter", "Dot", "OsakaChain"}


def main(words: list[str]) -> int:
    """Try the chosen mutants; 1 if one survives."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in "".join(mutant) for word in words)]
    survivors = 0
    for number, mutant in enumerate(chosen, start=1):
        outcome = _try(mutant)
        survivors += outcome != "caught"
        print(f"[{number}/{len(chosen)}] {outcome:8} {mutant.file}: {mutant.original!r} -> {mutant.replacement!r}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} caught")
    return 1 if survivors else 0


def _try(mutant: Mutant) -> str:
    arithmetic = Path(mutant.file).stem in _ARITHMETIC_FILES
    with machine_copy() as checkout:
        contracts = checkout / "contracts"
        replace(contracts / mutant.file, mutant.original, mutant.replacement)
        if arithmetic:  # the harness alone compiles sooner
            shutil.rmtree(contracts / "court")
            (contracts / "mocks" / "CommitmentHarness.sol").unlink()
        else:
            (contracts / "mocks" / "MachineHarness.sol").unlink()
        tests = [f"tests/contracts/machine/{name}" for name in (ARITHMETIC if arithmetic else PROOFS)]
        result = run_tests(checkout, ["-x", "-q", *tests])
    if result.returncode == 0:
        return "SURVIVES"
    # Only a failed test is a catch; a mutant that does not compile proves nothing.
    return "caught" if " failed" in result.stdout and "SolcCompileError" not in result.stdout else "BROKEN"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
