#!/usr/bin/env python3
"""The Python reader of object files against ours: what ours reads, it reads too, and the same.

usage: test_object_reader.py OBJECT_SAMPLES ROOT [COUNT]
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

samples, root = sys.argv[1], Path(sys.argv[2])
count = sys.argv[3] if len(sys.argv) > 3 else "25"
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


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    subprocess.run([samples, name, count], check=True)
    both, refused, unverified = compare(folder)
    check_program(folder)
print(f"{both} read the same, {refused} refused by both, {len(unverified)} refused by the verifier")
if both < 2 * int(count) or refused < int(count) or not unverified:
    sys.exit("the samples show too little")
