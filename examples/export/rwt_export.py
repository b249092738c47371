"""Write a PyTorch network as an ONNX file that rwt reads, and check the file against PyTorch.

A network is a module called as network(x, t): x is f32 [n, channels, height, width], scaled as rwt.process says, t is
f32 [n], the noise level or the time that rwt.time says. The metadata are documented in backends/onnx/src/lib.rs.
"""
import math

import numpy as np
import onnx
import onnxruntime
import torch

REQUIRED = ["name", "licence", "prediction", "time", "channels", "range", "mean", "variance", "multiple", "margin"]
TOLERANCE = 1e-4  # relative to the output's largest value, if that is above 1


def add_options(options, name):
    """What the command line says of any network's file."""
    options.add_argument("--out", required=True)
    options.add_argument("--name", default=name)
    options.add_argument("--licence", default="LicenseRef-unknown", help="of the weights, an SPDX expression")
    options.add_argument("--source", default="")
    options.add_argument("--mean", type=float, default=0, help="of the training pictures' elements")
    options.add_argument("--variance", type=float, default=0.25, help="of the training pictures' elements")


def export(network, path, metadata, opset=18):
    """metadata: the keys without "rwt.", such as {"prediction": "noise", "process": "vp", "time": "index", ...}."""
    missing = [key for key in REQUIRED if key not in metadata]
    if missing:
        raise SystemExit("metadata are missing: " + ", ".join(missing))
    network = network.eval().float().cpu()
    channels, multiple = int(metadata["channels"]), int(metadata["multiple"])
    side = multiple * math.ceil(16 / multiple)
    time = "sigma" if metadata["time"] == "sigma" else "t"
    output = "denoised" if metadata["prediction"] == "denoised" else "output"
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, channels, side, side, generator=generator)
    t = torch.tensor([0.7, 0.3])
    sizes = {0: "n", 2: "height", 3: "width"}
    with torch.no_grad():
        torch.onnx.export(
            network, (x, t), path, opset_version=opset, dynamo=False, input_names=["x", time], output_names=[output],
            dynamic_axes={"x": sizes, time: {0: "n"}, output: sizes},
        )
    model = onnx.load(path)
    del model.metadata_props[:]
    for key, value in {"version": 1, **metadata}.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = "rwt." + key, str(value)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    worst = verify(network, path, metadata, generator)
    print(f"{path}: {len(model.graph.node)} nodes, largest difference from PyTorch {worst:.1e}")


def verify(network, path, metadata, generator):
    """The file on ONNX Runtime against the module, at other sizes and over its times; the largest difference."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    multiple = int(metadata["multiple"])
    side = multiple * math.ceil(24 / multiple)
    worst = 0.0
    for t in times(metadata):
        x = torch.randn(1, int(metadata["channels"]), side, side + multiple, generator=generator)
        with torch.no_grad():
            expected = network(x, torch.tensor([t], dtype=torch.float32)).numpy()
        found = session.run(None, {names[0]: x.numpy(), names[1]: np.array([t], np.float32)})[0]
        worst = max(worst, float(np.abs(found - expected).max() / max(1, np.abs(expected).max())))
    if not worst < TOLERANCE:
        raise SystemExit(f"{path}: expected at most {TOLERANCE} from PyTorch, found {worst}")
    return worst


def times(metadata):
    """Both ends and the middle of what the network may be told."""
    if metadata["time"] in ("index", "integer"):
        last = int(metadata["table"].split()[-1]) - 1 if metadata["table"].split()[0] in ("linear", "scaled_linear", "cosine") \
            else len(metadata["table"].split()) - 2
        return [0.0, float(last // 2), float(last)]
    low, high = float(metadata["sigma_min"]), float(metadata["sigma_max"])
    scale = {"sigma": lambda s: s, "log_sigma": math.log, "quarter_log_sigma": lambda s: math.log(s) / 4}[metadata["time"]]
    return [scale(low), scale(math.sqrt(low * high)), scale(high)]
