"""Sweeps that are short, but take every path of a run: each search, each store policy."""
from bench import Case

HEAD = """[sweep]
name = durability
machines = default
objectives = cycles, energy_pj
seed = 7
"""

# The shortest that commits rows before the end.
SHORT = HEAD + """
[workload]
gemms = a:1024x512x512, b:768x1024x256
[space]
TM = 32, 64
TN = 32, 64
TK = 32, 64
dataflow = os, ws, is
control = iddo, eddo
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
d2 = 1..3
"""

# What takes a fraction of a millisecond each, walked tile by tile.
MIDDLE = HEAD + """
[workload]
gemms = a:256x256x128, b:384x128x256, c:192x256x256
[space]
TM = 16..64 +16
TN = 16..64 +16
TK = 16..64 +16
dataflow = os, ws, is
swap = 0, 1
control = iddo, eddo
"""

# Few that take milliseconds each.
SLOW = HEAD + """
[workload]
gemms = a:1024x1024x512, b:768x1024x1024
[space]
TM = 32, 64
TN = 32, 64, 128
TK = 32, 64
dataflow = os, ws, is
control = iddo, eddo
"""

# Seconds long.
LONG = HEAD + """
[workload]
gemms = a:1024x1024x512, b:768x1024x1024
[space]
TM = 32..64 +8
TN = 32..128 +8
TK = 32, 64
dataflow = os, ws, is
control = iddo, eddo
"""

WALK = "--no-fast-forward"
RANDOM = (WALK, "--search", "random", "--budget", "1200")
HALTON = (WALK, "--search", "low-discrepancy", "--budget", "1200")
NSGA2 = (WALK, "--search", "nsga2", "--budget", "1200")

CASES = {case.name: case for case in (
    Case("short", SHORT, WALK, speed=200),
    Case("many", MANY),
    Case("slow", SLOW, WALK, speed=200),
    Case("long", LONG, WALK, speed=200),
    Case("exact", MIDDLE, WALK, "--search", "exact"),
    Case("certificate", MIDDLE, WALK, "--search", "exact", certificate=True),
    Case("random", MIDDLE, *RANDOM),
    Case("low-discrepancy", MIDDLE, *HALTON),
    Case("nsga2", MIDDLE, *NSGA2),
    Case("sampled", MIDDLE, WALK, "--sample", "1000"),
    Case("front", MIDDLE, WALK, kept="front"),
    Case("top", MIDDLE, WALK, kept="top 7"),
    Case("sample", MIDDLE, WALK, kept="sample 300"),
    Case("random-front", MIDDLE, *RANDOM, kept="front"),
    Case("nsga2-top", MIDDLE, *NSGA2, kept="top 7"),
    Case("low-discrepancy-sample", MIDDLE, *HALTON, kept="sample 100"),
    Case("part", MIDDLE, WALK, part="2/3"),
    Case("part-front", MIDDLE, WALK, kept="front", part="3/3"),
    Case("part-random-top", MIDDLE, *RANDOM, kept="top 7", part="1/3"),
    Case("part-exact", MIDDLE, WALK, "--search", "exact", part="2/2"),
)}
