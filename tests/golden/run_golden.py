#!/usr/bin/env python3
"""Runs sessions of commands and compares what they print with what is written below them.

usage: run_golden.py KPU_DSE FILE... [--bless]

A session looks like this; `> ` continues a command, `[exit N]` follows one that does not end
with 0, and lines that begin with `# ` are comments. $PYTHON is one that has h5py:

    # What it is about
    $ kpu-dse eval --tiles 3
    error: eval: unknown option "--tiles"; did you mean --tile?
    [exit 2]

Each command is one bash process with the folder of the session as its current one, in which
`configs` and `sweeps` are those of the repository; the programs beside KPU_DSE (kpu-kernel-compiler,
kpu-loader) are found by name, too. Standard output and error are one stream. An
expected line `...` stands for any lines, and `<N>` in an expected line for any number.
--bless writes what was printed into the files, keeping `...` and `<N>` where they still fit.
"""
import argparse
import difflib
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120
NUMBER = re.compile(re.escape("<N>"))


class Step:
    """A command with the comments before it and the lines expected after it."""

    def __init__(self, comments, command):
        self.comments, self.command, self.expected = comments, command, []


def parse(path):
    steps, comments = [], []
    for line in path.read_text().splitlines():
        if line.startswith("$ "):
            steps.append(Step(comments, [line[2:]]))
            comments = []
        elif steps and line.startswith("> ") and not steps[-1].expected and not comments:
            steps[-1].command.append(line[2:])
        elif line.startswith("# ") or (comments and not line):
            comments.append(line)
        elif steps:
            steps[-1].expected.append(line)
        else:
            sys.exit(f"{path}: the first line must be a comment or a command")
    return steps, comments


def write(path, steps, trailer):
    lines = []
    for step in steps:
        lines += step.comments + ["$ " + step.command[0]]
        lines += ["> " + line for line in step.command[1:]] + step.expected
    path.write_text("\n".join(lines + trailer) + "\n")


def run(step, folder, environment):
    shell = subprocess.Popen(["bash", "-c", "\n".join(step.command)], cwd=folder, env=environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True)
    try:
        printed, ending = shell.communicate(timeout=TIMEOUT_S)[0], f"[exit {shell.returncode}]"
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)  # all that it has started
        printed, ending = shell.communicate()[0], f"[no end within {TIMEOUT_S} s]"
    text = printed.decode("utf-8", "replace").replace(str(folder), "FOLDER")
    return text.splitlines() + ([ending] if shell.returncode else [])


def line_fits(expected, got):
    if "<N>" not in expected:
        return expected == got
    pattern = r"[0-9][0-9,.]*".join(re.escape(part) for part in NUMBER.split(expected))
    return re.fullmatch(pattern, got) is not None


def fits(expected, got):
    """Whether the lines match, `...` standing for any number of them."""
    if not expected:
        return not got
    if expected[0] == "...":
        return any(fits(expected[1:], got[skip:]) for skip in range(len(got) + 1))
    return bool(got) and line_fits(expected[0], got[0]) and fits(expected[1:], got[1:])


def python_with_h5py():
    """Debian's Python has Debian's h5py, whatever Python runs this."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import h5py"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            return python
    return sys.executable


def run_file(path, program, bless):
    steps, trailer = parse(path)
    environment = dict(os.environ, PATH=f"{program.parent}:{os.environ['PATH']}", LC_ALL="C",
                       OMP_NUM_THREADS="2", PYTHON=python_with_h5py())
    bad = 0
    with tempfile.TemporaryDirectory(prefix="kpu-golden-") as name:
        folder = Path(name)
        for shared in ("configs", "sweeps"):
            (folder / shared).symlink_to(ROOT / shared)
        for step in steps:
            got = run(step, folder, environment)
            if fits(step.expected, got):
                continue
            bad += 1
            print(f"{path.name}: $ {step.command[0]}")
            print("\n".join(difflib.unified_diff(step.expected, got, "expected", "printed",
                                                 lineterm="")))
            step.expected = got
    if bad and bless:
        write(path, steps, trailer)
        print(f"{path.name}: {bad} blessed")
        return 0
    return bad


def main():
    parser = argparse.ArgumentParser(description="Runs golden sessions.")
    parser.add_argument("program", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--bless", action="store_true", help="expect what is printed now")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    if not os.access(program, os.X_OK):
        sys.exit(f"{program}: no program")
    bad = sum(run_file(path, program, arguments.bless) for path in arguments.files)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
