"""Export any PyTorch network: FILE defines network(), a module called as module(x, t), and METADATA.

    python torch_module.py examples/drunet.py --out drunet.onnx
    python torch_module.py examples/edm.py --out edm.onnx

Write such a file for your own network: an adapter is a module that scales, concatenates or renames. See rwt_export.py
for what x and t are.
"""
import argparse
import runpy

from rwt_export import export


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", help="defines network() and METADATA")
    options.add_argument("--out", required=True)
    o = options.parse_args()
    found = runpy.run_path(o.file)
    for name in ("network", "METADATA"):
        if name not in found:
            raise SystemExit(f"{o.file}: expected it to define {name}")
    export(found["network"](), o.out, found["METADATA"])


if __name__ == "__main__":
    main()
