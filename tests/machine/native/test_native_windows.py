"""Products with sliding windows: the runtime reads them where they lie, and must give the bits of the windows' copy."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machine.native.compare import F32, Bench, assert_same_words
from touchstone.machine.builder import Source, Value
from touchstone.machine.program import Axis, MapFn
from touchstone.machine.runtime import NativeMachine, instruction_sets


@dataclass(frozen=True)
class Image:
    """A batch of images and the windows over them: place o and tap t read element ``o·stride + t·dilation − padding`` of an axis."""

    samples: int = 2
    channels: int = 3
    height: int = 7
    width: int = 9
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    dilation: int = 1
    fill: int = 0

    def places(self, length: int) -> int:
        return (length + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.samples, self.channels, self.height, self.width


def windows(bench: Bench, x: Value, image: Image, taps_last: bool, backwards: bool = False) -> Value:
    """The windows of ``x`` as a matrix: [samples, places, channels·taps], or [channels·taps, samples·places]."""
    down, across, k = image.places(image.height), image.places(image.width), image.kernel
    if taps_last:
        shape, (n, h, w, c, kh, kw) = (image.samples, down, across, image.channels, k, k), range(6)
    else:
        shape, (c, kh, kw, n, h, w) = (image.channels, k, k, image.samples, down, across), range(6)

    def axis(offset: int, coefficients: dict[int, int]) -> Axis:
        return Axis(offset, 1, tuple(coefficients.get(j, 0) for j in range(6)))

    step = -image.dilation if backwards else image.dilation
    offset = image.dilation * (k - 1) - image.padding if backwards else -image.padding
    axes = (axis(0, {n: 1}), axis(0, {c: 1}), axis(offset, {h: image.stride, kh: step}), axis(offset, {w: image.stride, kw: step}))
    taps, places = image.channels * k * k, down * across
    moved = bench.builder.move(shape, [Source(x, axes)], fill=image.fill)
    return moved.view(image.samples, places, taps) if taps_last else moved.view(taps, image.samples * places)


def convolved(bench: Bench, image: Image, outputs: int, backwards: bool = False) -> Value:
    """Weights [1, outputs, channels·taps] with every window: [samples, outputs, places]."""
    weights = bench.constant(F32, (1, outputs, image.channels * image.kernel**2))
    return bench.builder.dot(weights, windows(bench, bench.constant(F32, image.shape), image, taps_last=True, backwards=backwards))


def weight_gradient(bench: Bench, image: Image, outputs: int, split: int) -> Value:
    """Gradients [outputs, samples·places], stored by sample, with every window: [outputs, channels·taps, parts]."""
    places = image.places(image.height) * image.places(image.width)
    stored = bench.constant(F32, (image.samples, outputs, places))
    rows = bench.builder.transpose(stored, [1, 0, 2]).view(outputs, image.samples * places)
    return bench.builder.dot(rows, windows(bench, bench.constant(F32, image.shape), image, taps_last=False), split=split)


IMAGES = st.builds(
    Image,
    samples=st.integers(1, 3),
    channels=st.integers(1, 4),
    height=st.integers(3, 12),
    width=st.integers(3, 20),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    fill=st.sampled_from([0, 0x80000000, 0xFF800000, 0x7FC12345]),
).filter(lambda image: image.places(image.height) > 0 and image.places(image.width) > 0)


@given(image=IMAGES, outputs=st.one_of(st.integers(1, 8), st.integers(9, 40)), backwards=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_any_convolution_gives_the_references_bits(image: Image, outputs: int, backwards: bool, seed: int) -> None:
    bench = Bench(seed, 0.01)
    bench.keep(convolved(bench, image, outputs, backwards))
    bench.check(steps=1)


@given(image=IMAGES, outputs=st.one_of(st.integers(1, 8), st.integers(9, 40)), split=st.sampled_from([0, 1, 7, 256, 300, 8192]))
@settings(max_examples=60, deadline=None)
def test_any_gradient_of_weights_gives_the_references_bits(image: Image, outputs: int, split: int) -> None:
    bench = Bench(outputs, 0.01)
    bench.keep(weight_gradient(bench, image, outputs, split))
    bench.check(steps=1)


@pytest.mark.parametrize(
    "image",
    [
        Image(),
        Image(stride=2),
        Image(width=40, height=3, padding=0),
        Image(channels=40, kernel=3, width=8, height=8),
        Image(samples=9, height=6, width=6),
        Image(kernel=1, padding=0),
    ],
)
def test_every_instruction_set_convolves_alike(image: Image, level: str) -> None:
    for outputs in (5, 16, 35):
        bench = Bench(outputs, 0.002)
        bench.keep(convolved(bench, image, outputs), convolved(bench, image, outputs, backwards=True))
        bench.keep(weight_gradient(bench, image, outputs, split=300))
        bench.check(steps=1)


def test_windows_read_by_a_product_and_by_others_are_the_same_for_all() -> None:
    bench, image = Bench(3, 0.05), Image()
    b = bench.builder
    x = bench.slot(F32, image.shape)
    rows = windows(bench, b.map(MapFn.ADD, x, x), image, taps_last=True)
    weights = bench.constant(F32, (1, 8, rows.shape[-1]))
    bench.keep(b.dot(weights, rows), b.map(MapFn.NEG, rows), b.dot(rows, rows))
    bench.check(steps=2)


def test_windows_may_be_either_factor_or_both() -> None:
    bench, image = Bench(4, 0.01), Image(height=12, width=12)
    b = bench.builder
    rows = windows(bench, bench.constant(F32, image.shape), image, taps_last=True)
    other = windows(bench, bench.constant(F32, image.shape), image, taps_last=True)
    bench.keep(b.dot(rows, bench.constant(F32, (1, 20, rows.shape[-1]))), b.dot(rows, other))
    bench.check(steps=1)


def test_windows_that_do_not_fall_into_rows_and_terms_are_copied() -> None:
    bench, image = Bench(5, 0.01), Image()
    b = bench.builder
    rows = windows(bench, bench.constant(F32, image.shape), image, taps_last=True)
    bench.keep(b.dot(bench.constant(F32, (10, 7)), rows.view(rows.type.size // 7, 7)))
    bench.check(steps=1)


@pytest.mark.parametrize("stride", [1, 2])
def test_large_images_are_the_same_from_every_instruction_set_and_thread_count(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, image = Bench(6, 0.0001), Image(samples=3, channels=4, height=70, width=80, stride=stride)
    bench.keep(convolved(bench, image, 20), weight_gradient(bench, image, 20, split=8192))
    results = []
    for name in instruction_sets():
        monkeypatch.setenv("TOUCHSTONE_ISA", name)
        for threads in (1, 2, 3):
            machine = NativeMachine(bench.builder.build(), bench.constants, threads)
            machine.load(bench.state)
            machine.trace(lambda node, output: None) if threads == 3 else machine.run(1)
            results.append(machine.state())
    for result in results[1:]:
        for slot, expected in zip(result, results[0], strict=True):
            assert_same_words(slot, expected, "slot")
