#!/usr/bin/env python3
"""Checks the rules of the house: modules in their order, one user per library, no prints, exits
or mutable globals in the library, no long files, no paths that exist on one machine only.

usage: check_layering.py ROOT     prints one line a violation; exit code 1 if there is any
"""
import os
import re
import sys
from pathlib import Path

MODULES = ("base config machine workload mapping compiler simulator metrics explorer store report "
           "tools").split()

# Public headers that are not named like their module: its second face.
FACES = {"dtype": "workload", "graph": "workload", "dfx": "compiler", "kpu_object": "compiler",
         "schedule": "simulator", "execute": "simulator", "tiling": "explorer",
         "ranks": "explorer"}

# header -> the one module that may include it
OWNERS = {"omp.h": "explorer", "hdf5.h": "store", "ini.h": "config", "jansson.h": "base",
          "xxhash.h": "base", "zlib.h": "store"}

MAX_LINES = 600
CODE = {".c", ".h", ".def"}
TEXT = CODE | {".py", ".sh", ".md", ".ini", ".cmake", ".txt", ".json", ".in", ""}
LONG_BY_NATURE = {".csv", ".jsonl", ".json", ".txt", ".md"}
SKIPPED_FOLDERS = {".git", "results", "__pycache__", ".pytest_cache"}

# First components of absolute paths that mean the same on every machine, and the groups of a
# results file, which look like paths.
COMMON_ROOTS = set("usr bin etc tmp dev proc sys opt var lib nonexistent no does missing".split())
GROUPS = {"candidates", "metrics", "workloads", "machines", "provenance"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
PATH = re.compile(r"""(?:^|[\s"'=(`])/([A-Za-z.][\w.-]*)/[\w.]""")
JOINED = re.compile(r'\b[A-Z_]+\s*"/')  # a macro and a string: a path below the macro's folder
HOME = re.compile(r"/(?:home|Users)/\w+|(?:^|[\s\"'=(`])/root\b")
OUTPUT = re.compile(r"\b(?:printf|puts|putchar|perror|exit|_exit|abort|vprintf)\s*\("
                    r"|\bf(?:printf|puts|write|putc)\s*\([^;]*\b(?:stdout|stderr)\b")
STATIC = re.compile(r"^\s*static\s+(?!inline\b)(?P<declared>[^(=;{\[]*)(?P<rest>[=;\[({]|$)")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b(?!.*#\d)")


def strip_comments(text):
    """C without comments and the insides of strings; line breaks stay where they were."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)

    def replace(match):
        token = match.group(0)
        if token.startswith('"'):
            return '""'
        return "\n" * token.count("\n") or " "
    return pattern.sub(replace, text)


def module_of(path):
    """Module of a path below the root, or None."""
    parts = path.parts
    if len(parts) == 3 and parts[:2] == ("include", "kpu"):
        return FACES.get(path.stem, path.stem)
    if len(parts) >= 3 and parts[0] == "src":
        return parts[1]
    return None


def check_include(path, module, target):
    """Complaint about an include of `target` by `module`, or None."""
    owner = OWNERS.get(os.path.basename(target))
    if owner is not None and "/" not in target and module != owner:
        return f"only src/{owner} may include <{target}>"
    parts = Path(target).parts
    if len(parts) < 2:
        return None
    named = Path(target).stem if parts[0] == "kpu" else parts[0]
    named = FACES.get(named, named)
    if named not in MODULES:
        return None
    if MODULES.index(named) > MODULES.index(module):
        return f"{module} stands before {named} and may not include {target}"
    if path.parts[0] == "include" and parts[0] != "kpu":
        return f"a public header may not include the private {target}"
    return None


def is_mutable_static(line, module):
    """A variable at file or function scope that keeps its value and can change."""
    match = STATIC.match(line)
    if not match or match.group("rest") in ("(", "{", ""):
        return False
    declared = match.group("declared")
    if re.search(r"\bconst\b", declared[declared.rfind("*") + 1:]):
        return False
    # What a signal handler knows has no other place to live.
    return not (module == "tools" and re.search(r"\bvolatile\b", declared))


def check_code(path, text):
    """Complaints (line, message) about one C file."""
    module = module_of(path)
    if module is None:
        return
    if module not in MODULES:
        yield 1, f"{module} is no module"
        return
    raw = text.split("\n")
    for number, line in enumerate(strip_comments(text).split("\n"), 1):
        include = INCLUDE.match(raw[number - 1])
        if include:
            complaint = check_include(path, module, include.group(2))
            if complaint:
                yield number, complaint
        if re.match(r"\s*#\s*pragma\s+omp\b", line) and module != "explorer":
            yield number, "only src/explorer may use OpenMP"
        if re.match(r"\s*#\s*if\s+0\b", line):
            yield number, "dead code"
        if module != "tools" and OUTPUT.search(line):
            yield number, "the library never prints, exits or aborts"
        if is_mutable_static(line, module):
            yield number, "mutable static state"


def check_text(root, path, text):
    """Complaints (line, message) about any text file."""
    lines = text.split("\n")
    if len(lines) > MAX_LINES + 1 and path.suffix not in LONG_BY_NATURE:
        yield len(lines), f"longer than {MAX_LINES} lines"
    places = [str(root)] if len(root.parts) > 2 else []
    for number, line in enumerate(lines, 1):
        if HOME.search(line) or any(place in line for place in places):
            yield number, "a path of one machine"
        elif any(first not in COMMON_ROOTS | GROUPS
                 for first in PATH.findall(JOINED.sub('"', line))):
            yield number, "an absolute path"
        if UNFINISHED.search(line):
            yield number, "unfinished work without the number of its issue"


def text_files(root):
    """Paths below the root, relative to it, of the files that we write."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders
                            if f not in SKIPPED_FOLDERS and not f.startswith("build"))
        for name in sorted(names):
            path = (Path(folder) / name).relative_to(root)
            if path.suffix in TEXT and name != ".git" and path.parts[:2] != ("tests", "layering"):
                yield path


def check_tree(root):
    """Complaints "path:line: message" about the whole tree."""
    root = Path(root).resolve()
    for path in text_files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary file: a sample of bad input
        complaints = list(check_text(root, path, text))
        if path.suffix in CODE:
            complaints += check_code(path, text)
        for line, message in complaints:
            yield f"{path}:{line}: {message}"


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    complaints = list(check_tree(arguments[0]))
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} violations")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
