"""Programs with a few words changed at random: refused with a typed error, or run without fault."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.programs import random_case, random_tensor
from touchstone.errors import InvalidProgramError
from touchstone.machine.cost import cost
from touchstone.machine.program import Program, decode, encode
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.validity import check

MAX_BYTES = 2**24
TEMPTING = (0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 255, 8192, 8193, 2**31 - 1, 2**31, 2**32 - 1)


def spoil(data: bytes, rng: random.Random) -> bytes:
    """Change one to three words, mostly to values that mean something somewhere."""
    words = np.frombuffer(data, dtype=">u4").copy()
    used = np.flatnonzero(words)
    for _ in range(rng.randint(1, 3)):
        place = int(rng.choice(used)) + rng.choice((0, 0, 0, 1))
        word = int(words[place % len(words)])
        changed = rng.choice((rng.choice(TEMPTING), word + 1, word - 1, word ^ 1 << rng.randrange(32)))
        words[place % len(words)] = changed % 2**32
    return words.tobytes()


def accepted(data: bytes) -> Program | None:
    """The program, when it is valid; nothing but an InvalidProgramError may say that it is not."""
    try:
        program = decode(data)
        check(program)
    except InvalidProgramError as error:
        assert "\n" not in str(error)
        return None
    return program


@settings(deadline=None, max_examples=400)
@given(st.integers(0, 2**32 - 1))
def test_a_spoiled_program_is_refused_or_runs(seed: int) -> None:
    rng = random.Random(seed)
    data = encode(random_case(seed, nodes=6, max_elements=100).program)
    program = accepted(spoil(data, rng))
    if program is None or cost(program).peak_memory > MAX_BYTES or cost(program).operations > MAX_BYTES:
        return
    words = np.random.default_rng(seed)
    machine = ReferenceMachine(program, [random_tensor(words, constant, 0.1) for constant in program.constants])
    machine.load([random_tensor(words, slot.type, 0.1) for slot in program.slots])
    machine.run(2)
    assert encode(decode(encode(program))) == encode(program)


def test_spoiling_leaves_some_programs_valid_and_breaks_most() -> None:
    survivors = sum(accepted(spoil(encode(random_case(seed, nodes=6).program), random.Random(seed))) is not None for seed in range(100))
    assert 5 < survivors < 60
