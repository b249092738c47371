"""As operator_networks.py, with numbers of channels that are multiples of 8 inside: octet_networks.py FOLDER"""
import os
import sys

import numpy as np

from operator_networks import Writer


def conv(w, channels, out, size=3, on=None, **attributes):
    pads = attributes.pop("pads", [size // 2] * 4)
    kernel = w.normal(out, channels, size, size, scale=(channels * size * size) ** -0.5)
    return w("Conv", kernel, w.normal(out), on=on, pads=pads, **attributes)


def enlarged(w, tall, wide, on=None):
    return w("Resize", "", w.constant(np.array([1, 1, tall, wide], np.float32)), on=on, mode="nearest", nearest_mode="floor",
             coordinate_transformation_mode="asymmetric")


def moved_octets(w):
    a, b = conv(w, 4, 16), conv(w, 4, 24, on="x")
    both = w("Concat", w("Relu", on=b), on=a, axis=1)
    first = conv(w, 24, 16, on=w("Slice", w.constant([8]), w.constant([32]), w.constant([1]), on=both))
    second = conv(w, 16, 16, on=w("Slice", w.constant([3]), w.constant([19]), w.constant([1]), on=both))
    c, d = w("Split", w.constant([16, 24]), outputs=2, axis=1, on=both)
    w("Concat", first, c, second, on=d, axis=1)
    conv(w, 72, 16)
    w("Slice", w.constant([1, 0]), w.constant([100, 100]), w.constant([2, 3]), w.constant([2, 2]))
    once = conv(w, 16, 16, on=enlarged(w, 2, 2))
    twice = enlarged(w, 1, 2, on=w("Slice", w.constant([0]), w.constant([100]), w.constant([3]), w.constant([2]), on=once))
    w("Add", conv(w, 16, 16, on=twice), on=twice)
    w("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], count_include_pad=1)
    pooled = w("AveragePool", kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[1, 1])
    w("Add", w("MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], on=once), on=pooled)
    w("Pad", w.constant([0, 0, 1, 1, 0, 0, 1, 1]), mode="reflect")
    conv(w, 16, 4, pads=[0] * 4)


def normalised_octets(w):
    conv(w, 4, 24)
    w("GroupNormalization", w.normal(24), w.normal(24), num_groups=8, epsilon=1e-4)
    w("Mul", w("Sigmoid"), on=w.it)
    before = conv(w, 24, 40)
    w("Reshape", w.constant([0, 2, -1]))
    norm = w("InstanceNormalization", w.constant(np.ones(2)), w.constant(np.zeros(2)))
    it = w("Reshape", w("Shape", on=before), on=norm)
    scale = w("Gemm", w.normal(1, 40), w.normal(40), on=w("Unsqueeze", w.constant([1]), on="sigma"))
    scale = w("Unsqueeze", w.constant([2, 3]), on=scale)
    w("Add", scale, on=w("Mul", scale, on=it))
    w("Relu")
    conv(w, 40, 16)
    w("InstanceNormalization", w.normal(16), w.normal(16))
    conv(w, 16, 16)
    w("Transpose", perm=[0, 2, 3, 1])
    w("LayerNormalization", w.normal(16), w.normal(16), axis=-1)
    w("Transpose", perm=[0, 3, 1, 2])
    w("BatchNormalization", w.normal(16), w.normal(16), w.normal(16), w.constant(w.random.uniform(0.5, 2, 16)))
    conv(w, 16, 16, on=w("Mul", w.constant(8.0), on=w("Softmax", axis=1)))
    w("GroupNormalization", w.normal(16), w.normal(16), num_groups=1)
    conv(w, 16, 4)


def gated_octets(w):
    it = conv(w, 4, 16)
    gate = w("Sigmoid", on=conv(w, 16, 16, 1, on=w("GlobalAveragePool", on=it)))
    it = w("Mul", it, on=gate)
    where = w("Sigmoid", on=conv(w, 16, 1, on=it))
    it = w("Mul", where, on=it)
    mean = w("ReduceMean", w.constant([1]), on="x")
    it = w("Add", mean, on=it)
    w("Sub", it, on=mean)
    w("Div", w("Add", w.constant(2.0), on=w("Abs")), on=w.it)
    other = conv(w, 16, 16)
    w("Max", it, on=other)
    w("Sub", w("Erf", on=it), on=w("Gelu"))
    w("Exp", on=w("Clip", w.constant(np.float32(-2)), w.constant(np.float32(1))))
    w("Add", w.normal(16, 1, 1))
    w("Div", w("Add", w.constant(3.0), on=w("Mul", it, on=it)), on=w.it)
    conv(w, 16, 20)
    conv(w, 20, 16, 1, on=w("Tanh"))
    w("Add", it)
    conv(w, 16, 16)
    w("Slice", w.constant([5]), w.constant([9]), w.constant([1]))


def attended_octets(w):
    picture = conv(w, 4, 16)
    flat = w("Reshape", w.constant([0, 16, -1]))
    turned = w("Transpose", perm=[0, 2, 1])
    heads = []
    for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
        w("Add", w.normal(16), on=w("MatMul", w.normal(16, 16, scale=0.5), on=turned))
        w("Reshape", w.constant([0, -1, 2, 8]))
        heads.append(w("Transpose", perm=order))
    scores = w("MatMul", heads[1], on=w("Mul", w.constant(0.6), on=heads[0]))
    w("MatMul", heads[2], on=w("Softmax", axis=-1, on=scores))
    w("Transpose", perm=[0, 2, 1, 3])
    w("MatMul", w.normal(16, 16), on=w("Reshape", w.constant([0, -1, 16])))
    flat = w("Add", flat, on=w("Transpose", perm=[0, 2, 1]))
    # all heads of all pictures side by side, as in guided-diffusion
    three = w("Conv", w.normal(48, 16, 1), w.normal(48), on=flat)
    places = w("Slice", w.constant([2]), w.constant([3]), on=w("Shape", on=flat))
    of_heads = w("Reshape", w("Concat", places, on=w.constant([-1, 24]), axis=0), on=three)
    q, k, v = w("Split", w.constant([8, 8, 8]), outputs=3, axis=1, on=of_heads)
    scores = w("MatMul", k, on=w("Transpose", perm=[0, 2, 1], on=q))
    weights = w("Softmax", axis=-1, on=w("Mul", w.constant(0.25), on=scores))
    w("MatMul", w("Transpose", perm=[0, 2, 1], on=weights), on=v)
    attended = w.it
    w("Reshape", w("Shape", on=flat), on=attended)
    result = w("Add", flat)
    # weights with a mask, which no kernel of attention takes
    w("MatMul", w("Transpose", perm=[0, 2, 1], on=result), on=w("Mul", w.constant(0.01), on=result))
    w("Add", w.normal(16, 1))
    result = w("Add", result, on=w("MatMul", result, on=w("Softmax", axis=-1)))
    conv(w, 16, 4, on=w("Reshape", w("Shape", on=picture), on=result))


def strided_octets(w):
    conv(w, 4, 16, pads=[0, 0, 1, 1], strides=[2, 2])
    w("LeakyRelu", alpha=0.2)
    conv(w, 16, 24, pads=[2] * 4, dilations=[2, 2])
    w("ConvTranspose", w.normal(24, 16, 4, 4, scale=0.1), w.normal(16), strides=[2, 2], pads=[1, 1, 1, 1])
    w("Conv", w.normal(16, 8, 3, 3), w.normal(16), group=2, pads=[1] * 4)
    it = conv(w, 16, 8, 2, pads=[0] * 4, strides=[2, 2])
    w("ConvTranspose", w.normal(8, 8, 3, 3), w.normal(8), strides=[2, 2], pads=[0, 0, 1, 1])
    conv(w, 8, 136, 1)
    w("Relu")
    narrow = conv(w, 136, 8, 1)
    large = enlarged(w, 2, 2, on=it)
    turned = w("Transpose", perm=[0, 1, 3, 2], on=enlarged(w, 2, 2, on=it))
    back = w("Transpose", perm=[0, 1, 3, 2], on=conv(w, 8, 8, on=turned))
    w("Add", narrow, on=w("Add", back, on=w("Add", conv(w, 8, 8, on=large), on=large)))
    row = w("Conv", w.normal(8, 8, 1), w.normal(8), on=w("Reshape", w.constant([0, 8, -1])))
    conv(w, 8, 4, on=w("Reshape", w("Shape", on=narrow), on=row))


NETWORKS = [moved_octets, normalised_octets, gated_octets, attended_octets, strided_octets]


def main():
    for build in NETWORKS:
        writer = Writer(21)
        build(writer)
        writer.save(os.path.join(sys.argv[1], build.__name__ + ".onnx"))


if __name__ == "__main__":
    main()
