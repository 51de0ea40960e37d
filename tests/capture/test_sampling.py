"""The order of the samples, and the generator it comes from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from touchstone import capture
from touchstone.capture.order import batch_order
from touchstone.capture.sampling import key_of, permutation, philox, program_words
from touchstone.machine.program import DType, Kind, Node, Op, Operand, Ref, SourceFn, TensorType
from touchstone.machine.reference import evaluate

# Known answers of Philox4x32-10 from the authors' library Random123 (kat_vectors): counter, key, result.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_authors_known_answers(counter, key, expected) -> None:
    assert tuple(philox(key, np.array([counter], dtype=np.uint32))[0]) == expected


def test_the_host_predicts_the_words_of_the_machines_philox_node() -> None:
    step = Operand(Ref(Kind.SLOT, 0), TensorType(DType.I32, (1,)))
    node = Node(Op.SOURCE, SourceFn.PHILOX, TensorType(DType.I32, (3, 7)), (step,), (*key_of(2**40 + 5), 2))
    words = evaluate(node, [np.array([11], dtype=np.uint32)])
    np.testing.assert_array_equal(words, program_words(key_of(2**40 + 5), site=2, step=11, count=21))


def test_every_epoch_visits_every_sample_once_in_another_order() -> None:
    order = batch_order(30, 7, steps=30, epochs=None, seed=4)
    assert order.shape == (30, 7) and order.dtype == np.int32
    epochs = order.ravel().reshape(7, 30)
    assert all(sorted(epoch) == list(range(30)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 7


def test_without_shuffling_samples_come_in_their_own_order() -> None:
    order = batch_order(5, 2, steps=5, epochs=None, shuffle=False)
    np.testing.assert_array_equal(order.ravel(), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])


FIRST_ORDER = [2, 4, 0, 7, 5, 6, 3, 1]


def test_seeds_give_different_orders_and_the_first_one_never_changes() -> None:
    assert permutation(key_of(0), 0, 8).tolist() == FIRST_ORDER
    assert len({tuple(permutation(key_of(seed), 0, 20)) for seed in range(50)}) == 50


def test_positions_are_uniform() -> None:
    counts = np.zeros((10, 10))
    for epoch in range(2000):
        counts[np.arange(10), permutation(key_of(1), epoch, 10)] += 1
    chi_squared = ((counts - 200) ** 2 / 200).sum()
    assert chi_squared < 160  # 81 degrees of freedom: exceeded once in a million


def test_epochs_give_as_many_full_batches_as_fit(samples) -> None:
    model = nn.Linear(6, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    workload = capture(model, nn.CrossEntropyLoss(), optimizer, *samples, batch_size=12, epochs=2.5)
    assert workload.steps == 8  # 100 of 100 visits, 12 at a time
    order = workload.constants[workload.constant_names.index("order")]
    assert order.shape == (8, 12)
