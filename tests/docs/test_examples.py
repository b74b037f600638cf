#!/usr/bin/env python3
"""Runs the examples of documents and compares what they print.

usage: test_examples.py [--bless] --program PATH/kpu-dse DOCUMENT.md...

An example is a fenced block marked `console`: lines that start with "$ " are commands (continued
after a backslash, or by a here-document's lines that start with "> "), the lines after them what
they print, standard error included. A printed line "..." stands for any number of lines, and
"..." inside a line for any text. Commands run in an empty folder that sees configs, sweeps and
analysis, one after another through each document. --bless writes what was printed into the
document, leaving blocks with "..." alone when they match.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FENCE = "```"
MARK = FENCE + "console"


def split_example(lines):
    """[(command lines as shown, expected output lines)] of a block's lines."""
    steps = []
    continued = False
    for line in lines:
        if line.startswith("$ "):
            steps.append(([line], []))
        elif steps and not steps[-1][1] and (continued or line.startswith("> ")):
            steps[-1][0].append(line)
        elif steps:
            steps[-1][1].append(line)
        else:
            raise ValueError(f"an example starts with a command, not with {line!r}")
        continued = line.endswith("\\") and not steps[-1][1]
    return steps


def command_text(shown):
    """What the shell gets."""
    return "\n".join(line[2:] if line.startswith(("$ ", "> ")) else line for line in shown)


def matches(expected, printed):
    """Equal, with "..." standing for anything."""
    pattern = []
    for line in expected:
        if line.strip() == "...":
            pattern.append(r"(?:.*\n)*?")
        else:
            pattern.append(".*?".join(map(re.escape, line.split("..."))) + r"\n")
    return re.fullmatch("".join(pattern), "".join(line + "\n" for line in printed)) is not None


def run_command(shown, folder, environment):
    """The lines that a command prints."""
    done = subprocess.run(["sh", "-c", command_text(shown)], cwd=folder, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=600, check=False)
    return [line.rstrip() for line in done.stdout.decode().splitlines()]


def check_document(text, folder, environment, complain):
    """The document's text with every example's output as printed; complains of differences."""
    out, block = [], None
    for number, line in enumerate(text.split("\n"), 1):
        if block is None:
            out.append(line)
            if line == MARK:
                block = []
        elif line != FENCE:
            block.append(line)
        else:
            for shown, expected in split_example(block):
                printed = run_command(shown, folder, environment)
                same = matches(expected, printed)
                if not same:
                    complain(number, shown, expected, printed)
                out += shown + (expected if same else printed)
            out.append(line)
            block = None
    if block is not None:
        raise ValueError("the last example is not closed")
    return "\n".join(out)


def prepare_folder(folder, root):
    for name in ("configs", "sweeps", "analysis"):
        (folder / name).symlink_to(root / name)
    (folder / "results").mkdir()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bless", action="store_true")
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("documents", type=Path, nargs="+")
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parents[2]
    path = f"{arguments.program.resolve().parent}:{os.environ['PATH']}"
    environment = dict(os.environ, PATH=path, COLUMNS="100", LC_ALL="C.UTF-8", MPLBACKEND="Agg")
    failures = 0
    for document in arguments.documents:
        def complain(line, shown, expected, printed, document=document):
            nonlocal failures
            failures += 1
            print(f"{document}:{line}: {command_text(shown)}")
            print("".join(f"  - {text}\n" for text in expected)
                  + "".join(f"  + {text}\n" for text in printed))
        with tempfile.TemporaryDirectory() as folder:
            prepare_folder(Path(folder), root)
            old = document.read_text(encoding="utf-8")
            new = check_document(old, folder, environment, complain)
        if arguments.bless and new != old:
            document.write_text(new, encoding="utf-8")
    print(f"{failures} examples differ")
    return 1 if failures and not arguments.bless else 0


if __name__ == "__main__":
    sys.exit(main())
