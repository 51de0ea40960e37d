"""Convolutional nets on the real Fashion-MNIST follow eager PyTorch for 200 steps."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from scripts import fashion_mnist
from scripts.examples import fashion_lenet, fashion_resnet
from tests.capture.runs import constant, final_state, slot, train_eagerly
from touchstone import capture
from touchstone.machine.reference import ReferenceMachine
from touchstone.machine.runtime import NativeMachine

STEPS = 200


def test_the_data_set_is_the_published_one() -> None:
    images, labels = fashion_mnist.load("test")
    assert images.shape == (10_000, 1, 28, 28) and images.dtype == np.float32
    assert images.min() == 0 and images.max() == 1
    assert np.bincount(labels).tolist() == [1000] * 10


def test_missing_and_damaged_data_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(fashion_mnist.MissingDataError, match=r"t10k-images.*run: python -m"):
        fashion_mnist.load("test", tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"\0" * 16)
    with pytest.raises(fashion_mnist.DamagedDataError, match="16 bytes, not the published ones"):
        fashion_mnist.load("test", tmp_path)
    assert all(len(digest) == len(hashlib.sha256().hexdigest()) for digest in fashion_mnist.FILES.values())


def test_a_lenet_follows_eager_pytorch_for_200_steps_and_reads_clothes_as_well() -> None:
    workload = fashion_lenet.build_workload(steps=STEPS, batch_size=16, samples=3200)
    state = final_state(workload)
    eager = fashion_lenet.build_model()
    optimizer = fashion_lenet.build_optimizer(eager)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS)
    images, labels = (array[:3200] for array in fashion_mnist.load("train"))
    losses = train_eagerly(eager, nn.CrossEntropyLoss(), optimizer, images, labels, constant(workload, "order"), scheduler=schedule)
    np.testing.assert_allclose(slot(workload, state, "loss_history")[-1], losses[-1], rtol=1e-3)
    model = fashion_lenet.build_model(seed=1)
    capture.export(workload, state, model)
    accuracy = fashion_lenet.accuracy(model, samples=2000)
    assert accuracy > 0.6
    assert abs(accuracy - fashion_lenet.accuracy(eager, samples=2000)) < 0.02


def small_images(samples: int, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Every ``every``-th pixel, each way, of the first images."""
    images, labels = fashion_mnist.load("train")
    return np.ascontiguousarray(images[:samples, :, ::every, ::every]), labels[:samples]


def test_a_resnet_follows_eager_pytorch_for_200_steps() -> None:
    images, labels = small_images(1600, every=2)
    model = fashion_resnet.build_model(width=4, blocks=1)
    workload = capture(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.02), images, labels, batch_size=8, steps=STEPS
    )
    state = final_state(workload)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    losses = train_eagerly(model, nn.CrossEntropyLoss(), optimizer, images, labels, constant(workload, "order"))
    np.testing.assert_allclose(slot(workload, state, "loss_history")[-20:].mean(), losses[-20:].mean(), rtol=1e-3)
    trained = fashion_resnet.build_model(width=4, blocks=1)
    capture.export(workload, state, trained)
    for name, buffer in trained.named_buffers():
        np.testing.assert_allclose(buffer.numpy(), model.get_buffer(name).numpy(), rtol=5e-2, atol=1e-2, err_msg=name)


def test_the_runtime_gives_the_references_bits_on_a_convolutional_net() -> None:
    images, labels = small_images(32, every=4)
    model = fashion_resnet.build_model(width=2, blocks=1)
    workload = capture(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), images, labels, batch_size=2, steps=2
    )
    states = []
    for machine in (ReferenceMachine(workload.program, workload.constants), NativeMachine(workload.program, workload.constants, 2)):
        machine.load(workload.state)
        machine.run(2)
        states.append([array.tobytes() for array in machine.state()])
    assert states[0] == states[1]
