"""What a step reads besides the state: its rows of the data set, and the numbers that depend on time alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.fx import Node

from touchstone.capture.data import Column
from touchstone.capture.views import Value
from touchstone.capture.work import Job, Work
from touchstone.machine.program import DType, MapFn


def gather_batch(work: Work, index: Value) -> None:
    """Row ``index`` of the order picks this step's samples of every array; where the last batch is filled up, also which of them count."""
    order = work.constant("order", work.job.order)
    batch_size = work.job.order.shape[1]
    indices = work.graph.reshape(work.graph.gather(order, index), (batch_size,))
    columns = work.job.dataset.columns
    for node, column in zip(work.trace.batch, columns, strict=False):
        work.values[node] = _gather_rows(work, column, indices)
    if work.job.counted is not None:
        start = work.graph.map(MapFn.IMUL, index, work.graph.i32(batch_size))
        number = work.graph.map(MapFn.IADD, work.graph.iota(batch_size), start)
        work.values[work.trace.batch[len(columns)]] = work.graph.map(MapFn.ILT, number, work.graph.i32(work.job.counted))


def _gather_rows(work: Work, column: Column, indices: Value) -> Value:
    samples, *rest = column.array.shape
    data = work.constant(column.name, column.array)
    rows = work.graph.gather(work.graph.reshape(data, (samples, column.array.size // samples)), indices)
    if rows.dtype is DType.I32:
        work.labels.remember(rows, column.array)
    return work.graph.reshape(rows, (indices.shape[0], *rest))


def fill_tables(work: Work, index: Value) -> None:
    """Values that depend on time alone: a literal where they never change, else a look-up by step."""
    names = _table_names(work.job)
    for node in work.trace.module.graph.nodes:
        column = work.timetable.values.get(node)
        if column is None:
            continue
        if _is_boolean(node):  # a choice by the step number; the table holds 0 and 1
            work.values[node] = work.graph.map(MapFn.F2I, _looked_up(work, column, names, index))
        else:
            work.values[node] = _looked_up(work, column, names, index)


def _looked_up(work: Work, column: Sequence[float], names: dict[tuple[float, ...], str], index: Value) -> Value:
    rounded = tuple(float(np.float32(number)) for number in column)
    if len(set(rounded)) == 1:
        return work.graph.f32(rounded[0])
    if rounded not in work.tables:
        name = names.get(rounded, f"table:{len(work.tables)}")
        table = work.constant(name, np.array(rounded, dtype=np.float32).reshape(-1, 1))
        work.tables[rounded] = work.graph.reshape(work.graph.gather(table, index), ())
    return work.tables[rounded]


def _is_boolean(node: Node) -> bool:
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) and value.dtype is torch.bool


def _table_names(job: Job) -> dict[tuple[float, ...], str]:
    """Names of the tables that are learning rates, by their numbers."""
    names: dict[tuple[float, ...], str] = {}
    columns = list(zip(*job.rates, strict=True))[: job.groups]
    for k, rates in enumerate(columns):
        names.setdefault(tuple(float(np.float32(rate)) for rate in rates), "table:lr" if len(columns) == 1 else f"table:lr{k}")
    return names
