#!/usr/bin/env python3
"""Object files (.kpu) of kpu-kernel-compiler, both forms. The format: docs/kpu-object.md.

    python3 kpu_object.py FILE.kpu [--json]

prints what is in it, with --json as the JSON form. As a module:

    import kpu_object
    program = kpu_object.read("matmul.kpu")   # the JSON form, as dictionaries
    program["kernels"][0]["metadata"]["Ti"]

Needs the standard library, and nothing of kpu-dse itself. It checks the file, not the program:
whether loops and operations make sense is for kpu-dse to say.
"""
import argparse
import json
import math
import struct
import sys
import zlib

DFX_VERSION = "1.0"
MAGIC, MAJOR = b"KPU\0", 1
SECTIONS = ("META", "TENS", "OPER", "DEPS", "HINT", "STRS")
OPTIONAL = 1
SECTIONS_MAX, TENSORS_MAX, KERNELS_MAX = 64, 100000, 100000
RANK_MAX, OPERATIONS_MAX, DEPENDS_MAX, VAR_MAX, MACHINE_MAX = 8, 64, 8, 15, 63
INT64_MAX, INT32_MAX = 2**63 - 1, 2**31 - 1

OPERANDS = ("A", "B", "C")
DIMENSIONS = ("M", "N", "K")
TILE_DIMENSIONS = {"A": ("M", "K"), "B": ("K", "N"), "C": ("M", "N")}
DTYPES = ("f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u8", "bool")
LONG_TYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
              "bool")
OTHER_TYPES = {"double": "f64", "fp64": "f64", "float": "f32", "fp32": "f32", "half": "f16",
               "fp16": "f16", "i1": "bool"}
TYPE_NAMES = {**{name: name for name in DTYPES}, **dict(zip(LONG_TYPES, DTYPES)), **OTHER_TYPES}
ROLES = ("INPUT", "OUTPUT", "INTERMEDIATE", "CONSTANT")
HINTS = ("TEMPORARY", "PERSISTENT", "SHARED")
DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")
CONTROLS = ("iddo", "eddo")
LEVELS = ("EXTERNAL", "L3", "L2", "L1", "REGISTER")
TYPES = ("DATA_MOVE", "COMPUTE", "BARRIER")
SUBTYPES = ("NONE", "LOAD", "STORE", "PREFETCH", "FLUSH", "MATMUL_TILE", "CONV2D_TILE", "ELEMENTWISE",
            "REDUCTION", "SOFTMAX_TILE", "LAYERNORM_TILE")
WHENS = ("EVERY_STEP", "FIRST_USE", "RUN_BEGINS", "RUN_ENDS", "WINDOW_ENDS", "KERNEL_ENDS")


class ObjectError(Exception):
    """What a person has to read; names the file."""


# ---- The binary form ----------------------------------------------------------------------------
# A record is a list of (key, how to read it); what is read is a function of a Section.

class Section:
    """Reads numbers and strings of a section one after the other."""

    def __init__(self, name, data, offset, strings=None):
        self.name, self.data, self.offset, self.strings, self.at = name, data, offset, strings, 0
        self.tensors = []

    def fail(self, message):
        raise ObjectError(f"section {self.name}, byte {self.offset + self.at}: {message}")

    def take(self, count):
        if count > len(self.data) - self.at:
            self.fail("the section ends too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, code, least, most):
        (value,) = struct.unpack("<" + code, self.take(struct.calcsize(code)))
        if not least <= value <= most:
            self.fail(f"expected {least} to {most}, got {value}")
        return value

    def count(self, most):
        return self.number("I", 0, most)

    def string(self, most=None):
        number = self.number("I", 0, 2**32 - 1)
        if number != self.strings.number:
            self.fail(f"expected string {self.strings.number}, got {number}")
        text = self.strings.next()
        if most is not None and len(text.encode()) > most:
            self.fail(f"more than {most} bytes: {text!r}")
        return text

    def end(self):
        if self.at != len(self.data):
            self.fail("more than the section's contents")


class Strings(Section):
    """Strings stand in the order in which the other sections name them."""

    number = 0

    def next(self):
        data = self.take(Section.number(self, "I", 0, 2**32 - 1))
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            self.fail("no UTF-8")
        check_text(text, self.fail)
        self.number += 1
        return text


def check_text(text, fail):
    if any((c < " " and c != "\t") or c == "\x7f" for c in text):
        fail("a control character")


def word(words):
    return lambda section: words[section.number("B", 0, len(words) - 1)]


def integer(section):
    return section.number("q", 0, INT64_MAX)


def identifier(section):
    return section.number("i", 0, INT32_MAX)


def boolean(section):
    return bool(section.number("B", 0, 1))


def real(section):
    (value,) = struct.unpack("<d", section.take(8))
    if not math.isfinite(value) or math.copysign(1, value) < 0:
        section.fail("expected a number of at least 0")
    return value


def tensor(section):
    return section.tensors[section.number("I", 0, len(section.tensors) - 1)]["name"]


TENSOR = [("name", Section.string), ("dtype", word(DTYPES)), ("role", word(ROLES)),
          ("shape", lambda s: [integer(s) for _ in range(s.count(RANK_MAX))])]
METADATA = [("M", integer), ("N", integer), ("K", integer), ("dataflow", word(DATAFLOWS)),
            ("partial_type", word(DTYPES)), ("control", word(CONTROLS)), ("eddo_window", integer),
            ("l1_buffers", integer), ("batch", integer)]
OPERAND = [("tensor", tensor), ("dtype", word(DTYPES)), ("transposed", boolean),
           ("batch_stride", integer)]
LOOP = [("induction_var", lambda s: s.string(VAR_MAX)), ("dimension", word(DIMENSIONS)),
        ("start", integer), ("end", integer), ("step", integer)]
ALLOCATION = [("operand", word(OPERANDS)), ("level", word(LEVELS)), ("tiles", integer),
              ("buffers", integer), ("size_bytes", integer), ("hint", word(HINTS))]
OPERATION = [("op_id", identifier), ("type", word(TYPES)), ("subtype", word(SUBTYPES)),
             ("operand", word(OPERANDS)), ("source", word(LEVELS)), ("dest", word(LEVELS)),
             ("when", word(WHENS)), ("hoist", lambda s: s.number("B", 0, 6)),
             ("unless_fresh", boolean), ("transpose", boolean), ("broadcast", boolean),
             ("accumulate", boolean), ("produces", identifier)]
KERNEL_HINTS = [("estimated_dram_bytes", integer), ("estimated_l3_l2_bytes", integer),
                ("estimated_l2_l1_bytes", integer), ("estimated_compute_cycles", integer),
                ("parallelism_degree", integer), ("arithmetic_intensity", real), ("reuse_A", real),
                ("reuse_B", real), ("reuse_C", real), ("machine", lambda s: s.string(MACHINE_MAX))]


def record(section, fields):
    return {key: read_field(section) for key, read_field in fields}


def header(data):
    """Number of sections, and where the first one begins."""
    if len(data) < 16:
        raise ObjectError(f"cut off in the header: {len(data)} of 16 bytes")
    major, minor, flags, count = struct.unpack_from("<HHII", data, 4)
    if major != MAJOR:
        raise ObjectError(f"version {major}.{minor} of the object format; this reader has {MAJOR}.x")
    end = 16 + 32 * count
    if count > SECTIONS_MAX or len(data) < end + 8:
        raise ObjectError(f"cut off in the table of {count} sections")
    if struct.unpack_from("<Q", data, end)[0] != zlib.crc32(data[:end]):
        raise ObjectError("damaged: the header does not have its checksum")
    if flags:
        raise ObjectError(f"unknown flags {flags:#x}")
    return count, end + 8


def sections_of(data):
    """The known sections by name."""
    count, begin = header(data)
    found = {}
    for i in range(count):
        name, flags, offset, size, checksum = struct.unpack_from("<4sIQQQ", data, 16 + 32 * i)
        name = name.decode("ascii", "replace")
        if flags != (0 if name in SECTIONS else OPTIONAL):
            raise ObjectError(f"section {name!r} with flags {flags:#x} is unknown")
        if offset != begin or size > len(data) - begin:
            raise ObjectError(f"section {name} at {offset} with {size} bytes: expected at {begin}")
        content = data[begin:begin + size]
        if checksum != zlib.crc32(content):
            raise ObjectError(f"damaged: section {name} does not have its checksum")
        begin += size
        if name in SECTIONS:
            if name != SECTIONS[len(found)] if len(found) < len(SECTIONS) else True:
                raise ObjectError(f"section {name} out of order")
            found[name] = (content, offset)
    if len(found) < len(SECTIONS):
        raise ObjectError(f"section {SECTIONS[len(found)]} is missing")
    if begin != len(data):
        raise ObjectError("more bytes after the last section")
    return found


def decode_kernel(oper, deps, earlier):
    kernel = {"name": oper.string(), **record(oper, METADATA)}
    kernel["operands"] = {x: record(oper, OPERAND) for x in OPERANDS}
    kernel["loops"] = [record(oper, LOOP) for _ in range(6)]
    kernel["allocations"] = [record(oper, ALLOCATION) for _ in range(oper.count(9))]
    kernel["operations"] = [record(oper, OPERATION) for _ in range(oper.count(OPERATIONS_MAX))]
    kernel["depends_on"] = [deps.number("i", 0, earlier - 1) for _ in range(deps.count(earlier))]
    for operation in kernel["operations"]:
        operation["depends_on"] = [identifier(deps) for _ in range(deps.count(DEPENDS_MAX))]
    return kernel


def decode_binary(data):
    """The program of a binary object: records with their keys."""
    found = sections_of(data)
    strings = Strings("STRS", *found["STRS"])
    meta, tens, oper, deps, hint = (Section(name, *found[name], strings) for name in SECTIONS[:5])
    version = meta.string()
    if version != DFX_VERSION:
        meta.fail(f"version {version} of DFX; this reader has {DFX_VERSION}")
    program = {"graph_name": meta.string()}
    tensors, kernels = meta.count(TENSORS_MAX), meta.count(KERNELS_MAX)
    program["tensors"] = oper.tensors = [record(tens, TENSOR) for _ in range(tensors)]
    program["kernels"] = [decode_kernel(oper, deps, earlier) for earlier in range(kernels)]
    for kernel in program["kernels"]:
        kernel["hints"] = record(hint, KERNEL_HINTS)
    for section in (meta, tens, oper, deps, hint, strings):
        section.end()
    return program


# ---- The JSON form ------------------------------------------------------------------------------

def place(kernel, operand, level):
    tiles = {loop["dimension"]: loop["induction_var"] for loop in kernel["loops"][3:]}
    return {"tensor": kernel["operands"][operand]["tensor"], "level": level,
            "tile": [tiles.get(d, "") for d in TILE_DIMENSIONS[operand]]}


def encode_move(kernel, operation):
    operand = operation["operand"]
    steps = {loop["dimension"]: loop["step"] for loop in kernel["loops"][3:]}
    out = {"operand": operand, "source": place(kernel, operand, operation["source"]),
           "dest": place(kernel, operand, operation["dest"]),
           "shape": [steps.get(d, 0) for d in TILE_DIMENSIONS[operand]], "hoist": operation["hoist"]}
    return {**out, **{flag: True for flag in ("unless_fresh", "transpose", "broadcast")
                      if operation[flag]}}


def input_level(kernel, operand):
    loads = [o["dest"] for o in kernel["operations"]
             if o["subtype"] == "LOAD" and o["operand"] == operand]
    return loads[-1] if loads else "EXTERNAL"


def encode_compute(kernel, operation):
    return {"inputs": [place(kernel, x, input_level(kernel, x)) for x in "AB"],
            "output": place(kernel, operation["operand"], operation["dest"]),
            "accumulate": operation["accumulate"]}


def encode_operation(kernel, operation):
    out = {key: operation[key] for key in ("op_id", "type", "subtype", "when", "produces")}
    if operation["type"] == "BARRIER":
        del out["subtype"]
        return {**out, "label": kernel["name"], "wait_for": operation["depends_on"]}
    encode_rest = encode_move if operation["type"] == "DATA_MOVE" else encode_compute
    return {**out, **encode_rest(kernel, operation), "depends_on": operation["depends_on"]}


def encode_kernel(kernel):
    operands, loops = kernel["operands"], kernel["loops"]
    steps = {loop["dimension"]: loop["step"] for loop in loops[3:]}
    metadata = {d: kernel[d] for d in DIMENSIONS}
    metadata.update(zip(("Ti", "Tj", "Tk"), (steps.get(d, 0) for d in DIMENSIONS)))
    metadata["dataflow"] = kernel["dataflow"]
    metadata["element_type"] = LONG_TYPES[DTYPES.index(operands["A"]["dtype"])]
    metadata.update((key, kernel[key]) for key, _ in METADATA)
    return {
        "name": kernel["name"], "depends_on": kernel["depends_on"], "metadata": metadata,
        "operands": operands,
        "loops": [{**loop, "iteration_order": i} for i, loop in enumerate(loops)],
        "allocations": [{"tensor_name": operands[a["operand"]]["tensor"], **a}
                        for a in kernel["allocations"]],
        "operations": [encode_operation(kernel, o) for o in kernel["operations"]],
        "hints": kernel["hints"],
    }


def encode(program):
    """The JSON form, with all that follows from the rest."""
    return {"dfx_version": DFX_VERSION, "graph_name": program["graph_name"],
            "tensors": program["tensors"],
            "kernels": [encode_kernel(kernel) for kernel in program["kernels"]]}


def decode_operation(node):
    moves, barrier = node["type"] == "DATA_MOVE", node["type"] == "BARRIER"
    out = {key: node[key] for key in ("op_id", "type", "when", "produces")}
    out["subtype"] = "NONE" if barrier else node["subtype"]
    out["operand"] = node["operand"] if moves else "C"
    out["source"] = node["source"]["level"] if moves else "EXTERNAL" if barrier else "L1"
    out["dest"] = (node["dest"]["level"] if moves else
                   "EXTERNAL" if barrier else node["output"]["level"])
    out["hoist"] = node["hoist"] if moves else 6
    for flag in ("unless_fresh", "transpose", "broadcast"):
        out[flag] = moves and node.get(flag, False)
    out["accumulate"] = not moves and not barrier and node["accumulate"]
    out["depends_on"] = node["wait_for" if barrier else "depends_on"]
    return out


def pick(node, fields):
    return {key: TYPE_NAMES[node[key]] if key in ("dtype", "partial_type") else node[key]
            for key, _ in fields}


def decode_json_kernel(node):
    return {"name": node["name"], "depends_on": node["depends_on"],
            **pick(node["metadata"], METADATA),
            "operands": {x: pick(node["operands"][x], OPERAND) for x in OPERANDS},
            "loops": [pick(loop, LOOP) for loop in node["loops"]],
            "allocations": [pick(a, ALLOCATION) for a in node["allocations"]],
            "operations": [decode_operation(o) for o in node["operations"]],
            "hints": pick(node["hints"], KERNEL_HINTS)}


def decode_json(root):
    return {"graph_name": root["graph_name"],
            "tensors": [pick(t, TENSOR) for t in root["tensors"]],
            "kernels": [decode_json_kernel(kernel) for kernel in root["kernels"]]}


def agree(node, whole, path=""):
    """What follows from the rest may be missing in `node`, but it must not say otherwise."""
    same = type(node) is type(whole) or {type(node), type(whole)} == {int, float}
    if same and isinstance(whole, dict):
        for key in node:
            if key not in whole:
                if node[key] is False and key in ("unless_fresh", "transpose", "broadcast"):
                    continue
                raise ObjectError(f"{path}: unknown key {key!r}")
            agree(node[key], whole[key], f"{path}.{key}" if path else key)
    elif same and isinstance(whole, list):
        if len(node) != len(whole):
            raise ObjectError(f"{path}: {len(node)} elements, expected {len(whole)}")
        for i, (element, other) in enumerate(zip(node, whole)):
            agree(element, other, f"{path}[{i}]")
    elif not same or node != whole:
        is_type = path.rpartition(".")[2] in ("dtype", "partial_type", "element_type")
        if not (is_type and TYPE_NAMES.get(node) == TYPE_NAMES[whole]):
            raise ObjectError(f"{path}: {node!r}, but all else says {whole!r}")


def no_duplicates(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ObjectError("a key twice in an object")
    return out


def parse_json(text):
    try:
        root = json.loads(text, object_pairs_hook=no_duplicates)
        version = root["dfx_version"]
        if version != DFX_VERSION:
            raise ObjectError(f"version {version} of DFX; this reader has {DFX_VERSION}")
        whole = encode(decode_json(root))
    except KeyError as error:
        raise ObjectError(f"{error} is missing or unknown") from None
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise ObjectError(f"no object: {error}") from None
    agree(root, whole)
    return whole


# ---- Both ---------------------------------------------------------------------------------------

def parse(data):
    """The JSON form of an object, given as bytes."""
    if data[:4] == MAGIC:
        return encode(decode_binary(data))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ObjectError("neither \"KPU\" and a NUL at the beginning, nor text") from None
    return parse_json(text)


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    try:
        return parse(data)
    except ObjectError as error:
        raise ObjectError(f"{path}: {error}") from None


def summary(program):
    lines = [f"{program['graph_name']}: {len(program['tensors'])} tensors, "
             f"{len(program['kernels'])} kernels"]
    for t in program["tensors"]:
        lines.append(f"  {t['name']}: {t['dtype']} {'x'.join(map(str, t['shape']))} {t['role']}")
    for kernel in program["kernels"]:
        m, hints = kernel["metadata"], kernel["hints"]
        waits = [program["kernels"][k]["name"] for k in kernel["depends_on"]]
        lines += [
            f"kernel {kernel['name']}" + (f", after {', '.join(waits)}" if waits else ""),
            f"  {m['M']}x{m['N']}x{m['K']}" + (f", {m['batch']} times" if m["batch"] > 1 else "") +
            f", tile {m['Ti']}x{m['Tj']}x{m['Tk']}, {m['dataflow']}, {m['control']}",
            f"  {len(kernel['operations'])} operations, {hints['estimated_dram_bytes']} bytes of "
            f"DRAM, {hints['arithmetic_intensity']:.4g} MACs a byte",
        ]
        if hints["machine"]:
            lines.append(f"  compiled for {hints['machine']}: {hints['estimated_compute_cycles']} "
                         "compute cycles")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", metavar="FILE.kpu")
    parser.add_argument("--json", action="store_true", help="print the JSON form")
    arguments = parser.parse_args()
    try:
        program = read(arguments.file)
    except (ObjectError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(program, indent=1) if arguments.json else summary(program))
    return 0


if __name__ == "__main__":
    sys.exit(main())
