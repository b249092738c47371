"""A row of a walk beside PyTorch's on the same GPU: the same network with random weights, interleaved, medians.

    rivals.py CHECK MODEL TRAINING [--side 64] [--repetitions 5]

CHECK is rwt-device-check, MODEL rwt-leaves-rgb.onnx, TRAINING the folder of its network.py. Prints a table; exits with 1 if
rwt is slower than its bar, 3 if PyTorch or a GPU is missing.
"""
import argparse
import statistics
import subprocess
import sys
import time

ROWS = 50
BAR = 0.6  # of eager f32, one picture at a time


def rival(torch, denoiser, pictures, side, dtype, layout):
    """Seconds of x <- x + a (D(x, sigma) - x) + b n."""
    x = torch.randn(pictures, 3, side, side, device="cuda")
    x = x.to(memory_format=torch.channels_last) if layout else x
    sigma = torch.full((pictures,), 0.5, device="cuda")

    def row(x):
        with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
            denoised = denoiser(x, sigma)
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
    options.add_argument("--mode", default="reduce-overhead", help="of torch.compile; max-autotune takes minutes")
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
    ours = lambda pictures: float(subprocess.run([o.check, "--time", o.model, str(o.side), str(pictures)], check=True,
                                                 stdout=subprocess.PIPE, text=True).stdout)
    missed = False
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name()}, milliseconds a row, medians of {o.repetitions}\n")
    print("| pictures | eager, f32 | eager, bf16 channels last | rwt, f32 | of eager f32 | |")
    print("| ---: | ---: | ---: | ---: | ---: | --- |")
    for pictures in (1, 16, 64):
        f32, bf16, rwt = medians(o.repetitions, [
            lambda: rival(torch, eager, pictures, o.side, torch.float32, False),
            lambda: rival(torch, eager, pictures, o.side, torch.bfloat16, True),
            lambda: ours(pictures)])
        verdict = "" if pictures > 1 else f"pass (at most {BAR})" if rwt / f32 <= BAR else f"MISSED (at most {BAR})"
        missed = missed or verdict.startswith("MISSED")
        print(f"| {pictures} | {f32:.3f} | {bf16:.3f} | {rwt:.3f} | {rwt / f32:.2f} | {verdict} |", flush=True)
    print("\nPyTorch's compiled networks in bf16 (rwt has no bf16 on a device yet):\n", flush=True)
    for pictures in (1, 64):
        try:
            compiled = torch.compile(eager, mode=o.mode, dynamic=False)
            [found] = medians(o.repetitions, [lambda: rival(torch, compiled, pictures, o.side, torch.bfloat16, True)])
            print(f"| {pictures} | {found:.3f} |", flush=True)
        except Exception as error:  # a C compiler and Python's headers are needed
            print(f"| {pictures} | not to be had: {type(error).__name__} |", flush=True)
    return 1 if missed else 0


def medians(repetitions, runs):
    """Milliseconds of each, interleaved."""
    times = [[1e3 * run() for run in runs] for _ in range(repetitions)]
    return [statistics.median(column) for column in zip(*times)]


if __name__ == "__main__":
    sys.exit(main())
