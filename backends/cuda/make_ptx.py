#!/usr/bin/env python3
"""Compile the kernels of src/*.cu and src/network/*.cu to ptx/NAME.ptx, and those of an example and of the tests' driver beside
them. The PTX is committed. Needs no GPU and no CUDA.

    make_ptx.py            write ptx/
    make_ptx.py --check    compare with what is committed; fail, naming the files that differ
    make_ptx.py --report   registers, spills and shared memory of each kernel as ptxas sees them; fail on spills, and on
                           arithmetic whose bits are not those of the source

The compiler comes from PyPI, in two wheels of one version, unpacked once into <target>/ptx-tools. It is 12.9
because CUDA 13 has given up compute capability 7.0, which drivers of both serve: the oldest device that can run the backend.

Options of the compiler:
    --gpu-architecture=compute_70   PTX for every device from Volta on; the driver compiles it for the one that it finds.
                                    compute_80 for half*.cu: products of small matrices in bf16 are there from Ampere on
    --fmad=false                    no multiply-add is fused unless the source says fmaf: the CPU's bits
    --std=c++17                     what a host's compiler is told too
and `.version` is lowered to 7.0, so that no driver need be as new as the compiler.
"""

import argparse
import ctypes
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WHEELS = ["nvidia-cuda-nvrtc-cu12==12.9.86", "nvidia-cuda-nvcc-cu12==12.9.86"]
OPTIONS = ["--fmad=false", "--std=c++17"]
PTX_VERSION = "7.0"
ATTEMPTS, SAMPLES = 12, 7
OTHERS = ["examples/cuda_kernel/gaussian.cu", "tests/mock_cuda/kernels/probe.cu"]
ARCHITECTURES = [70, 80, 90]
NO_TOOLS = 3  # the exit status that says that the wheels cannot be had


def tools():
    """The folder of the unpacked wheels."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parents[1] / "target")
    folder = target / "ptx-tools" / WHEELS[0].split("==")[1]
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as own:  # others may be at the same
        unpacked = pathlib.Path(own) / "wheels"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        pip += ["--retries", "1", "--only-binary=:all:", "--target", str(unpacked), *WHEELS]
        installed = subprocess.run(pip, capture_output=True, text=True)
        if installed.returncode != 0:
            print(f"{' and '.join(WHEELS)} cannot be had: {installed.stderr.strip()[-500:]}", file=sys.stderr)
            sys.exit(NO_TOOLS)
        try:
            unpacked.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return folder


def oldest(path):
    """The compute capability that a file is compiled for, times 10."""
    return 80 if path.name.startswith("half") else 70


class Nvrtc:
    """NVIDIA's run-time compiler."""

    def __init__(self, folder):
        path = folder / "nvidia/cuda_nvrtc/lib/libnvrtc.so.12"
        try:
            self.library = ctypes.CDLL(str(path))
        except OSError as error:
            print(f"{path} cannot be opened: {error}", file=sys.stderr)
            sys.exit(NO_TOOLS)
        self.library.nvrtcGetErrorString.restype = ctypes.c_char_p

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.library.nvrtcGetErrorString(status).decode())

    def text(self, program, what):
        size = ctypes.c_size_t()
        self.check(getattr(self.library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self.check(getattr(self.library, f"nvrtcGet{what}")(program, buffer))
        return buffer.value.decode()

    def compile(self, source):
        """PTX of a .cu file."""
        program = ctypes.c_void_p()
        text, name = source.read_bytes(), source.name.encode()
        self.check(self.library.nvrtcCreateProgram(ctypes.byref(program), text, name, 0, None, None))
        options = [f"--gpu-architecture=compute_{oldest(source)}", *OPTIONS, f"--include-path={source.parent}", f"--include-path={HERE / 'src'}"]
        options = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
        status = self.library.nvrtcCompileProgram(program, len(options), options)
        log = self.text(program, "ProgramLog")
        if status != 0 or "error" in log:
            sys.exit(f"{source}: {log}")
        for line in log.splitlines():
            if line.strip() and "Architectures prior to" not in line:
                print(f"{source.name}: {line}", file=sys.stderr)
        ptx = self.text(program, "PTX")
        self.check(self.library.nvrtcDestroyProgram(ctypes.byref(program)))
        return lowered(ptx)


def lowered(ptx):
    """For an older version of PTX, which does not know a hint about bytes of vectors that nobody uses."""
    ptx = re.sub(r'^\s*\.pragma "used_bytes_mask[^\n]*\n', "", ptx, flags=re.M)
    return re.sub(r"^\.version .*$", f".version {PTX_VERSION}", ptx, count=1, flags=re.M)


def sources():
    """The sources, and where the PTX of each is: beside it, if it belongs to an example or a test."""
    found = sorted([*(HERE / "src").glob("*.cu"), *(HERE / "src/network").glob("*.cu")])
    names = [source.stem for source in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        sys.exit(f"two sources of the same name: {', '.join(sorted(twice))}")
    others = [HERE.parents[1] / path for path in OTHERS]
    return [(source, HERE / "ptx" / f"{source.stem}.ptx") for source in found] + [
        (source, source.with_suffix(".ptx")) for source in others if source.exists()]


def wrong_arithmetic(ptx):
    """Lines whose result could depend on the device or on a library: a multiplication or addition that ptxas may fuse,
    flushed subnormals, approximations, calls."""
    rounded = r"\b(?:add|sub|mul|div|fma|mad|sqrt|rcp)\.(?!rn\b)(?:\w+\.)*f(?:32|64)\b"
    patterns = [rounded, r"\.ftz\b", r"\.approx\b", r"\.full\b", r"\bcall(?:\.uni)?\b", r"__nv_"]
    found = re.compile("|".join(patterns))
    return [line.strip() for line in ptx.splitlines() if found.search(line.split("//")[0])]


def registers(ptxas, path, architecture):
    """(kernel, registers, spilled bytes, stack, shared memory) of each kernel."""
    run = [str(ptxas), "-v", f"-arch=sm_{architecture}", str(path), "-o", os.devnull]
    done = subprocess.run(run, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{path}: sm_{architecture}: {done.stderr}")
    kernels = []
    for part in done.stderr.split("Compiling entry function '")[1:]:
        number = lambda pattern: sum(int(found) for found in re.findall(pattern, part))
        spilled = number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads")
        kernels.append((part.split("'")[0], number(r"Used (\d+) registers"), spilled,
                        number(r"(\d+) bytes stack frame"), number(r"(\d+) bytes smem")))
    return kernels


def report(folder):
    ptxas = folder / "nvidia/cuda_nvcc/bin/ptxas"
    ptxas.chmod(0o755)
    failures = []
    print(f"{'kernel':36}{'registers on sm_' + ', '.join(map(str, ARCHITECTURES)):>34}{'spilled':>9}{'stack':>7}{'shared':>8}")
    for _, path in sources():
        failures += [f"{path.name}: {line}" for line in wrong_arithmetic(path.read_text())]
        each = [registers(ptxas, path, architecture) for architecture in ARCHITECTURES if architecture >= oldest(path)]
        if not each[0]:
            failures.append(f"{path.name}: no kernel")
        for kernel in zip(*each):
            name, spilled, stack = kernel[0][0], max(k[2] for k in kernel), max(k[3] for k in kernel)
            used = ", ".join(str(k[1]) for k in kernel)
            print(f"{name:36}{used:>34}{spilled:>9}{stack:>7}{max(k[4] for k in kernel):>8}")
            if spilled:
                failures.append(f"{path.name}: {name} spills {spilled} bytes")
    return failures


def usual(nvrtc, source):
    """What the compiler gives most often: it orders what it holds for equal by addresses, which now and then gives another
    order of the same instructions."""
    given = [nvrtc.compile(source) for _ in range(SAMPLES)]
    return max(given, key=given.count)


def is_given(nvrtc, source, path):
    """Does the source give what is committed? It must be among a few attempts, see usual()."""
    committed = path.read_text() if path.exists() else None
    return any(nvrtc.compile(source) == committed for _ in range(ATTEMPTS))


def check(nvrtc):
    wrong = [path for source, path in sources() if not is_given(nvrtc, source, path)]
    wrong += sorted({*(HERE / "ptx").glob("*.ptx")} - {path for _, path in sources()})
    return [f"{path.parent.name}/{path.name} is not what its source gives: run {pathlib.Path(__file__).name}" for path in wrong]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    folder, failures = tools(), []
    if arguments.check:
        failures += check(Nvrtc(folder))
    if arguments.report:
        failures += report(folder)
    if not (arguments.check or arguments.report):
        nvrtc = Nvrtc(folder)
        (HERE / "ptx").mkdir(exist_ok=True)
        for source, path in sources():
            path.write_text(usual(nvrtc, source))
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
