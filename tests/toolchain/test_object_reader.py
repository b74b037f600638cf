#!/usr/bin/env python3
"""The Python reader of object files against ours: what ours reads, it reads too, and the same.

usage: test_object_reader.py OBJECT_SAMPLES ROOT [COUNT]
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

samples, root = sys.argv[1], Path(sys.argv[2])
count = sys.argv[3] if len(sys.argv) > 3 else "8"
sys.path.insert(0, str(root / "analysis"))
import kpu_object  # noqa: E402

READER = root / "analysis" / "kpu_object.py"


def read(path):
    """What the reader makes of a file, or its complaint."""
    try:
        return kpu_object.read(path), None
    except kpu_object.ObjectError as error:
        return None, str(error)


def compare(folder):
    both, refused, only_ours = 0, 0, []
    for path in sorted(folder.glob("*.kpu")):
        got, complaint = read(path)
        ours = path.with_suffix(".json")
        if ours.exists():
            wanted = json.loads(ours.read_text())
            if got != wanted:
                sys.exit(f"{path.name}: read differently: {complaint or 'other values'}")
            both += 1
        elif complaint:
            refused += 1
        else:
            only_ours.append(path.name)
    return both, refused, only_ours


def run(*arguments):
    return subprocess.run([sys.executable, READER, *arguments], capture_output=True, text=True)


def check_program(folder):
    """The command: a summary, the JSON form, an error."""
    good = next(folder.glob("0-binary-0.kpu"))
    summary = run(good)
    assert summary.returncode == 0 and "kernel mm0" in summary.stdout, summary
    whole = run(good, "--json")
    assert json.loads(whole.stdout) == json.loads(good.with_suffix(".json").read_text())
    again = folder / "again.kpu"  # what it prints is an object
    again.write_text(whole.stdout)
    assert read(again)[0] == json.loads(whole.stdout)
    again.write_bytes(good.read_bytes()[:-1])
    bad = run(again)
    assert bad.returncode == 2 and bad.stderr.startswith("error: ") and not bad.stdout, bad
    again.unlink()


def check_document():
    """docs/kpu-object.md has the words and the fields that are read, in their order."""
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", (root / "docs/kpu-object.md").read_text(), re.M))
    lists = {"dtype": kpu_object.DTYPES, "role": kpu_object.ROLES, "hint": kpu_object.HINTS,
             "dataflow": kpu_object.DATAFLOWS, "control": kpu_object.CONTROLS,
             "dimension": kpu_object.DIMENSIONS, "level": kpu_object.LEVELS,
             "type": kpu_object.TYPES, "subtype": kpu_object.SUBTYPES, "when": kpu_object.WHENS}
    records = {"tensor": kpu_object.TENSOR, "metadata": kpu_object.METADATA,
               "loop": kpu_object.LOOP, "allocation": kpu_object.ALLOCATION,
               "operation": kpu_object.OPERATION, "hints": kpu_object.KERNEL_HINTS}
    for list_name, words in lists.items():
        assert tuple(rows[list_name].split()) == words, list_name
    for record_name, fields in records.items():
        assert re.findall(r"`(\w+)`", rows[record_name]) == [key for key, _ in fields], record_name


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    subprocess.run([samples, name, count], check=True)
    both, refused, unverified = compare(folder)
    check_program(folder)
check_document()
print(f"{both} read the same, {refused} refused by both, {len(unverified)} refused by the verifier")
if both < 2 * int(count) or refused < int(count) or not unverified:
    sys.exit("the samples show too little")
