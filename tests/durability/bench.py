"""Runs a program on a sweep, in a folder of its own, with faults; and compares what came out."""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

import h5py

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
RUN_LIMIT = 120  # seconds, after which a run that was to end is said to hang


class Failure(Exception):
    """What must not happen, in words."""


class WrongRows(Exception):
    """Plain HDF5 shows what is not so."""


class Case:
    """A sweep, and how it is run."""

    def __init__(self, name, text, *options, kept="all", certificate=False):
        self.name, self.text, self.options = name, text, options
        self.keeps_all, self.certificate = kept == "all", certificate
        if kept != "all":
            self.options += ("--set", f"sweep.store={kept}")


class Outcome:
    """How a run ended."""

    def __init__(self, code, out, err, seconds, evaluated, log):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds
        self.evaluated = evaluated  # candidates, None: unknown
        self.calls = log  # as read_log

    def __str__(self):
        return f"exit {self.code}: {(self.err or self.out).strip()[-400:]}"


def read_log(path):
    """The calls on the output: number, operation, seconds, result, errno, path, kinds of fault."""
    calls = []
    if os.path.exists(path):
        with open(path) as lines:
            for line in lines:
                number, operation, at, result, error, _, name, kinds = line.rstrip("\n").split(" ")
                calls.append((int(number), operation, float(at), int(result), int(error), name,
                              [kind for kind in kinds.split(",") if kind]))
    return calls


class Bench:
    """The programs under test."""

    def __init__(self, tool, programs, speed=200):
        self.tool, self.programs, self.speed = tool, programs, speed
        self.fault = os.path.join(programs, "libkpu_fault.so")
        self.content = os.path.join(programs, "kpu-content")
        counted = os.path.join(programs, "kpu-dse-counted")
        self.counted = counted if os.path.exists(counted) else None

    def folder(self):
        """An empty folder; on a disk in memory if there is one: a cut of power is replayed, and
        what SIGKILL leaves does not depend on the disk."""
        base = os.environ.get("KPU_DURABILITY_TMP")
        if not base and os.access("/dev/shm", os.W_OK):
            base = "/dev/shm"
        return Folder(tempfile.mkdtemp(prefix="kpu-durability-", dir=base))


class Folder:
    """Where one run after another writes out.h5."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "out").mkdir()
        (self.path / "configs").symlink_to(CONFIGS)
        self.output = self.path / "out" / "run.h5"
        self.partial = self.path / "out" / "run.h5.partial"
        self.log_partial = self.path / "out" / "run.h5.log.partial"
        self.certificate = self.path / "out" / "run.cert.gz"
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if not os.environ.get("KPU_DURABILITY_KEEP"):
            shutil.rmtree(self.path, ignore_errors=True)

    def listing(self):
        return sorted(entry.name for entry in self.path.glob("out/*"))


class Process:
    """A run that has begun."""

    def __init__(self, bench, folder, case, extra=("--resume",), threads=2, env=None, speed=None,
                 counted=True, quiet=True, before=None):
        folder.count += 1
        self.folder, self.began = folder, time.monotonic()
        self.log = folder.path / f"log-{folder.count}"
        self.counter = folder.path / f"count-{folder.count}"
        self.is_counted = counted and bench.counted
        (folder.path / "sweep.ini").write_text(case.text)
        command = [self.is_counted and bench.counted or bench.tool, "run", "sweep.ini", "-o",
                   str(folder.output), f"-j{threads}", *case.options, *extra]
        if quiet:
            command.append("--quiet")
        if case.certificate:
            command += ["--certificate", str(folder.certificate)]
        self.command = command
        speed = bench.speed if speed is None else speed
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=before, cwd=folder.path,
            env={**os.environ, "LD_PRELOAD": bench.fault, "OPENBLAS_NUM_THREADS": "1",
                 "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0",
                 "KPU_FAULT_PREFIX": str(folder.path / "out" / "run."),
                 "KPU_FAULT_LOG": str(self.log), "KPU_COUNT_FILE": str(self.counter),
                 "KPU_FAULT_SPEED": str(speed), **(env or {})})

    def evaluated(self):
        if not self.is_counted or not self.counter.exists():
            return None if not self.is_counted else 0
        return int.from_bytes(self.counter.read_bytes()[:8], sys.byteorder)

    def wait(self, seconds=RUN_LIMIT):
        """Its outcome; None if it has not ended by then."""
        try:
            out, err = self.process.communicate(timeout=max(seconds, 0))
        except subprocess.TimeoutExpired:
            return None
        return Outcome(self.process.returncode, out, err, time.monotonic() - self.began,
                       self.evaluated(), read_log(self.log))

    def signal(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self, seconds=RUN_LIMIT):
        outcome = self.wait(seconds)
        if outcome is None:
            self.process.kill()
            self.wait()
            raise Failure(f"the run hangs: no end within {seconds} s")
        return outcome


def run(bench, folder, case, **how):
    return Process(bench, folder, case, **how).end()


# ---- Content of files ----------------------------------------------------------------------------


def content_of(bench, path):
    """Name of an object -> shape, type, values, attributes, each as text; what may differ is left
    out. OSError: plain HDF5 cannot read it."""
    done = subprocess.run([bench.content, str(path)], capture_output=True, text=True,
                          timeout=RUN_LIMIT)
    if done.returncode:
        raise OSError(f"{path.name} cannot be read by HDF5")
    lines = (line.split("\t") for line in done.stdout.splitlines())
    return {name: rest for name, *rest in lines if name != "provenance/command_line"}


def differences(expected, found):
    """In words, the first few."""
    said = []
    for name in sorted(set(expected) | set(found)):
        if name not in found or name not in expected:
            said.append(f"{name} is {'missing' if name not in found else 'too much'}")
            continue
        said += [f"{name}: {what} {now}, not {was}"
                 for what, was, now in zip(("shape", "type", "values", "attributes"),
                                           expected[name], found[name]) if was != now]
    return said[:5]


def sum_of(data):
    """As kpu-content has it."""
    return f"{zlib.crc32(data):08x}{zlib.adler32(data):08x}"


class Reference:
    """What an undisturbed run gives."""

    def __init__(self, bench, case):
        with bench.folder() as folder:
            outcome = run(bench, folder, case)
            if outcome.code != 0:
                raise Failure(f"undisturbed run of {case.name}: {outcome}")
            self.content = content_of(bench, folder.output)
            self.certificate = case.certificate and folder.certificate.read_bytes()
            self.names, self.evaluated = folder.listing(), outcome.evaluated
            self.seconds, self.calls = outcome.seconds, outcome.calls
            self.columns = {}
            with h5py.File(folder.output, "r") as file:
                for group in ("candidates", "metrics"):
                    for name in file[group]:
                        self.columns[f"{group}/{name}"] = file[group][name][:]

    def check_finished(self, bench, folder):
        """That what stands there is what stood there when nothing happened."""
        if not folder.output.exists():
            raise Failure(f"no {folder.output.name} at the end, but {folder.listing()}")
        said = differences(self.content, content_of(bench, folder.output))
        if self.certificate and folder.certificate.read_bytes() != self.certificate:
            said.append("the certificate has other bytes")
        if folder.listing() != self.names:
            said.append(f"the folder has {folder.listing()}")
        if said:
            raise Failure("differs from the undisturbed run: " + "; ".join(said))

    def check_rows(self, bench, path):
        """Rows of an unfinished file as plain HDF5 shows them; each must be right. Columns may
        differ in length if the file is torn: OSError."""
        found, lengths = content_of(bench, path), set()
        for name, expected in self.columns.items():
            if name not in found:
                raise OSError(f"{path.name}: no {name}")
            shape, _, values, _ = found[name]
            lengths.add(int(shape))
            if values != sum_of(expected[:int(shape)].tobytes()):
                raise WrongRows(f"{path.name}: rows of {name} are wrong")
        if len(lengths) > 1:
            raise OSError("columns differ in length")
        return lengths.pop()


# ---- What a run left that did not end ------------------------------------------------------------


def ask_tool(bench, path):
    """Rows that our own reader sees; None and its complaint if it does not open the file."""
    done = subprocess.run([bench.tool, "info", str(path)], capture_output=True, text=True,
                          timeout=RUN_LIMIT)
    found = re.search(r"^candidates\s+([\d,]+)", done.stdout, re.M)
    if done.returncode != 0 or not found:
        return None, done.stderr.strip() or done.stdout.strip()
    return int(found.group(1).replace(",", "")), ""


def committed(calls):
    """Whether a journal reached the disk, as the log says."""
    return any(operation == "sync" and result == 0 and ".journal" in name
               for _, operation, _, result, _, name, _ in calls)


class Remains:
    """Rows in the partial file, and how many of the evaluations are known."""

    def __init__(self, bench, case, reference, folder, had_commit, tally, after_cut=False):
        self.rows, self.known = 0, 0
        if not folder.partial.exists():
            if had_commit and not folder.output.exists():
                raise Failure(f"committed, but there is no partial file: {folder.listing()}")
            return
        plain = None
        if had_commit:
            plain = self.look_plainly(bench, case, reference, folder, tally, after_cut)
        rows, complaint = ask_tool(bench, folder.partial)
        if rows is None and had_commit:
            raise Failure(f"committed, but `info` says: {complaint}")
        if plain is not None and rows is not None and case.keeps_all and plain > rows:
            raise Failure(f"plain HDF5 shows {plain} rows, our reader {rows}")
        self.rows = self.known = rows or 0
        if folder.log_partial.exists():
            self.known = max(self.known, ask_tool(bench, folder.log_partial)[0] or 0)

    @staticmethod
    def look_plainly(bench, case, reference, folder, tally, may_be_mixed):
        """As plain HDF5 sees the file before anything of ours has touched it."""
        try:
            rows = reference.check_rows(bench, folder.partial) if case.keeps_all else \
                h5py.File(folder.partial, "r").close()
            tally["partial files right for plain HDF5 as they were"] += 1
            return rows
        except WrongRows as wrong:
            if not may_be_mixed:
                raise Failure(f"for plain HDF5: {wrong}") from wrong
            tally["partial files that showed plain HDF5 wrong rows after a power cut"] += 1
        except OSError:
            tally["partial files that plain HDF5 refused"] += 1
        return None


def digest(text):
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
