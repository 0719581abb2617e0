#!/usr/bin/env python3
"""Writes assets/voice/isolation.bin, the numbers of the network that tells a voice from all else.

  isolation_weights.py gtcrn_simple.onnx OUT.bin

The network is GTCRN (Rong, Sun, Zhang, Hu, Zhu and Lu, "GTCRN: a speech enhancement model requiring
ultralow computational resources", 2024) as its authors published it for streams, MIT licence. Needs
`onnx` and `numpy`. What is written, in the order in which src/voice/isolation/network.rs reads it,
are 32-bit floats, little end first; batch normalisation is folded into what stands before it, and
transposed convolutions of stride 1 are turned into plain ones.
"""
import sys

import numpy as np
import onnx
from onnx import numpy_helper

graph = onnx.load(sys.argv[1]).graph
init = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
consts = {
    n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == "Constant"
}
values = {**init, **consts}
made_by = {out: n for n in graph.node for out in n.output}
read_by = {}
for n in graph.node:
    for name in n.input:
        read_by.setdefault(name, []).append(n)
out = []


def put(*arrays):
    for a in arrays:
        assert a.dtype == np.float32 and np.isfinite(a).all()
        out.append(np.ascontiguousarray(a).ravel())


def attribute(n, name, default):
    return next((onnx.helper.get_attribute_value(a) for a in n.attribute if a.name == name), default)


def convolution(n):
    """Weights as [out][in of the group][time][frequency], and what follows."""
    w, b = values[n.input[1]], values[n.input[2]]
    if n.op_type == "ConvTranspose":
        groups = attribute(n, "group", 1)
        rows = w.shape[0] // groups
        w = np.concatenate([w[g * rows : (g + 1) * rows].swapaxes(0, 1) for g in range(groups)])
        if attribute(n, "strides", [1, 1]) == [1, 1]:
            w = w[:, :, ::-1, ::-1]
    after = read_by[n.output[0]][0]
    if after.op_type == "BatchNormalization":
        gain, shift, mean, variance = (values[name] for name in after.input[1:])
        scale = gain / np.sqrt(variance + np.float32(attribute(after, "epsilon", 1e-5)))
        w, b = w * scale[:, None, None, None], (b - mean) * scale + shift
        after = read_by[after.output[0]][0]
    put(w.astype(np.float32), b.astype(np.float32))
    if after.op_type == "PRelu":
        slope = values[after.input[1]]
        assert slope.size == 1
        put(slope)


def recurrent(n):
    inputs = [values[name] for name in n.input[1:4]]
    for direction in range(inputs[0].shape[0]):
        put(*(a[direction] for a in inputs))


def dense(n):
    bias = read_by[n.output[0]][0]
    assert bias.op_type == "Add"
    put(values[n.input[1]].T)
    put(next(values[name] for name in bias.input if name in values))


bands = [n for n in graph.node if n.op_type == "MatMul" and 192 in values[n.input[1]].shape]
to_bands, from_bands = (values[n.input[1]] for n in bands)
assert np.array_equal(to_bands, from_bands.T)
for row in to_bands:
    first = min(int(np.argmax(row > 0)), 62)
    assert not row[:first].any() and not row[first + 2 :].any()
    put(np.array([first, row[first], row[first + 1]], dtype=np.float32))
for n in graph.node:
    if n.op_type in ("Conv", "ConvTranspose"):
        convolution(n)
    elif n.op_type == "GRU":
        recurrent(n)
    elif n.op_type == "MatMul" and n not in bands:
        dense(n)
    elif n.op_type == "Mul" and any(values.get(i, np.zeros(0)).shape == (33, 16) for i in n.input):
        put(next(values[i] for i in n.input if i in values))
        bias = read_by[n.output[0]][0]
        put(next(values[i] for i in bias.input if i in values))
open(sys.argv[2], "wb").write(np.concatenate(out).astype("<f4").tobytes())
print(sum(a.size for a in out), "numbers")
