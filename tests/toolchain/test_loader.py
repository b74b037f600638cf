#!/usr/bin/env python3
"""From graphs to numbers with the programs, compared with NumPy, which also writes and reads the
matrices; and the descriptors, followed byte by byte.

usage: test_loader.py KPU_KERNEL_COMPILER KPU_LOADER SOURCE_FOLDER
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MACHINES = ("default", "minimal", "edge-ai")
OPTIONS = ([], ["--control", "eddo"], ["--dataflow", "ws"], ["--dataflow", "is"])
FLOATS = {"float64": np.float64, "float32": np.float32, "float16": np.float16}
WORDS = {"f64": "float64", "f32": "float32", "fp32": "float32", "f16": "float16",
         "fp16": "float16", "bf16": "bfloat16", "i8": "int8", "i32": "int32"}
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
LARGE = 1e11  # elements of the two largest tensors, multiplied: their options are the default
failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


# ---- Numbers ----------------------------------------------------------------------------------


def to_bfloat16(values):
    """Nearest even, as bits."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def from_bfloat16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def save(path, values, dtype):
    if dtype == "bfloat16":
        np.save(path, to_bfloat16(values).view("V2"))
    else:
        np.save(path, values.astype(dtype))


def load(path, dtype):
    values = np.load(path)
    if dtype == "bfloat16":
        return from_bfloat16(values.view(np.uint16)).astype(np.float64)
    expect(values.dtype == np.dtype(dtype), f"{path}: type {values.dtype}")
    return values.astype(np.float64)


def rounded(values, dtype):
    """As a tensor of that type holds them."""
    if dtype == "bfloat16":
        return from_bfloat16(to_bfloat16(values)).astype(np.float64)
    if dtype in FLOATS:
        return values.astype(FLOATS[dtype]).astype(np.float64)
    info = np.iinfo(dtype)
    return np.clip(values, info.min, info.max)


def draw(random, shape, dtype):
    if dtype in UNIT:
        return rounded(random.uniform(-1, 1, shape), dtype)
    return random.integers(-100, 101, shape).astype(np.float64)


# ---- Graphs, read and evaluated once more ------------------------------------------------------


def dtype_of(tensor):
    return WORDS.get(tensor["dtype"], tensor["dtype"])


def read_graph(path):
    graph = json.loads(path.read_text())
    if "op" in graph:
        return {"tensors": {n: graph[n] for n in "ABC"},
                "operators": [{"type": "MATMUL", "inputs": ["A", "B"], "outputs": ["C"],
                               "attributes": {}}]}
    return graph


def swap(values):
    return np.swapaxes(values, -1, -2)


def compute(operator, inputs):
    """The result and, for products, |A||B|."""
    attributes = {k.lower(): v for k, v in operator.get("attributes", {}).items()}
    a, b = inputs[0], inputs[1] if len(inputs) > 1 else None
    kind = operator["type"].upper()
    if kind == "TRANSPOSE":
        return swap(a), None
    if attributes.get("transpose_a") or attributes.get("transa"):
        a = swap(a)
    if attributes.get("transpose_b") or attributes.get("transb") or kind == "LINEAR":
        b = swap(b)
    return a @ b, np.abs(a) @ np.abs(b)


def evaluate(graph, values):
    """Adds the results to `values`; returns what each may be off by."""
    error = {name: 0.0 for name in values}
    for operator in graph["operators"]:
        if operator["type"].upper() in ("CONSTANT", "FUNCTION_RETURN"):
            continue
        name = operator["outputs"][0]
        dtype = dtype_of(graph["tensors"][name])
        inputs = [values[i] for i in operator["inputs"]]
        result, size = compute(operator, inputs)
        values[name] = rounded(result, dtype)
        # Of the inputs, and of this product.
        error[name] = sum(error[i] for i in operator["inputs"])
        if size is not None and dtype in UNIT:
            terms = inputs[0].shape[-1]
            error[name] = (4 * error[name] + 2 * terms * UNIT["float32"] + 2 * UNIT[dtype])
    return error


# ---- The programs ------------------------------------------------------------------------------


class Programs:
    def __init__(self, compiler, loader, source, folder):
        self.compiler, self.loader, self.source, self.folder = compiler, loader, source, folder

    def run(self, *command):
        done = subprocess.run([str(c) for c in command], cwd=self.source, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def compile(self, graph, machine, options):
        """The object, or None if it cannot be."""
        path = self.folder / "graph.kpu"
        code, text = self.run(self.compiler, graph, "--machine", machine, "-o", path, *options)
        if code == 2 and "not lowered yet" in text:
            return None
        expect(code == 0, f"{graph.name}: compiled with {options}: {text}")
        return path if code == 0 else None

    def execute(self, program, machine, options):
        code, text = self.run(self.loader, program, "--machine", machine, *options)
        expect(code == 0, f"{program} on {machine} {options}: {text}")
        return code == 0


def outside(graph):
    """Tensors that nobody computes."""
    made = {o for n in graph["operators"] for o in n["outputs"] if n["type"].upper() != "CONSTANT"}
    used = [i for n in graph["operators"] for i in n["inputs"]]
    return [t for t in graph["tensors"] if t not in made and t in used]


def is_large(graph):
    sizes = sorted(np.prod([float(d) for d in t["shape"]]) for t in graph["tensors"].values())
    return sizes[-1] * sizes[-2] > LARGE


def check_graph(programs, path, machine, options, seed):
    graph = read_graph(path)
    if options and (is_large(graph) or machine != MACHINES[0]):
        return 0
    program = programs.compile(path, machine, options)
    if program is None:
        return 0
    random = np.random.default_rng(seed)
    values, command = {}, []
    for name in outside(graph):
        tensor = graph["tensors"][name]
        values[name] = draw(random, tensor["shape"], dtype_of(tensor))
        save(programs.folder / f"{name}.npy", values[name], dtype_of(tensor))
        command += ["--input", f"{name}={programs.folder}/{name}.npy"]
    error = evaluate(graph, values)
    results = [n["outputs"][0] for n in graph["operators"]
               if n["type"].upper() not in ("CONSTANT", "FUNCTION_RETURN", "TRANSPOSE")]
    for name in results:
        command += ["--output", f"{name}={programs.folder}/{name}.npy"]
    if not programs.execute(program, machine, command + ["--check"]):
        return 0
    for name in results:
        got = load(programs.folder / f"{name}.npy", dtype_of(graph["tensors"][name]))
        scale = np.abs(values[name]).max()
        off = np.abs(got - values[name]).max()
        expect(got.shape == values[name].shape, f"{path.name}: shape of {name}")
        expect(off <= error[name] * scale * 4,
               f"{path.name} on {machine} {options}: {name} is off by {off} of {scale}")
    return 1


# ---- Descriptors, followed ---------------------------------------------------------------------


class Memories:
    """Bytes by the level and its address; engines copy at once when they start."""

    def __init__(self, data, facts):
        self.dram, self.l3, self.l2 = np.zeros(1 << 20, np.uint8), {}, {}
        self.used = np.zeros(1 << 20, bool)
        for place in facts["allocations"]:
            name, at = place["tensor_name"], place["base_address"]
            expect(not self.used[at:at + place["size_bytes"]].any(), f"{name} lies alone")
            self.used[at:at + place["size_bytes"]] = True
            if name in data:
                self.dram[at:at + place["size_bytes"]] = data[name].view(np.uint8).ravel()
        self.stored = np.zeros(1 << 20, int)

    def rows(self, dram):
        for row in range(dram["rows"]):
            at = dram["base_address"] + row * dram["pitch"]
            yield slice(at, at + dram["row_bytes"])

    def dma(self, d):
        if d["op"] == "load":
            tile = np.concatenate([self.dram[row] for row in self.rows(d["dram"])])
            self.l3[d["dest"]["base_address"]] = tile
        else:
            for row in self.rows(d["dram"]):
                self.stored[row] += 1

    def move(self, d):
        if d["op"] == "load":
            shape = (d["rows"], d["columns"], d["element_bytes"])
            tile = self.l3[d["source"]["base_address"]].reshape(shape)
            if d["transform"] == "transpose":
                tile = tile.transpose(1, 0, 2)
            self.l2[d["dest"]["base_address"]] = np.ascontiguousarray(tile)


def indices(tile):
    return [int(i) for i in tile[2:-1].split(",")]


def follow(memories, run, wanted, sizes):
    """Every tile that a streamer injects is the one that it says. Returns how many."""
    tasks = [(d["cycle"], 0, d) for d in run["dma_descriptors"]]
    tasks += [(d["cycle"], 1, d) for d in run["block_mover_transforms"]]
    tasks += [(d["cycle"], 2, d) for d in run["streamer_patterns"]]
    count = 0
    for _, kind, d in sorted(tasks, key=lambda t: t[:2]):
        if kind == 0:
            memories.dma(d)
        elif kind == 1:
            memories.move(d)
        elif d["tile"][0] in wanted:
            matrix, (rows, columns) = wanted[d["tile"][0]], sizes[d["tile"][0]]
            i, j = indices(d["tile"])
            expected = matrix[i * rows:(i + 1) * rows, j * columns:(j + 1) * columns]
            got = memories.l2[d["source"]["base_address"]]
            same = got.tobytes() == np.ascontiguousarray(expected).tobytes()
            expect(same, f"{d['tile']} at cycle {d['cycle']}")
            expect((d["rows"], d["columns"]) == expected.shape, f"shape of {d['tile']}")
            expect(d["first_datum_cycle"] > d["cycle"] and d["passes"] >= 1, "when and how often")
            count += 1
    return count


def check_descriptors(programs, transposed, options):
    """A with edges, B stored transposed or not; all bytes of C stored, none beside it."""
    m, n, k, tile = 50, 36, 44, (16, 8, 12)
    graph = programs.folder / "small.json"
    b_shape = [n, k] if transposed else [k, n]
    tensors = {"A": {"shape": [m, k]}, "B": {"shape": b_shape}, "C": {"shape": [m, n]}}
    for tensor in tensors.values():
        tensor["dtype"] = "float32"
    graph.write_text(json.dumps(
        {"name": "small", "tensors": tensors,
         "operators": [{"name": "mm", "type": "MATMUL", "inputs": ["A", "B"], "outputs": ["C"],
                        "attributes": {"transpose_b": True} if transposed else {}}]}))
    program = programs.compile(graph, "default", ["--tile", "x".join(map(str, tile))] + options)
    path = programs.folder / "descriptors.json"
    programs.execute(program, "default", ["--emit", path])
    facts = json.loads(path.read_text())
    random = np.random.default_rng(7)
    data = {"A": random.random((m, k)).astype(np.float32),
            "B": random.random(b_shape).astype(np.float32)}
    memories = Memories(data, facts)
    wanted = {"A": data["A"], "B": swap(data["B"]) if transposed else data["B"]}
    sizes = {"A": (tile[0], tile[2]), "B": (tile[2], tile[1])}
    run, = facts["kernels"]
    expect(follow(memories, run, wanted, sizes) > 0, "nothing was injected")
    turned = [d for d in run["block_mover_transforms"] if d["transform"] == "transpose"]
    expect(bool(turned) == transposed and all(d["tile"][0] == "B" for d in turned), "transforms")
    c, = [p for p in facts["allocations"] if p["tensor_name"] == "C"]
    inside = memories.stored[c["base_address"]:c["base_address"] + c["size_bytes"]]
    expect(inside.min() == 1 == inside.max(), "every byte of C is stored once")
    expect(memories.stored.sum() == inside.sum(), "nothing beside C is stored")


def main():
    compiler, loader, source = (Path(argument).resolve() for argument in sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="kpu-loader-") as name:
        programs = Programs(compiler, loader, source, Path(name))
        done = 0
        for path in sorted((source / "sweeps" / "graphs").glob("*.json")):
            for number, machine in enumerate(MACHINES):
                for options in OPTIONS:
                    done += check_graph(programs, path, machine, options, number)
        expect(done >= 40, f"only {done} graphs were executed")
        for transposed in (False, True):
            for options in OPTIONS:
                check_descriptors(programs, transposed, options)
    print(f"{done} programs executed, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
