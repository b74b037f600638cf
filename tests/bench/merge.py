#!/usr/bin/env python3
"""Measures `kpu-dse merge`: runs a sweep in parts, merges them, and prints how long that took, how much
memory it had, and what a part and a row cost.

usage: merge.py KPU_DSE SOURCE_DIR [--rows N] [--parts N] [--folder DIR] [--virtual]

Times are of the processor (user and system) and of the clock on the wall; the latter depends on what
else the machine does, and on the disk.
"""
import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

SWEEP = """[sweep]
name = merged
machines = {machine}
objectives = cycles, energy_pj
sample = {rows}
[workload]
gemms = a:512x512x512, b:256x768x384
element_types = int8
[space]
TM = 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128
TN = 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128
TK = 16..128 +8
dataflow = os, ws, is
order = mnk, mkn, nmk, nkm, kmn, knm
d3 = 1, 2
d2 = 1, 2
d1 = 1, 2, 3, 4
"""


def measured(command, folder):
    """Wall seconds, processor seconds, peak kilobytes of one process."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if status:
        raise SystemExit(f"{' '.join(map(str, command[:4]))} ...: exit status {status}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def bytes_of(folder, pattern):
    return sum(path.stat().st_size for path in folder.glob(pattern))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--virtual", action="store_true")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    with tempfile.TemporaryDirectory(prefix="kpu-merge-", dir=arguments.folder) as name:
        folder = Path(name)
        machine = arguments.source.resolve() / "configs" / "edge-ai.ini"
        (folder / "m.ini").write_text(SWEEP.format(machine=machine, rows=arguments.rows))
        for part in range(1, arguments.parts + 1):
            measured([program, "run", "m.ini", "-q", "-o", "m.h5", "--shard",
                      f"{part}/{arguments.parts}"], folder)
        parts = sorted(path.name for path in folder.glob("m.shard-*.h5"))
        command = [program, "merge", "-q", *(["--virtual"] if arguments.virtual else []), "m.h5"]
        wall, cpu, peak = measured([*command, *parts], folder)
        print(f"{len(parts)} parts, {arguments.rows} rows, "
              f"{bytes_of(folder, 'm.shard-*') / 1e6:.1f} MB -> "
              f"{bytes_of(folder, 'm.h5') / 1e6:.1f} MB")
        print(f"processor {cpu:.2f} s, wall {wall:.2f} s, memory {peak / 1024:.0f} MiB")
        print(f"{arguments.rows / cpu:,.0f} rows/s, {1e3 * cpu / len(parts):.1f} ms a part, "
              f"{1e6 * cpu / arguments.rows:.1f} us a row")


if __name__ == "__main__":
    main()
