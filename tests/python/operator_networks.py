"""Write denoisers of a few nodes each, which together use the operators that networks are made of: operator_networks.py FOLDER

Every file is [x, sigma] -> denoised, f32 [n, 4, height, width], heights and widths multiples of 4, with fixed weights.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KEYS = {
    "version": 1, "name": "operators", "licence": "MIT", "prediction": "denoised", "time": "sigma", "sigma_min": 0.01,
    "sigma_max": 40, "channels": 4, "range": "-1,1", "mean": 0, "variance": 0.25, "multiple": 4, "margin": 0,
}


class Writer:
    """Nodes one after another, each on the result of the one before unless it is told otherwise."""

    def __init__(self, opset):
        self.opset, self.nodes, self.weights, self.it = opset, [], [], "x"
        self.random = np.random.default_rng(0)

    def constant(self, value):
        value = np.asarray(value)
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value.astype(np.int64 if value.dtype.kind in "iu" else np.float32), name))
        return name

    def normal(self, *shape, scale=0.3):
        return self.constant(self.random.normal(size=shape) * scale)

    def __call__(self, operator, *inputs, outputs=1, on=None, **attributes):
        names = [f"v{len(self.nodes)}_{k}" for k in range(outputs)]
        inputs = [self.it if on is None else on, *inputs]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        self.it = names[0]
        return names[0] if outputs == 1 else names

    def save(self, path):
        self.nodes.append(helper.make_node("Identity", [self.it], ["denoised"]))
        value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        picture = ["n", 4, "height", "width"]
        graph = helper.make_graph(self.nodes, "g", [value("x", picture), value("sigma", ["n"])], [value("denoised", picture)],
                                  self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)
        helper.set_model_props(model, {"rwt." + key: str(text) for key, text in KEYS.items()})
        onnx.save(model, path)


def convolutions(w):
    w("Conv", w.normal(6, 4, 3, 5), w.normal(6), pads=[1, 2, 1, 2])
    w("Conv", w.normal(6, 2, 3, 3), w.normal(6), group=3, pads=[2, 2, 2, 2], dilations=[2, 2])
    w("Conv", w.normal(8, 6, 3, 3), strides=[2, 2], pads=[0, 0, 1, 1])
    w("LeakyRelu", alpha=0.2)
    w("ConvTranspose", w.normal(8, 5, 3, 3), w.normal(5), strides=[2, 2], pads=[1, 1, 0, 0], dilations=[1, 1])
    w("Tanh")
    w("Conv", w.normal(4, 5, 1, 1))


def transposed(w):
    w("Conv", w.normal(70, 4, 4, 2), w.normal(70), strides=[4, 2])
    w("Relu")
    w("ConvTranspose", w.normal(70, 6, 5, 2), w.normal(6), strides=[4, 2], pads=[0, 0, 1, 0])
    w("Sigmoid")
    w("ConvTranspose", w.normal(6, 4, 3, 3), pads=[1, 1, 1, 1], dilations=[1, 1])


def wide(w):
    w("Conv", w.normal(20, 4, 1, 1), w.normal(20))
    w("Transpose", perm=[0, 2, 3, 1])
    w("MatMul", w.normal(20, 120))
    w("Sigmoid")
    w("MatMul", w.normal(120, 4, scale=0.1))
    w("Transpose", perm=[0, 3, 1, 2])
    w("Conv", w.normal(130, 4, 3, 3), w.normal(130), pads=[1, 1, 1, 1])
    w("Relu")
    w("Conv", w.normal(4, 130, 1, 1, scale=0.1))


def normalisations(w):
    w("GroupNormalization", w.normal(4), w.normal(4), num_groups=2, epsilon=1e-4)
    w("InstanceNormalization", w.normal(4), w.normal(4))
    w("Transpose", perm=[0, 2, 3, 1])
    w("LayerNormalization", w.normal(4), w.normal(4), axis=-1)
    w("Transpose", perm=[0, 3, 1, 2])
    w("BatchNormalization", w.normal(4), w.normal(4), w.normal(4), w.constant(w.random.uniform(0.5, 2, 4)))
    w("Softmax", axis=1)
    w("Mul", w.constant(4.0))
    w("Clip", w.constant(np.float32(0.2)), w.constant(np.float32(1.5)))


def sums(w):
    mean = w("ReduceMean", w.constant([2, 3]))
    most = w("ReduceMax", w.constant([1]), on="x")
    length = w("ReduceL2", w.constant([3]), on="x")
    pooled = w("GlobalAveragePool", on="x")
    w("Mul", mean, on="x")
    w("Add", most)
    w("Sub", length)
    w("Add", pooled)
    w("Add", w.constant(3.0))
    w("Max", w.constant(np.float32(-1.0)), "x")


def moved(w):
    w("Pad", w.constant([0, 0, 1, 2, 0, 0, 3, 2]), mode="reflect")
    w("Pad", w.constant([0, 0, 1, 0, 0, 0, 0, 1]), mode="edge")
    w("Pad", w.constant([0, 0, 1, 1, 0, 0, 1, 0]), w.constant(np.float32(0.5)), mode="constant")
    w("Slice", w.constant([1, 2]), w.constant([-6, -4]), w.constant([2, 3]))
    a, b = w("Split", w.constant([1, 3]), outputs=2, axis=1)
    w("Concat", b, a, on="x", axis=1)
    w("Slice", w.constant([0]), w.constant([8]), w.constant([1]), w.constant([2]))
    w("Resize", "", w.constant(np.array([1, 1, 2, 2], np.float32)), mode="nearest", nearest_mode="floor",
      coordinate_transformation_mode="asymmetric")
    w("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    pooled = w("MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
    w("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], on=pooled)


def functions(w):
    w("Abs")
    w("Add", w.constant(0.5))
    w("Log")
    w("Exp")
    w("Sqrt")
    w("Reciprocal")
    w("Neg")
    w("Erf")
    w("Gelu")
    w("Sin", on=w("Mul", w.constant(50.0)))
    w("Cos", on=w("Pow", w.constant(2.0)))
    w("Pow", w.constant(3.0))
    x = w.it
    x = w("Mul", w("Sigmoid"), on=x)
    quotient = w("Div", w("Add", w.constant(3.0), on="x"), on=x)
    w("Sub", quotient, on=w.constant(1.0))
    w("Div", w("Add", w.constant(2.0)), on=w.constant(1.0))


def time(w):
    level = w("Unsqueeze", w.constant([1]), on="sigma")
    w("Gemm", w.normal(8, 1), w.normal(8), transB=1, alpha=0.5, beta=2.0)
    w("Relu")
    w("MatMul", w.normal(8, 4))
    scale = w("Unsqueeze", w.constant([2, 3]))
    scaled = w("Mul", scale, on="x")
    w("Add", w("Unsqueeze", w.constant([2, 3]), on=w("Cos", on=level)), on=scaled)


def attention(w):
    """Two heads over the pixels, by matrices; then the operator."""
    flat = w("Reshape", w.constant([0, 4, -1]))
    turned = w("Transpose", perm=[0, 2, 1])
    heads = []
    for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
        w("Add", w.normal(4), on=w("MatMul", w.normal(4, 4, scale=1), on=turned))
        w("Reshape", w.constant([0, -1, 2, 2]))
        heads.append(w("Transpose", perm=order))
    scores = w("MatMul", w("Mul", w.constant(0.6), on=heads[1]), on=w("Mul", w.constant(1.2), on=heads[0]))
    w("MatMul", heads[2], on=w("Softmax", axis=-1, on=scores))
    w("Transpose", perm=[0, 2, 1, 3])
    w("Reshape", w.constant([0, -1, 4]))
    w("Transpose", perm=[0, 2, 1])
    flat = w("Add", flat)
    # one head whose result is turned
    w("MatMul", flat, on=w("Transpose", perm=[0, 2, 1], on=flat))
    weights = w("Transpose", perm=[0, 2, 1], on=w("Softmax", axis=2))
    product = w("MatMul", weights, on=flat)
    # weights with a mask, which no kernel of attention takes
    w("Add", w.normal(4, 1), on=w("MatMul", w("Transpose", perm=[0, 2, 1]), on=product))
    w("MatMul", flat, on=w("Softmax", axis=-1))
    result = w("Add", flat)
    w("Reshape", w("Shape", on="x"), on=result)


def attention_operator(w):
    w("Reshape", w.constant([0, 2, 2, -1]))
    four = w("Transpose", perm=[0, 1, 3, 2])
    four = w("Attention", four, four, on=four)
    w("Transpose", perm=[0, 2, 1, 3])
    three = w("Reshape", w.constant([0, 0, 4]))
    w("Attention", three, three, on=three, q_num_heads=2, kv_num_heads=2, scale=0.3)
    w("Transpose", perm=[0, 2, 1])
    result = w.it
    w("Reshape", w("Shape", on="x"), on=result)


NETWORKS = {f.__name__: f for f in [convolutions, transposed, wide, normalisations, sums, moved, functions, time, attention]}


def main():
    folder = sys.argv[1]
    for name, build in NETWORKS.items():
        writer = Writer(21)
        build(writer)
        writer.save(os.path.join(folder, name + ".onnx"))
    writer = Writer(23)
    attention_operator(writer)
    writer.save(os.path.join(folder, "attention_operator.onnx"))


if __name__ == "__main__":
    main()
