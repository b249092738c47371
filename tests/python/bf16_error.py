"""How far PyTorch's own bf16 takes a network's answer: bf16_error.py MODEL SIDE_Y SIDE_X {X TIME} ...

Each X is a file of f32 [n, channels, SIDE_Y, SIDE_X], what the network is shown, and TIME what it is told of the noise
level. For each prints |answer under torch.autocast in bf16 - answer in f32| and |answer in f32|, on the processor.
"""
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def pads(a):
    given = list(a.get("pads", [0, 0, 0, 0]))
    half = len(given) // 2
    return [side for axis in reversed(range(half)) for side in (given[axis], given[axis + half])]


def convolution(a, x, w, b=None):
    x = F.pad(x, pads(a)) if any(a.get("pads", [])) else x
    how = {"stride": tuple(a.get("strides", [1])), "dilation": tuple(a.get("dilations", [1])), "groups": a.get("group", 1)}
    return (F.conv1d if w.dim() == 3 else F.conv2d)(x, w, b, **how)


def resized(a, x, _, scales=None, sizes=None):
    sizes = [round(n * s) for n, s in zip(x.shape, scales.tolist())] if sizes is None else sizes.tolist()
    return F.interpolate(x, size=sizes[2:], mode="nearest")


def sliced(a, x, starts, ends, axes=None, steps=None):
    for k, (start, end) in enumerate(zip(starts.tolist(), ends.tolist())):
        axis = k if axes is None else axes.tolist()[k] % x.dim()
        places = range(x.shape[axis])[start:end if end > -1 << 60 else None:1 if steps is None else steps.tolist()[k]]
        x = x.index_select(axis, torch.tensor(list(places), dtype=torch.int64))
    return x


def reshaped(a, x, shape):
    return x.reshape([x.shape[k] if n == 0 and not a.get("allowzero", 0) else n for k, n in enumerate(shape.tolist())])


def padded(a, x, sides, value=None, axes=None):
    if a.get("mode", b"constant") == b"reflect":
        return F.pad(x, pads({"pads": sides.reshape(2, -1)[:, 2:].flatten().tolist()}), mode="reflect")
    return F.pad(x, pads({"pads": sides.tolist()}), value=0.0 if value is None else value.item())


def averaged(a, x):
    ones = torch.ones_like(x[:1, :1])
    sides = pads(a)
    sums = lambda x: F.avg_pool2d(F.pad(x, sides), tuple(a["kernel_shape"]), tuple(a["strides"]))
    return sums(x) if a.get("count_include_pad") else sums(x) / sums(ones)


def transposed(a, x, w, b=None):
    top, left, bottom, right = a["pads"]
    it = F.conv_transpose2d(x, w, b, tuple(a["strides"]))
    return it[:, :, top:it.shape[2] - bottom, left:it.shape[3] - right]


def gathered(a, x, index):
    axis = a.get("axis", 0)
    return x.select(axis, int(index)) if index.dim() == 0 else x.index_select(axis, index)


def unsqueezed(a, x, axes):
    for axis in axes.tolist():
        x = x.unsqueeze(axis)
    return x


def product(a, x, y, c=None):
    x, y = x.T if a.get("transA") else x, y.T if a.get("transB") else y
    return F.linear(x, y.T, c)


def cast(a, x):
    kinds = {1: torch.float32, 7: torch.int64, 11: torch.float64}
    return x if a["to"] == 1 and x.is_floating_point() else x.to(kinds[a["to"]])


OPERATORS = {
    "Abs": lambda a, x: x.abs(),
    "Add": lambda a, x, y: x + y,
    "AveragePool": averaged,
    "BatchNormalization": lambda a, x, w, b, mean, variance: F.batch_norm(x, mean, variance, w, b),
    "Cast": cast,
    "Clip": lambda a, x, least, most: x.clamp(least.item(), most.item()),
    "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "Constant": lambda a: torch.from_numpy(np.array(numpy_helper.to_array(a["value"]))),
    "ConstantOfShape": lambda a, n: torch.full(n.tolist(), numpy_helper.to_array(a["value"]).item(), dtype=torch.int64),
    "Conv": convolution,
    "ConvTranspose": transposed,
    "Cos": lambda a, x: x.cos(),
    "Div": lambda a, x, y: x // y if x.dtype == torch.int64 else x / y,
    "Erf": lambda a, x: x.erf(),
    "Exp": lambda a, x: x.exp(),
    "Gather": gathered,
    "Gelu": lambda a, x: F.gelu(x),
    "Gemm": product,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "GroupNormalization": lambda a, x, w, b: F.group_norm(x, a["num_groups"], w, b, a.get("epsilon", 1e-5)),
    "Identity": lambda a, x: x,
    "InstanceNormalization": lambda a, x, w, b: F.instance_norm(x, weight=w, bias=b, eps=a.get("epsilon", 1e-5)),
    "LayerNormalization": lambda a, x, w, b: F.layer_norm(x, w.shape, w, b, a.get("epsilon", 1e-5)),
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a["alpha"]),
    "Log": lambda a, x: x.log(),
    "MatMul": lambda a, x, y: x @ y,
    "Max": lambda a, x, y: torch.maximum(x, y),
    "MaxPool": lambda a, x: F.max_pool2d(x, tuple(a["kernel_shape"]), tuple(a["strides"]), a["pads"][0]),
    "Mul": lambda a, x, y: x * y,
    "Pad": padded,
    "Pow": lambda a, x, y: x**y,
    "Reciprocal": lambda a, x: 1 / x,
    "ReduceMean": lambda a, x, axes: x.mean(axes.tolist(), keepdim=True),
    "Relu": lambda a, x: x.relu(),
    "Reshape": reshaped,
    "Resize": resized,
    "Shape": lambda a, x: torch.tensor(x.shape),
    "Sigmoid": lambda a, x: x.sigmoid(),
    "Sin": lambda a, x: x.sin(),
    "Slice": sliced,
    "Softmax": lambda a, x: x.softmax(a.get("axis", -1)),
    "Split": lambda a, x, sizes: x.split(sizes.tolist(), a["axis"]),
    "Sqrt": lambda a, x: x.sqrt(),
    "Sub": lambda a, x, y: x - y,
    "Tanh": lambda a, x: x.tanh(),
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Unsqueeze": unsqueezed,
}


def evaluated(graph, weights, x, time):
    values = {**weights, graph.input[0].name: x, graph.input[1].name: time}
    for node in graph.node:
        given = [values[name] if name else None for name in node.input]
        found = OPERATORS[node.op_type](attributes(node), *given)
        values.update(zip(node.output, found if isinstance(found, tuple) else (found,)))
    return values[graph.output[0].name].float()


def main():
    model, sides, runs = sys.argv[1], [int(side) for side in sys.argv[2:4]], sys.argv[4:]
    graph = onnx.load(model).graph
    weights = {w.name: torch.from_numpy(np.array(numpy_helper.to_array(w))) for w in graph.initializer}
    channels = graph.input[0].type.tensor_type.shape.dim[1].dim_value
    for path, time in zip(runs[::2], runs[1::2]):
        x = torch.from_numpy(np.fromfile(path, np.float32)).reshape(-1, channels, *sides)
        time = torch.full((len(x),), float(time))
        with torch.inference_mode():
            exact = evaluated(graph, weights, x, time)
            with torch.autocast("cpu", torch.bfloat16):
                print((evaluated(graph, weights, x, time) - exact).norm().item(), exact.norm().item())


if __name__ == "__main__":
    main()
