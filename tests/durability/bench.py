"""Runs a program on a sweep, in a folder of its own, with faults; and compares what came out."""
import collections
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

import h5py

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
RUN_LIMIT = 300  # seconds, after which a run that was to end is said to hang


class Failure(Exception):
    """What must not happen, in words."""


class WrongRows(Exception):
    """Plain HDF5 shows what is not so."""


class Case:
    """A sweep, and how it is run; `speed` of its clock: a commit is due every 2 s of that."""

    def __init__(self, name, text, *options, kept="all", certificate=False, part=None, speed=80):
        self.name, self.text, self.options, self.speed = name, text, options, speed
        self.certificate, self.output = certificate, "run.h5"
        if kept != "all":
            self.options += ("--set", f"sweep.store={kept}")
        if part:
            self.options += ("--shard", part)
            self.output = f"run.shard-{part.replace('/', '-of-')}.h5"


class Outcome:
    """How a run ended."""

    def __init__(self, code, out, err, seconds, evaluated, log):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds
        self.evaluated = evaluated  # candidates, None: unknown
        self.calls = log  # as read_log

    def __str__(self):
        return f"exit {self.code}: {(self.err or self.out).strip()[-400:]}"


# A call on the output; kinds: faults that can happen in it; is_hit: the one that was asked for did.
Call = collections.namedtuple("Call", "number operation at result error is_hit path kinds")


def read_log(path):
    """All calls whose line is whole: a kill may cut the last one short."""
    text = path.read_text() if path.exists() else ""
    calls = []
    for line in text.split("\n")[:-1]:
        number, operation, at, result, error, hit, name, kinds = line.split(" ")
        calls.append(Call(int(number), operation, float(at), int(result), int(error),
                          hit == "1", name, [kind for kind in kinds.split(",") if kind]))
    return calls


def patience(seconds):
    """As much on a machine that is idle; more where others want its cores, too."""
    with open("/proc/loadavg") as file:
        running = int(file.read().split()[3].split("/")[0])
    return seconds * max(1, running / len(os.sched_getaffinity(0)))


class Bench:
    """The programs under test."""

    def __init__(self, tool, programs):
        self.tool, self.programs = tool, programs
        self.fault = os.path.join(programs, "libkpu_fault.so")
        self.content = os.path.join(programs, "kpu-content")
        counted = os.path.join(programs, "kpu-dse-counted")
        self.counted = counted if os.path.exists(counted) else None

    def folder(self, case):
        """An empty folder; on a disk in memory if there is one: a cut of power is replayed, and
        what SIGKILL leaves does not depend on the disk."""
        base = os.environ.get("KPU_DURABILITY_TMP")
        if not base and os.access("/dev/shm", os.W_OK):
            base = "/dev/shm"
        return Folder(tempfile.mkdtemp(prefix="kpu-durability-", dir=base), case)


class Folder:
    """Where one run after another writes the same output."""

    def __init__(self, path, case):
        self.path, self.place = pathlib.Path(path), pathlib.Path(path) / "out"
        self.place.mkdir()
        (self.path / "configs").symlink_to(CONFIGS)
        self.asked = self.place / "run.h5"  # for; a part gets a name of its own
        self.output = self.place / case.output
        self.partial = self.place / f"{case.output}.partial"
        self.log_partial = self.place / f"{case.output}.log.partial"
        self.certificate = self.place / "run.cert.gz"
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if not os.environ.get("KPU_DURABILITY_KEEP"):
            shutil.rmtree(self.path, ignore_errors=True)

    def listing(self):
        return sorted(entry.name for entry in self.place.glob("*"))

    def empty(self):
        for path in self.place.iterdir():
            path.unlink()


class Process:
    """A program that has begun: a run, or (words) another command."""

    def __init__(self, bench, folder, case, extra=("--resume",), threads=2, env=None, speed=None,
                 quiet=True, before=None, words=None):
        folder.count += 1
        self.folder, self.began = folder, time.monotonic()
        self.log = folder.path / f"log-{folder.count}"
        self.counter = folder.path / f"count-{folder.count}"
        self.is_counted = bool(bench.counted)
        (folder.path / "sweep.ini").write_text(case.text)
        if not words:
            words = ["run", "sweep.ini", "-o", str(folder.asked), f"-j{threads}", *case.options]
            if case.certificate:
                # As given it is remembered; the folder may be a copy of the one where it was.
                words += ["--certificate", str(folder.certificate.relative_to(folder.path))]
        if quiet:
            words = [*words, "--quiet"]
        self.process = subprocess.Popen(
            [bench.counted or bench.tool, *words, *extra], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=before, cwd=folder.path,
            env={**os.environ, "LD_PRELOAD": bench.fault, "OPENBLAS_NUM_THREADS": "1",
                 "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0",
                 "KPU_FAULT_PREFIX": str(folder.place / "run."),
                 "KPU_FAULT_LOG": str(self.log), "KPU_COUNT_FILE": str(self.counter),
                 "KPU_FAULT_SPEED": str(speed or case.speed), **(env or {})})

    def evaluated(self):
        if not self.is_counted:
            return None
        if not self.counter.exists():
            return 0
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


def ask(bench, how, path):
    """What kpu-content says. OSError: it cannot read the file."""
    done = subprocess.run([bench.content, how, str(path)], capture_output=True, text=True,
                          timeout=RUN_LIMIT)
    if done.returncode:
        raise OSError(f"{path.name} cannot be read: {done.stderr.strip() or done.returncode}")
    lines = (line.split("\t") for line in done.stdout.splitlines())
    return {name: rest for name, *rest in lines}


def content_of(bench, path):
    """Name of an object -> shape, type, values, attributes, each as text; what may differ is left
    out. OSError: plain HDF5 cannot read it."""
    content = ask(bench, "plain", path)
    content.pop("provenance/command_line", None)
    return content


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
        with bench.folder(case) as folder:
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

    def check_our_rows(self, found):
        """The same of what our own reader shows."""
        for name, expected in self.columns.items():
            rows, values = found[name]
            wide = expected if expected.itemsize == 8 else expected.astype("i8")
            if values != sum_of(wide[:int(rows)].tobytes()):
                raise Failure(f"our reader shows wrong rows of {name}")


# ---- What a run left that did not end ------------------------------------------------------------


def rows_of(bench, path):
    """Rows as our own reader sees them; None: it does not open the file."""
    try:
        return int(next(iter(ask(bench, "ours", path).values()))[0])
    except OSError:
        return None


def committed(calls):
    """Whether a journal reached the disk, as the log says."""
    return any(call.operation == "sync" and call.result == 0 and ".journal" in call.path
               for call in calls)


class Remains:
    """What is known of a run that did not end: rows, and evaluations."""

    def __init__(self, bench, reference, folder, had_commit, tally, after_cut=False):
        self.rows, self.known = 0, 0
        if not folder.partial.exists():
            if had_commit and not folder.output.exists():
                raise Failure(f"committed, but there is no partial file: {folder.listing()}")
            return
        plain = None
        if had_commit:
            plain = self.look_plainly(bench, reference, folder, tally, after_cut)
        self.look_ourselves(bench, reference, folder, had_commit)
        if plain is not None and plain > self.rows:
            raise Failure(f"plain HDF5 shows {plain} rows, our reader {self.rows}")

    def look_ourselves(self, bench, reference, folder, had_commit):
        try:
            found = ask(bench, "ours", folder.partial)
        except OSError as error:
            if had_commit:
                raise Failure(f"committed, but {error}") from error
            return
        self.note(found)
        reference.check_our_rows(found)
        if folder.log_partial.exists():
            try:
                self.note(ask(bench, "ours", folder.log_partial))
            except OSError:
                pass  # killed before it was there

    def note(self, found):
        """Rows of a log are evaluations, those of the file may have come from it."""
        evaluated = int(found.pop("evaluations", (0,))[0])
        self.rows = max(self.rows, int(next(iter(found.values()))[0]))
        self.known = max(self.known, self.rows, evaluated)

    @staticmethod
    def look_plainly(bench, reference, folder, tally, may_be_mixed):
        """As plain HDF5 sees the file before anything of ours has touched it."""
        try:
            rows = reference.check_rows(bench, folder.partial)
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
