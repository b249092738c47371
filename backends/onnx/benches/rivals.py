"""The same job in Python and in rwt: pictures drawn by DDIM with networks of random weights, time and peak memory.

    python rivals.py [--steps 50] [--pictures 4] [--rounds 3] [--threads 2]

Needs examples/export/requirements.txt; ORT_DYLIB_PATH names ONNX Runtime, and RWT_OPENVINO the one of the wheel
onnxruntime-openvino (without it OpenVINO is left out). The rounds are interleaved; medians are printed.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
SIDES = {"unet64": 64, "cifar10": 32}


def in_python(config, o):
    """diffusers on PyTorch eager, in this process."""
    sys.path.insert(0, str(ROOT / "examples/export"))
    import torch
    from diffusers import DDIMScheduler, UNet2DModel
    from diffusers_unet2d import DDPM, RANDOM

    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    network, scheduler = UNet2DModel(**RANDOM[config]).eval(), DDIMScheduler(**DDPM)
    scheduler.set_timesteps(o.steps)
    x = torch.randn(o.pictures, 3, SIDES[config], SIDES[config])
    start = time.perf_counter()
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(network(x, t).sample, t, x).prev_sample
    print(f"drawn in {time.perf_counter() - start} s")


def measured(command, environment=None):
    """Seconds of drawing and the peak memory of a process in MiB."""
    child = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    found = re.search(r"drawn in ([0-9.e-]+) s", output)
    if status or not found:
        raise SystemExit(f"{command}: {output}")
    return float(found[1]), usage.ru_maxrss / 1024


def jobs(config, folder, o):
    """Names and commands; the first is the rival."""
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    options = ["--side", str(SIDES[config]), "--steps", str(o.steps), "--pictures", str(o.pictures)]
    options += ["--threads", str(o.threads), "--out", os.path.join(folder, "drawn.ppm")]
    sample = [os.path.join(target, "release/examples/sample"), os.path.join(folder, f"{config}.onnx"), *options]
    this = [sys.executable, "-W", "ignore", __file__, "--steps", str(o.steps), "--pictures", str(o.pictures)]
    found = {"diffusers, PyTorch eager": (this + ["--threads", str(o.threads), "--job", config], None)}
    for engine in ["embedded", "onnxruntime"]:
        found[f"rwt, {engine}"] = (sample + ["--engine", engine], None)
    if "RWT_OPENVINO" in os.environ:
        for engine in ["openvino", "openvino-bf16"]:
            found[f"rwt, {engine}"] = (sample + ["--engine", engine], {"ORT_DYLIB_PATH": os.environ["RWT_OPENVINO"]})
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"steps": 50, "pictures": 4, "rounds": 3, "threads": 2}.items():
        options.add_argument("--" + name, type=int, default=default)
    options.add_argument("--job", choices=SIDES, help=argparse.SUPPRESS)
    o = options.parse_args()
    if o.job:
        return in_python(o.job, o)
    subprocess.run(["cargo", "build", "-q", "--release", "-p", "rwt-onnx", "--example", "sample"], cwd=ROOT, check=True)
    print(f"{o.pictures} pictures, DDIM in {o.steps} steps, {o.threads} threads, median of {o.rounds}\n")
    print("| network | program | seconds | times as fast | peak MiB | of Python's |\n| --- | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for config, side in SIDES.items():
            export = [sys.executable, "-W", "ignore", str(ROOT / "examples/export/diffusers_unet2d.py"), "--random", config]
            subprocess.run(export + ["--out", os.path.join(folder, f"{config}.onnx")], check=True, stdout=subprocess.DEVNULL)
            commands, found = jobs(config, folder, o), {}
            for _ in range(o.rounds):
                for name, command in commands.items():
                    found.setdefault(name, []).append(measured(*command))
            medians = {name: [statistics.median(values) for values in zip(*runs)] for name, runs in found.items()}
            rival = next(iter(medians.values()))
            for name, (seconds, peak) in medians.items():
                print(f"| {config}, {side}² | {name} | {seconds:.2f} | {rival[0] / seconds:.2f} | {peak:.0f} "
                      f"| {peak / rival[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
