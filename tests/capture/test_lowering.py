"""Each supported ATen operator gives on the machine what PyTorch gives, in shape, dtype and value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.capture.operators import KEY, compare, normal, run_on_machine
from touchstone.capture.lowering import RULES
from touchstone.capture.sampling import program_words

aten = torch.ops.aten


def positive(*shape: int) -> torch.Tensor:
    return normal(*shape).abs() + 0.1


def integers(*shape: int, high: int = 5) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, high, shape))


X, Y, ROW, SQUARE = normal(3, 4), normal(3, 4, seed=1), normal(4, seed=2), normal(4, 4, seed=3)
INTS, MASK, LABELS = integers(3, 4), normal(3, 4, seed=4) > 0, integers(3, high=4)
BLOCK = normal(2, 3, 4, seed=5)
UNIT = torch.tensor(0.25)
LOGS = torch.log_softmax(X, -1)
INSIDE = torch.sigmoid(X)
MAP, PIXELS, SHARES = normal(2, 4, 3, 5, seed=6), integers(2, 3, 5, high=4), positive(4)
TABLE = normal(6, 2, seed=6)
PARTLY_MASKED = X.masked_fill(torch.tensor([[0, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]]).bool(), -math.inf)
NORMALISED = [X.mean(-1, keepdim=True), (X.var(-1, keepdim=True, correction=0) + 1e-5).rsqrt()]

# For each operator, arguments to try it with. A dictionary at the end holds keyword arguments.
CASES: dict[Any, list[list[Any]]] = {
    aten.add.Tensor: [[X, ROW], [X, Y, {"alpha": 0.5}], [INTS, INTS, {"alpha": 3}], [X, INTS], [MASK, INTS]],
    aten.add.Scalar: [[X, 1.5], [INTS, -2]],
    aten.sub.Tensor: [[X, ROW], [X, Y, {"alpha": 0.5}], [INTS, INTS, {"alpha": 3}]],
    aten.sub.Scalar: [[X, 1.5], [INTS, 7]],
    aten.rsub.Tensor: [[X, Y], [X, Y, {"alpha": 2.0}]],
    aten.rsub.Scalar: [[X, 1.0], [INTS, 3]],
    aten.mul.Tensor: [[X, ROW], [INTS, INTS], [X, UNIT]],
    aten.mul.Scalar: [[X, 0.1], [INTS, -3]],
    aten.div.Tensor: [[X, positive(3, 4)], [INTS, INTS + 1]],
    aten.div.Scalar: [[X, 3.0]],
    aten.neg.default: [[X], [INTS]],
    aten.abs.default: [[X], [INTS - 3]],
    aten.sign.default: [[X], [torch.tensor([0.0, -0.0, 2.0])]],
    aten.sgn.default: [[X]],
    aten.sqrt.default: [[positive(3, 4)]],
    aten.rsqrt.default: [[positive(3, 4)]],
    aten.reciprocal.default: [[positive(3, 4)]],
    aten.exp.default: [[X]],
    aten.log.default: [[positive(3, 4)]],
    aten.erf.default: [[X]],
    aten.sin.default: [[X * 30]],
    aten.cos.default: [[X * 30]],
    aten.maximum.default: [[X, Y], [INTS, INTS.flip(0)]],
    aten.minimum.default: [[X, Y], [INTS, INTS.flip(0)]],
    aten.clamp.default: [[X, -0.5, 0.5], [X, None, 0.1]],
    aten.clamp_min.default: [[X, 0.2]],
    aten.clamp_max.default: [[X, 0.2]],
    aten.pow.Tensor_Scalar: [[positive(3, 4), p] for p in (-1, -0.5, 0.5, 1, 2, 3)],
    aten.addcmul.default: [[X, Y, Y], [X, Y, ROW, {"value": 0.3}]],
    aten.addcdiv.default: [[X, Y, positive(3, 4), {"value": -0.3}]],
    aten.lerp.Scalar: [[X, Y, 0.1]],
    aten.lerp.Tensor: [[X, Y, ROW]],
    aten.lt.Tensor: [[X, Y], [INTS, INTS.flip(0)], [X, INTS]],
    aten.lt.Scalar: [[X, 0.5], [INTS, 2], [INTS, 1.5]],
    aten.le.Tensor: [[INTS, INTS.flip(0)]],
    aten.le.Scalar: [[INTS, 2]],
    aten.gt.Tensor: [[X, Y]],
    aten.gt.Scalar: [[X, 0], [INTS, 2]],
    aten.ge.Tensor: [[INTS, INTS.flip(0)]],
    aten.ge.Scalar: [[INTS, 2], [X, 0.0]],
    aten.eq.Tensor: [[INTS, INTS.flip(0)], [X, X]],
    aten.eq.Scalar: [[INTS, 2], [torch.tensor([0.0, -0.0]), 0.0]],
    aten.ne.Tensor: [[INTS, INTS.flip(0)]],
    aten.ne.Scalar: [[INTS, 2]],
    aten.logical_not.default: [[MASK], [INTS], [X]],
    aten.logical_and.default: [[MASK, INTS], [X, MASK]],
    aten.logical_or.default: [[MASK, INTS]],
    aten.bitwise_not.default: [[MASK], [INTS]],
    aten.bitwise_and.Tensor: [[INTS, INTS.flip(0)], [MASK, MASK.flip(0)]],
    aten.bitwise_and.Scalar: [[INTS, 1]],
    aten.bitwise_or.Tensor: [[INTS, INTS.flip(0)]],
    aten.bitwise_or.Scalar: [[INTS, 4]],
    aten.where.self: [[MASK, X, Y], [MASK, INTS, INTS.flip(0)], [MASK, X, UNIT]],
    aten.masked_fill.Scalar: [[X, MASK, -math.inf], [INTS, MASK, -1]],
    aten.masked_fill.Tensor: [[X, MASK, UNIT]],
    aten.zeros.default: [[[2, 3]], [[2], {"dtype": torch.int64}]],
    aten.zeros_like.default: [[X], [INTS]],
    aten.new_zeros.default: [[X, [2, 2]]],
    aten.ones.default: [[[2, 3]]],
    aten.ones_like.default: [[X], [INTS]],
    aten.full.default: [[[2, 3], 1.5], [[2], 4]],
    aten.full_like.default: [[X, 2.5]],
    aten.scalar_tensor.default: [[2.5]],
    aten.arange.default: [[5], [3.5]],
    aten.arange.start: [[2, 7], [0.5, 3.0]],
    aten.arange.start_step: [[1, 12, 3], [8, 0, -2], [0.0, 1.0, 0.3]],
    aten.clone.default: [[X]],
    aten.detach.default: [[X]],
    aten.detach_copy.default: [[X]],
    aten.alias.default: [[X]],
    aten.alias_copy.default: [[X]],
    aten.lift_fresh_copy.default: [[X]],
    aten.copy.default: [[X, ROW], [X, INTS], [INTS, X]],
    aten._to_copy.default: [
        [X, {"dtype": torch.int64}],
        [INTS, {"dtype": torch.float32}],
        [MASK, {"dtype": torch.float32}],
        [X, {"dtype": torch.bool}],
        [INTS, {"dtype": torch.int32}],
    ],
    aten.view.default: [[X, [2, 6]], [X, [-1]]],
    aten.view_copy.default: [[X, [12]]],
    aten._unsafe_view.default: [[X, [4, 3]]],
    aten.unsqueeze.default: [[X, 1]],
    aten.unsqueeze_copy.default: [[X, -1]],
    aten.squeeze.default: [[normal(1, 3, 1)]],
    aten.squeeze_copy.default: [[normal(1, 3, 1)]],
    aten.squeeze.dim: [[normal(1, 3, 1), 0]],
    aten.squeeze_copy.dim: [[normal(1, 3, 1), -1]],
    aten.squeeze.dims: [[normal(1, 3, 1), [0, 2]]],
    aten.squeeze_copy.dims: [[normal(1, 3, 1), [0]]],
    aten.permute.default: [[BLOCK, [2, 0, 1]], [BLOCK, [0, -1, 1]]],
    aten.permute_copy.default: [[BLOCK, [1, 2, 0]]],
    aten.t.default: [[X], [ROW]],
    aten.t_copy.default: [[X]],
    aten.transpose.int: [[BLOCK, 0, 2], [BLOCK, -1, 1]],
    aten.transpose_copy.int: [[BLOCK, 1, 2]],
    aten.expand.default: [[ROW, [3, 4]], [UNIT, [2, 2]], [normal(3, 1), [-1, 4]]],
    aten.expand_copy.default: [[ROW, [3, 4]]],
    aten.repeat.default: [[X, [2, 1]], [ROW, [2, 3, 2]], [UNIT, [2, 2]]],
    aten.slice.Tensor: [[X, 1, 1, 3], [X, 0, -2, 9], [X, 1, 0, 4, 2]],
    aten.slice_copy.Tensor: [[X, 1, 1, 3], [X, -1, -3, -1]],
    aten.select.int: [[BLOCK, 1, 2], [BLOCK, -1, -1]],
    aten.select_copy.int: [[BLOCK, 0, 1]],
    aten.slice_backward.default: [[normal(3, 2), [3, 4], 1, 1, 3, 1], [normal(3, 2), [3, 4], -1, 0, 4, 2]],
    aten.select_backward.default: [[ROW, [3, 4], 0, 1], [normal(3), [3, 4], -1, -1]],
    aten.cat.default: [[[X, Y], 1], [[X, Y, X]], [[normal(1, seed=k) for k in range(40)]], [[X], -1]],
    aten.stack.default: [[[X, Y], 1], [[UNIT, UNIT * 2]], [[X, Y], -1]],
    aten.mm.default: [[X, SQUARE], [X, normal(4, 1)], [normal(2, 9000), normal(9000, 3)]],
    aten.bmm.default: [[BLOCK, normal(2, 4, 5)]],
    aten.addmm.default: [[ROW, X, SQUARE], [ROW, X, SQUARE, {"beta": 0.5, "alpha": 2.0}]],
    aten.baddbmm.default: [[normal(2, 3, 5), BLOCK, normal(2, 4, 5)]],
    aten.sum.default: [[X], [INTS], [MASK], [UNIT], [normal(20000)]],
    aten.sum.dim_IntList: [[BLOCK, [0, 2]], [BLOCK, [-1], True], [BLOCK, [1]], [BLOCK, None], [UNIT, []]],
    aten.mean.default: [[X], [UNIT]],
    aten.mean.dim: [[BLOCK, [1]], [BLOCK, [0, -1], True]],
    aten.amax.default: [[BLOCK, [1]], [X], [UNIT]],
    aten.amin.default: [[BLOCK, [-1], True], [X]],
    aten.argmax.default: [[X, 1], [X], [X, 0, True]],
    aten.linalg_vector_norm.default: [[X], [X, 2, [1], True], [UNIT]],
    aten.relu.default: [[X]],
    aten.threshold_backward.default: [[X, Y, 0], [X, Y, 0.5]],
    aten.tanh.default: [[X]],
    aten.tanh_backward.default: [[X, torch.tanh(Y)]],
    aten.sigmoid.default: [[X], [torch.tensor([-200.0, 200.0, 0.0])]],
    aten.sigmoid_backward.default: [[X, torch.sigmoid(Y)]],
    aten.silu.default: [[X], [torch.tensor([-200.0, 200.0, 0.0])]],
    aten.silu_backward.default: [[X, Y]],
    aten.gelu.default: [[X], [X, {"approximate": "tanh"}]],
    aten.gelu_backward.default: [[X, Y], [X, Y, {"approximate": "tanh"}]],
    aten._softmax.default: [[X, 1, False], [X * 100, -1, False], [X, 0, False]],
    aten._safe_softmax.default: [[X, 1], [PARTLY_MASKED, -1], [PARTLY_MASKED, 0]],
    aten._softmax_backward_data.default: [[X, torch.softmax(Y, -1), -1, torch.float32]],
    aten._log_softmax.default: [[X, 1, False], [X * 100, -1, False]],
    aten._log_softmax_backward_data.default: [[X, LOGS, 1, torch.float32]],
    aten.nll_loss_forward.default: [
        *([LOGS, LABELS, None, reduction, -100] for reduction in (0, 1, 2)),
        [LOGS, LABELS, None, 1, int(LABELS[0])],
        [LOGS[0], LABELS[0], None, 1, -100],
        *([LOGS, LABELS, SHARES, reduction, int(LABELS[0])] for reduction in (0, 1, 2)),
    ],
    aten.nll_loss_backward.default: [
        [normal(3), LOGS, LABELS, None, 0, -100, torch.tensor(3.0)],
        [UNIT, LOGS, LABELS, None, 1, -100, torch.tensor(3.0)],
        [UNIT, LOGS, LABELS, None, 2, int(LABELS[0]), torch.tensor(3.0)],
        [UNIT, LOGS[0], LABELS[0], None, 1, -100, torch.tensor(1.0)],
        [UNIT, LOGS, LABELS, SHARES, 1, int(LABELS[0]), torch.tensor(1.5)],
    ],
    aten.binary_cross_entropy.default: [[INSIDE, INSIDE.flip(0), w, reduction] for reduction in (0, 1, 2) for w in (None, ROW.abs())],
    aten.binary_cross_entropy_backward.default: [
        [UNIT, INSIDE, INSIDE.flip(0), None, 1],
        [UNIT, INSIDE, INSIDE.flip(0), X.abs(), 2],
        [X, INSIDE, INSIDE.flip(0), None, 0],
    ],
    aten.nll_loss2d_forward.default: [
        *([MAP, PIXELS, weight, reduction, -100] for reduction in (0, 1, 2) for weight in (None, SHARES)),
        [MAP, PIXELS, SHARES, 1, 2],
    ],
    aten.nll_loss2d_backward.default: [
        [normal(2, 3, 5), MAP, PIXELS, SHARES, 0, -100, torch.tensor(3.0)],
        [UNIT, MAP, PIXELS, None, 1, 2, torch.tensor(3.0)],
        [UNIT, MAP, PIXELS, SHARES, 1, 2, torch.tensor(3.0)],
    ],
    aten.native_layer_norm.default: [
        [X + 3, [4], ROW, ROW + 1, 1e-5],
        [X, [4], None, None, 1e-5],
        [X, [4], ROW, None, 1e-3],
        [BLOCK, [3, 4], BLOCK[0], BLOCK[1], 1e-5],
    ],
    aten.native_layer_norm_backward.default: [
        [Y, X, [4], *NORMALISED, ROW, ROW, [True, True, True]],
        [Y, X, [4], *NORMALISED, None, None, [True, False, False]],
    ],
    aten.embedding.default: [[TABLE, INTS], [TABLE, LABELS, 2]],
    aten.embedding_dense_backward.default: [
        [normal(3, 4, 2), INTS, 6, -1, False],
        [normal(3, 4, 2), INTS, 6, int(INTS[0, 0]), False],
    ],
    aten.index.Tensor: [
        [TABLE, [LABELS]],
        [TABLE, [LABELS - 2]],
        [BLOCK, [None, torch.tensor([2, 0])]],
        [BLOCK, [torch.tensor([[0], [1]]), torch.tensor([2, 0, 0])]],
        [BLOCK, [torch.tensor([0, 1, 1]), None, torch.tensor([3, 0, 1])]],
        [BLOCK, [None, torch.tensor([2, 0]), torch.tensor([[3], [1]])]],
    ],
    aten.index_put.default: [
        [TABLE, [torch.tensor([1, 1, -1])], normal(3, 2), True],
        [BLOCK, [None, torch.tensor([2, 2])], normal(2, 2, 4), True],
        [BLOCK, [torch.tensor([0, 1, 1]), None, torch.tensor([3, 0, 0])], normal(3, 3), True],
        [BLOCK, [torch.tensor([1, 1])], UNIT, True],
        [TABLE, [torch.tensor([1, 4, -1])], normal(3, 2), False],
        [TABLE, [torch.tensor([1, 1, 1])], normal(3, 2), False],
        [BLOCK, [None, torch.tensor([2, 0])], normal(2, 2, 4), False],
        [BLOCK, [torch.tensor([0, 1, 1]), None, torch.tensor([3, 0, 1])], normal(3, 3), False],
        [INTS, [torch.tensor([[0], [2]]), torch.tensor([3, 1])], torch.tensor(7), False],
        [INTS, [torch.tensor([0, 2, 0])], integers(3, 4).flip(0), True],
        [MASK, [torch.tensor([0, 2, 0])], MASK.flip(1), True],
    ],
    aten._unsafe_index_put.default: [[TABLE, [torch.tensor([1, 1, 2])], normal(3, 2), True]],
    aten.gather.default: [[X, 1, torch.tensor([[3, 0], [1, 1]])], [X, 0, torch.tensor([[2, 0, 1, 1]])]],
    aten.scatter_add.default: [
        [X, 1, torch.tensor([[3, 0], [1, 1]]), Y],
        [X, 0, torch.tensor([[2, 0, 1, 1]]), Y],
        [INTS, 0, torch.tensor([[2, 0, 1, 1]]), INTS],
        [MASK, 0, torch.tensor([[2, 0, 1, 1]]), MASK],
    ],
    aten.split.Tensor: [[X, 3, 1]],
    aten.split_copy.Tensor: [[X, 2, -1], [X, 2]],
    aten.split_with_sizes.default: [[X, [1, 3], 1]],
    aten.split_with_sizes_copy.default: [[X, [1, 2]]],
    aten.unbind.int: [[X]],
    aten.unbind_copy.int: [[BLOCK, -1]],
    aten.slice_scatter.default: [[X, ROW.expand(2, 4), 0, 1, 3], [X, normal(3, 2), -1, 0, 4, 2], [X, Y]],
    aten.constant_pad_nd.default: [[X, [1, 2]], [X, [0, 1, 2, 0], -math.inf], [INTS, [1, -1, -1, 2], 7]],
    aten.cumsum.default: [[X, 1], [X, 0], [INTS, -1], [MASK, 1], [UNIT, 0]],
    aten.logcumsumexp.default: [[X, 1], [X * 50, 0], [torch.tensor([-math.inf, -math.inf, 1.0, math.inf]), 0], [UNIT, 0]],
    aten._trilinear.default: [
        [X, normal(5, 4, 4), Y, [1, 3], [0], [1, 2], [2, 3]],
        [X, normal(3, 5), Y, [1, 3], [2, 3], [1, 2], [0]],
        [X, normal(5, 4, 4), normal(3, 5), [1, 3], [0], [2, 3], [1, 2]],
    ],
    aten.mse_loss.default: [[X, Y, reduction] for reduction in (0, 1, 2)],
    aten.mse_loss_backward.default: [[UNIT, X, Y, 1], [UNIT, X, Y, 2], [X, Y, X * Y, 0]],
    aten.__lshift__.Scalar: [[INTS, 3]],
    aten.__lshift__.Tensor: [[INTS, INTS.flip(0)]],
    aten.__rshift__.Scalar: [[INTS - 3, 1]],
    aten.__rshift__.Tensor: [[INTS - 3, INTS.flip(0)]],
    aten.bitwise_left_shift.Tensor: [[INTS, INTS.flip(0)]],
    aten.bitwise_left_shift.Tensor_Scalar: [[INTS, 2]],
    aten.bitwise_right_shift.Tensor: [[INTS - 3, INTS.flip(0)]],
    aten.bitwise_right_shift.Tensor_Scalar: [[INTS - 3, 1]],
    aten.bitwise_xor.Scalar: [[INTS, 5]],
    aten.bitwise_xor.Tensor: [[INTS, INTS.flip(0)]],
    aten.all.dim: [[MASK, 1], [X, 0, True]],
    aten.all.dims: [[MASK, [0, 1]], [INTS, [1], True]],
    aten.any.dims: [[MASK, [0, 1]], [INTS, [1], True]],
    aten.as_strided.default: [[X, [2, 3], [1, 4], 2]],
    aten.diagonal.default: [[X], [BLOCK, 1, -2, -1]],
    aten.unfold.default: [[X, 1, 2, 1]],
    aten.bucketize.Scalar: [[0.1, ROW.sort().values], [2, LABELS.sort().values, {"right": True}]],
    aten.copysign.Scalar: [[X, -1.0]],
    aten.div.Scalar_mode: [[X, 0.3, {"rounding_mode": "floor"}], [INTS - 3, 2, {"rounding_mode": "trunc"}]],
    aten.fill.Tensor: [[X, UNIT]],
    aten.fix.default: [[X * 3]],
    aten.floor_divide.Scalar: [[X, 0.3], [INTS - 3, 2]],
    aten.fmod.Scalar: [[X, 0.3], [INTS - 3, 2]],
    aten.remainder.Scalar_Tensor: [[2.5, positive(3, 4)]],
    aten.isin.Tensor_Scalar: [[INTS, 2]],
    aten.median.dim: [[X, 1], [X, 0, True]],
    aten.prod.dim_int: [[X, 1], [INTS, 0, True]],
    aten.sort.stable: [[X, {"stable": True, "dim": 1}], [INTS, {"stable": True, "dim": 0, "descending": True}]],
}

UNDEFINED = {
    aten.empty.memory_format,
    aten.empty_like.default,
    aten.new_empty.default,
    aten.new_empty_strided.default,
    aten.empty_strided.default,
}


# Tried in test modules of their own.
ELSEWHERE = {
    aten.bernoulli.p,
    aten.convolution.default,
    aten.convolution_backward.default,
    *(operator for operator in RULES if any(part in str(operator) for part in ("_pool", "batch_norm", "group_norm", "upsample", "n_pad"))),
}


@pytest.mark.parametrize(
    ("operator", "case"),
    [(operator, case) for operator, cases in CASES.items() for case in range(len(cases))],
    ids=lambda value: str(value).removeprefix("aten."),
)
def test_the_operator_gives_what_pytorch_gives(operator: Any, case: int) -> None:
    arguments = list(CASES[operator][case])
    options = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    compare(operator, arguments, options)


def test_every_operator_tried_is_a_supported_one() -> None:
    # That every supported one is tried is proved where the operator database is swept.
    assert set(CASES) | UNDEFINED | ELSEWHERE <= set(RULES)


@pytest.mark.parametrize("operator", sorted(UNDEFINED, key=str), ids=str)
def test_memory_that_pytorch_leaves_undefined_is_zero(operator: Any) -> None:
    (found,) = run_on_machine(operator, [], {}, [torch.empty(2, 3)])
    np.testing.assert_array_equal(found, np.zeros((2, 3), dtype=np.float32))


def test_bernoulli_draws_what_the_host_predicts() -> None:
    (found,) = run_on_machine(aten.bernoulli.p, [torch.zeros(50, 70), 0.3], {}, [torch.zeros(50, 70)])
    words = program_words(KEY, site=3, step=0, count=3500)
    np.testing.assert_array_equal(found.ravel(), (words >> 8 < round(0.3 * 2**24)).astype(np.float32))
    assert abs(float(found.mean()) - 0.3) < 0.03
