"""A row of a walk beside PyTorch's on the same GPU: the same network with random weights, interleaved, medians.

    rivals.py CHECK MODEL TRAINING [--side 64] [--repetitions 5]

CHECK is rwt-device-check, MODEL rwt-leaves-rgb.onnx, TRAINING the folder of its network.py. Prints a table; exits with 1 if
rwt is slower than a bar of its, 3 if PyTorch or a GPU is missing.
"""
import argparse
import statistics
import subprocess
import sys
import time

ROWS = 50
MARGIN = 8  # rwt.margin of the model
BARS = {  # (pictures, ours, theirs): the most that ours may take of theirs
    (1, "rwt, f32", "eager, f32"): 0.6,
    (1, "rwt, bf16", "compiled, bf16"): 1.25,
    (64, "rwt, bf16", "eager, bf16 channels last"): 1.15,
}


def rival(torch, denoiser, pictures, side, dtype):
    """Seconds of x <- x + a (D(x, sigma) - x) + b n, of pictures with the border that the model asks for."""
    x = torch.randn(pictures, 3, side, side, device="cuda")
    x = x.to(memory_format=torch.channels_last) if dtype == torch.bfloat16 else x
    sigma = torch.full((pictures,), 0.5, device="cuda", dtype=dtype)

    def row(x):
        shown = torch.nn.functional.pad(x, [MARGIN] * 4, mode="reflect").to(dtype)
        denoised = denoiser(shown, sigma)[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]
        return x + 0.01 * (denoised.float() - x) + 0.01 * torch.randn_like(x)

    with torch.inference_mode():
        for _ in range(5):
            row(x)
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(ROWS):
            x = row(x)
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / ROWS


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("check", "model", "training"):
        options.add_argument(name)
    options.add_argument("--side", type=int, default=64)
    options.add_argument("--repetitions", type=int, default=5)
    options.add_argument("--mode", default="max-autotune", help="of torch.compile; reduce-overhead is ready sooner")
    o = options.parse_args()
    try:
        import torch
    except ImportError:
        print("PyTorch is missing: nothing to compare with", file=sys.stderr)
        return 3
    if not torch.cuda.is_available():
        print("PyTorch sees no GPU: nothing to compare with", file=sys.stderr)
        return 3
    sys.path.insert(0, o.training)
    from network import Denoiser, Network

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    eager = Denoiser(Network()).cuda().eval()
    half = Denoiser(Network()).cuda().eval().to(torch.bfloat16, memory_format=torch.channels_last)

    def ours(pictures, precision):
        command = [o.check, "--time", o.model, str(o.side), str(pictures), precision]
        return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    missed = False
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}, milliseconds a row, medians of {o.repetitions}\n")
    print("| pictures | of | milliseconds |\n| ---: | --- | ---: |")
    for pictures in (1, 16, 64):
        runs = {
            "eager, f32": lambda: rival(torch, eager, pictures, o.side, torch.float32),
            "eager, bf16 channels last": lambda: rival(torch, half, pictures, o.side, torch.bfloat16),
            "rwt, f32": lambda: ours(pictures, "f32"),
            "rwt, bf16": lambda: ours(pictures, "bf16"),
        }
        if torch.cuda.get_device_capability() < (8, 0):
            del runs["rwt, bf16"]
        if pictures in (1, 64):
            compiled = ready(torch, half, pictures, o)
            runs |= {"compiled, bf16": compiled} if compiled else {}
        found = medians(o.repetitions, runs)
        for name, time in found.items():
            print(f"| {pictures} | {name} | {time:.3f} |", flush=True)
        for (_, mine, theirs), bar in ((key, bar) for key, bar in BARS.items() if key[0] == pictures):
            if mine in found and theirs in found:
                share = found[mine] / found[theirs]
                verdict = "pass" if share <= bar else "MISSED"
                print(f"| {pictures} | {mine}, of {theirs} | {share:.2f}, {verdict} (at most {bar}) |", flush=True)
                missed = missed or share > bar
    return 1 if missed else 0


def ready(torch, half, pictures, o):
    """Times the compiled network in bf16, if it can be compiled."""
    torch.compiler.reset()
    compiled = torch.compile(half, mode=o.mode, dynamic=False)
    run = lambda: rival(torch, compiled, pictures, o.side, torch.bfloat16)
    try:
        run()
    except Exception as error:  # a C compiler and Python's headers are needed
        print(f"| {pictures} | compiled, bf16 | not to be had: {type(error).__name__} |", flush=True)
        return None
    return run


def medians(repetitions, runs):
    """Milliseconds of each, interleaved."""
    times = [{name: 1e3 * run() for name, run in runs.items()} for _ in range(repetitions)]
    return {name: statistics.median(each[name] for each in times) for name in runs}


if __name__ == "__main__":
    sys.exit(main())
