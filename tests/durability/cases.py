"""Sweeps that are short, but take every path of a run: each search, each store policy."""
from bench import Case

HEAD = """[sweep]
name = durability
machines = default
objectives = cycles, energy_pj
seed = 7
"""

SHORT = HEAD + """
[workload]
gemms = a:64x64x64, b:96x64x32
[space]
TM = 16, 32
TN = 16, 32, 64
TK = 16, 32
dataflow = os, ws
"""

# Some thousands, cheap: rows fill chunks.
MANY = HEAD + """
[workload]
gemms = a:64x64x64, b:96x64x32, c:128x96x64
[space]
TM = 16..64 +16
TN = 16..64 +16
TK = 16..64 +16
dataflow = os, ws, is
swap = 0, 1
control = iddo, eddo
d3 = 1..3
"""

# Few that take milliseconds each, walked tile by tile.
SLOW = HEAD + """
[workload]
gemms = a:512x512x256, b:384x512x512
[space]
TM = 32, 64
TN = 32, 64, 128
TK = 32, 64
dataflow = os, ws, is
control = iddo, eddo
"""

CASES = {case.name: case for case in (
    Case("short", SHORT),
    Case("many", MANY),
    Case("slow", SLOW, "--no-fast-forward"),
    Case("exact", MANY, "--search", "exact"),
    Case("certificate", MANY, "--search", "exact", certificate=True),
    Case("random", MANY, "--search", "random", "--budget", "1500"),
    Case("low-discrepancy", MANY, "--search", "low-discrepancy", "--budget", "1500"),
    Case("nsga2", MANY, "--search", "nsga2", "--budget", "1500"),
    Case("sampled", MANY, "--sample", "900"),
    Case("front", MANY, kept="front"),
    Case("top", MANY, kept="top 7"),
    Case("sample", MANY, kept="sample 500"),
    Case("random-front", MANY, "--search", "random", "--budget", "1500", kept="front"),
    Case("nsga2-top", MANY, "--search", "nsga2", "--budget", "1500", kept="top 7"),
    Case("low-discrepancy-sample", MANY, "--search", "low-discrepancy", "--budget", "1500",
         kept="sample 100"),
)}
