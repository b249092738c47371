"""Export a checkpoint of train.py as ONNX with its metadata, and compare the file with PyTorch.

    python export.py --checkpoint RUN/checkpoint.pt --out ../rwt-leaves-rgb.onnx
"""
import argparse

import numpy as np
import onnx
import onnxruntime
import torch

from network import Denoiser, Network

METADATA = {
    "rwt.version": "1",
    "rwt.name": "rwt-leaves-rgb",
    "rwt.prediction": "denoised",  # the output is D(x, sigma) itself
    "rwt.time": "sigma",  # the second input is the noise level, f32 [n]
    "rwt.channels": "3",
    "rwt.range": "-1,1",
    "rwt.sigma_min": "0.01",
    "rwt.sigma_max": "40",
    "rwt.mean": "0",
    "rwt.variance": "0.25",
    "rwt.multiple": "16",  # height and width must be multiples of this
    "rwt.margin": "8",  # reflected pixels around the picture, cut off again
    "rwt.symmetry": "square",  # trained on turned and mirrored pictures alike
    "rwt.licence": "MIT OR Apache-2.0",
    "rwt.source": "trained on procedural pictures by examples/models/training",
}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--checkpoint", required=True)
    options.add_argument("--out", required=True)
    o = options.parse_args()
    saved = torch.load(o.checkpoint)
    network = Network()
    network.load_state_dict(saved["network"] | saved["average"])
    denoiser = Denoiser(network).eval()
    x, sigma = torch.randn(2, 3, 64, 64), torch.tensor([0.3, 2.0])
    torch.onnx.export(
        denoiser, (x, sigma), o.out, opset_version=18, dynamo=False,
        input_names=["x", "sigma"], output_names=["denoised"],
        dynamic_axes={"x": {0: "n", 2: "height", 3: "width"}, "sigma": {0: "n"}, "denoised": {0: "n", 2: "height", 3: "width"}},
    )
    model = onnx.load(o.out)
    for key, value in METADATA.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(model)
    onnx.save(model, o.out)
    check(denoiser, o.out)
    print(sorted({node.op_type for node in model.graph.node}), len(model.graph.node), "nodes")


def check(denoiser, path):
    """The file against PyTorch at another size and at the ends of the domain."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0
    for level in (0.01, 0.3, 40.0):
        x = torch.randn(1, 3, 96, 80) * (level + 0.5)
        sigma = torch.tensor([level])
        with torch.no_grad():
            expected = denoiser(x, sigma).numpy()
        got = session.run(None, {"x": x.numpy(), "sigma": sigma.numpy()})[0]
        worst = max(worst, np.abs(got - expected).max())
    print(f"max difference from PyTorch: {worst:.2e}")
    assert worst < 1e-4


if __name__ == "__main__":
    main()
