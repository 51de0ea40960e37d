"""What one element is, operator by operator, on examples worked out by hand: section 3 of docs/specification/machine.md."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from tests.machine.words import Words
from touchstone.machine.builder import Builder, Source, Strides, Value
from touchstone.machine.program import Axis, DType, MapFn, Node, ReduceFn
from touchstone.machine.reference import Read, element, evaluate, reads
from touchstone.machine.reference import softfloat as f32
from touchstone.machine.reference.elements import chain, lane_sum
from touchstone.machine.reference.philox import philox4x32

F32, I32 = DType.F32, DType.I32
ONE, MINUS_ZERO, NAN = 0x3F800000, 0x80000000, 0x7FC00000


class Scene:
    """A builder with a step counter, and nodes taken out of it."""

    def __init__(self) -> None:
        self.b = Builder()
        self.b.slot(I32, (1,))

    def node(self, value: Value) -> Node:
        return self.b.build().nodes[value.ref.index]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def floats(values: npt.ArrayLike) -> Words:
    return np.array(values, dtype=np.float32).view(np.uint32)


def integers(values: Sequence[int]) -> Words:
    return np.array(values, dtype=np.int32).view(np.uint32)


def all_elements(node: Node, operands: list[Words]) -> list[int]:
    found = [element(node, index, operands) for index in range(node.type.size)]
    assert found == evaluate(node, operands).tolist()
    return found


def test_map_reads_each_operand_at_offset_and_strides(scene: Scene) -> None:
    x, y = scene.b.constant(F32, (6,)), scene.b.constant(F32, (2, 1))
    node = scene.node(scene.b.map(MapFn.SUB, Strides(x, 5, (0, -2)), Strides(y, 0, (1, 0)), shape=(2, 3)))
    assert reads(node, 4, []) == [Read(0, 3, 1), Read(1, 1, 1)]
    found = all_elements(node, [floats([0, 1, 2, 3, 4, 5]), floats([10, 100])])
    assert found == floats([5 - 10, 3 - 10, 1 - 10, 5 - 100, 3 - 100, 1 - 100]).tolist()


def test_a_chain_adds_its_blocks_of_256_after_they_are_complete() -> None:
    """2**24 + 1 + 1 + … loses every 1 in a single chain; the second block of 256 keeps its own."""
    a = floats([2.0**24] + [1.0] * 511)
    ones = floats([1.0] * 512)
    assert f32.value_of(chain(a.tolist(), ones.tolist())) == 2.0**24 + 256
    assert f32.value_of(chain(a[:256].tolist(), ones[:256].tolist())) == 2.0**24


def test_a_chain_does_not_start_its_total_at_zero() -> None:
    tiny = f32.word_of(2.0**-149)
    assert chain([tiny | MINUS_ZERO], [tiny]) == MINUS_ZERO  # fma(-tiny, tiny, +0) rounds to -0, and +0 is not added to it


def test_a_chain_block_starts_at_plus_zero() -> None:
    assert chain([MINUS_ZERO], [ONE]) == 0


def test_dot_multiplies_rows_and_broadcasts_batch_axes_of_one(scene: Scene) -> None:
    a, b = scene.b.constant(F32, (2, 1, 2, 3)), scene.b.constant(F32, (1, 2, 1, 3))
    node = scene.node(scene.b.dot(a, b))
    left, right = np.arange(12, dtype=np.float32), np.arange(6, dtype=np.float32) - 2
    expected = np.einsum("abmk,abnk->abmn", *np.broadcast_arrays(left.reshape(2, 1, 2, 3), right.reshape(1, 2, 1, 3).repeat(2, axis=2)))
    assert node.type.shape == (2, 2, 2, 1)
    assert all_elements(node, [floats(left), floats(right)]) == floats(expected[..., :1].reshape(-1)).tolist()
    assert reads(node, 5, []) == [Read(0, 9, 3), Read(1, 0, 3)]


def test_a_split_dot_gives_one_partial_result_per_part(scene: Scene) -> None:
    a = scene.b.constant(F32, (1, 5))
    node = scene.node(scene.b.dot(a, a, 2))
    assert node.type.shape == (1, 1, 3)
    assert all_elements(node, [floats([1, 2, 3, 4, 5])] * 2) == floats([5, 25, 25]).tolist()
    assert reads(node, 2, []) == [Read(0, 4, 1), Read(1, 4, 1)]


def test_a_sum_uses_32_lanes(scene: Scene) -> None:
    """Lane 0 holds x[0] and x[32]; a plain left-to-right sum would lose the ones."""
    row = [2.0**24] + [1.0] * 31 + [-(2.0**24)] + [0.0] * 5
    assert f32.value_of(lane_sum(floats(row).tolist(), f32.add)) == 31.0
    node = scene.node(scene.b.reduce(ReduceFn.SUM, scene.b.constant(F32, (1, 38))))
    assert all_elements(node, [floats(row)]) == floats([31.0]).tolist()


def test_lanes_are_folded_by_halves() -> None:
    """Lanes 0 and 16 meet first, then 8, 4, 2, 1."""
    row = [0.0] * 32
    row[0], row[16], row[8] = 2.0**24, -(2.0**24), 1.0
    assert f32.value_of(lane_sum(floats(row).tolist(), f32.add)) == 1.0
    row[16], row[8] = 1.0, -(2.0**24)
    assert f32.value_of(lane_sum(floats(row).tolist(), f32.add)) == 0.0


def test_a_sum_above_4096_words_is_the_sum_of_its_blocks() -> None:
    """The blocks are added in lanes 0 and 1; one level of lanes would add x[0] and x[4096] in lane 0 first."""
    row = [0.0] * 4098
    row[0], row[4096], row[1] = 2.0**24, -(2.0**24), 1.0
    assert f32.value_of(lane_sum(floats(row).tolist(), f32.add)) == 0.0


def test_a_sum_of_minus_zeros_is_plus_zero() -> None:
    assert lane_sum([MINUS_ZERO] * 3, f32.add) == 0


def test_an_integer_sum_wraps(scene: Scene) -> None:
    node = scene.node(scene.b.reduce(ReduceFn.SUM, scene.b.constant(I32, (2, 2))))
    assert all_elements(node, [integers([2**31 - 1, 1, -5, 3])]) == integers([-(2**31), -2]).tolist()


def test_a_blocked_reduction_gives_one_result_per_block(scene: Scene) -> None:
    node = scene.node(scene.b.reduce(ReduceFn.MIN, scene.b.constant(F32, (2, 5)), 2))
    assert node.type.shape == (2, 3)
    assert all_elements(node, [floats([1, 2, 4, 3, 5, 9, 8, 7, 6, 0])]) == floats([1, 3, 5, 8, 6, 0]).tolist()
    assert reads(node, 5, []) == [Read(0, 9, 1)]


@pytest.mark.parametrize("fn", [ReduceFn.MAX, ReduceFn.MIN])
def test_an_extreme_with_a_nan_is_the_canonical_nan(scene: Scene, fn: ReduceFn) -> None:
    node = scene.node(scene.b.reduce(fn, scene.b.constant(F32, (3, 2))))
    words = np.array([ONE, 0xFFFFFFFF, 0x7F800001, ONE, ONE, ONE], dtype=np.uint32)
    assert all_elements(node, [words]) == [NAN, NAN, ONE]


def test_an_extreme_of_one_word_makes_a_nan_canonical(scene: Scene) -> None:
    node = scene.node(scene.b.reduce(ReduceFn.MAX, scene.b.constant(F32, (2, 1))))
    assert all_elements(node, [np.array([0x7F800001, MINUS_ZERO], dtype=np.uint32)]) == [NAN, MINUS_ZERO]


def test_argmax_takes_the_lowest_index_and_the_first_nan(scene: Scene) -> None:
    node = scene.node(scene.b.reduce(ReduceFn.ARGMAX, scene.b.constant(F32, (4, 4))))
    minus_zeros = [MINUS_ZERO, MINUS_ZERO, 0, 0]
    ties = floats([3, 5, 5, 1]).tolist()
    nans = [ONE, 0xFF800001, 0x7F800000, NAN]
    infinities = [0xFF800000] * 4
    assert all_elements(node, [np.array(minus_zeros + ties + nans + infinities, dtype=np.uint32)]) == [2, 1, 1, 0]


def test_integer_argmax_compares_signed(scene: Scene) -> None:
    node = scene.node(scene.b.reduce(ReduceFn.ARGMAX, scene.b.constant(I32, (1, 4))))
    assert all_elements(node, [integers([-1, 7, 7, -(2**31)])]) == [1]


def test_move_takes_the_first_source_in_range_and_else_the_fill(scene: Scene) -> None:
    x, y = scene.b.constant(I32, (3,)), scene.b.constant(I32, (2,))
    shifted = Source(x, (Axis(-1, 1, (1,)),))
    spread = Source(y, (Axis(-1, 3, (1,)),))
    node = scene.node(scene.b.move((6,), [shifted, spread], 99))
    assert all_elements(node, [integers([10, 11, 12]), integers([20, 21])]) == [99, 10, 11, 12, 21, 99]
    assert reads(node, 4, []) == [Read(1, 1, 1)]
    assert reads(node, 5, []) == []


def test_move_divides_exactly_also_below_zero(scene: Scene) -> None:
    """-3 / 3 is -1 and out of range, -2 / 3 is not exact; neither is rounded to 0."""
    node = scene.node(scene.b.move((5,), [Source(scene.b.constant(I32, (1,)), (Axis(-3, 3, (1,)),))]))
    assert all_elements(node, [integers([7])]) == [0, 0, 0, 7, 0]


def test_move_carries_words_verbatim_from_a_source_of_rank_zero(scene: Scene) -> None:
    node = scene.node(scene.b.move((2,), [Source(scene.b.constant(F32, ()), ())]))
    assert all_elements(node, [np.array([0xFF812345], dtype=np.uint32)]) == [0xFF812345] * 2


def test_transpose_reads_rows_as_columns(scene: Scene) -> None:
    node = scene.node(scene.b.transpose(scene.b.constant(I32, (2, 3))))
    assert all_elements(node, [integers([1, 2, 3, 4, 5, 6])]) == [1, 4, 2, 5, 3, 6]


def test_gather_reads_rows_and_gives_zero_out_of_range(scene: Scene) -> None:
    node = scene.node(scene.b.gather(scene.b.constant(F32, (2, 2)), scene.b.constant(I32, (4,))))
    table = np.array([0x7F800001, 2, 3, 4], dtype=np.uint32)
    index = integers([1, -1, 0, 2])
    assert all_elements(node, [table, index]) == [3, 4, 0, 0, 0x7F800001, 2, 0, 0]
    assert reads(node, 5, [table, index]) == [Read(1, 2, 1), Read(0, 1, 1)]
    assert reads(node, 2, [table, index]) == [Read(1, 1, 1)]


def test_scatter_add_adds_ascending_sources_of_its_row_to_the_base(scene: Scene) -> None:
    node = scene.node(scene.b.scatter_add(scene.b.constant(F32, (2, 2)), scene.b.constant(I32, (3,)), scene.b.constant(F32, (2, 3))))
    base, src = np.array([ONE, 0, 0x7F800001, MINUS_ZERO], dtype=np.uint32), floats([2.0**24, 1, 1, 0, 0, 1])
    large = int(floats([2.0**24])[0])  # adding 1 to it is lost to rounding
    assert all_elements(node, [base, integers([0, 0, 0]), src]) == [large, ONE, 0x7F800001, MINUS_ZERO]
    assert all_elements(node, [base, integers([2, 0, -1]), src]) == [0x40000000, 0, 0x7F800001, MINUS_ZERO]
    assert all_elements(node, [base, integers([2**31 - 1, 1, 1]), src]) == [ONE, 0, NAN, ONE]
    assert reads(node, 3, [base, base, base]) == [Read(0, 3, 1), Read(1, 0, 3), Read(2, 3, 3)]


def test_integers_scattered_wrap(scene: Scene) -> None:
    node = scene.node(scene.b.scatter_add(scene.b.constant(I32, (1, 1)), scene.b.constant(I32, (2,)), scene.b.constant(I32, (1, 2))))
    assert all_elements(node, [integers([2**31 - 1]), integers([0, 0]), integers([1, 1])]) == [2**31 + 1]


def test_sources(scene: Scene) -> None:
    assert all_elements(scene.node(scene.b.fill(F32, (2,), 0x7F800001)), []) == [0x7F800001] * 2
    assert all_elements(scene.node(scene.b.iota((2, 3))), []) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers_of_its_authors(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert philox4x32(counter, key) == expected


def test_philox_counts_by_element_site_and_step(scene: Scene) -> None:
    node = scene.node(scene.b.philox((6,), (11, 12), 13))
    words = all_elements(node, [integers([-1])])
    assert words == [*philox4x32((0, 13, 0xFFFFFFFF, 0), (11, 12)), *philox4x32((1, 13, 0xFFFFFFFF, 0), (11, 12))[:2]]
    assert reads(node, 5, []) == [Read(0, 0, 1)]
