#!/usr/bin/env python3
"""One sweep, run in all ways that there are: the same file, dataset by dataset and bit for bit.

A table of ways (threads, ranks, parts put together, killed and resumed, built otherwise) times a
table of studies (searches and store policies of sweep.ini). Each study is run once with one
thread; what every way makes of it is compared with that."""

import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare_results  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SWEEP = os.path.join(HERE, "sweep.ini")
LIMIT_S = 300  # a run takes seconds
TRIES = 8


class Failure(Exception):
    pass


class Skipped(Exception):
    pass


# ---- Studies ---------------------------------------------------------------------------------

DRAWS = ["--budget", "6000"]
STUDIES = {
    "exhaustive": [],
    "sample": ["--sample", "6000"],
    "exact": ["--search", "exact", "--set", "space.TM=8..64 +8", "--set", "space.TN=8..48 +8"],
    "random": ["--search", "random", *DRAWS],
    "low-discrepancy": ["--search", "low-discrepancy", *DRAWS],
    "nsga2": ["--search", "nsga2", *DRAWS],
    "front": ["--store", "front"],
    "top": ["--store", "top 40"],
    "kept-sample": ["--store", "sample 500"],
    "random-front": ["--search", "random", *DRAWS, "--store", "front"],
    "nsga2-top": ["--search", "nsga2", *DRAWS, "--store", "top 40"],
}
SMALL = ["--set", "workload.gemms=odd:67x130x201, even:64x96x128"]
FEW = ["--budget", "2500"]
QUICK_STUDIES = {
    "exhaustive": [*SMALL, "--sample", "5000"],
    "exact": [*SMALL, "--search", "exact"],
    "random": [*SMALL, "--search", "random", *FEW],
    "nsga2": [*SMALL, "--search", "nsga2", *FEW],
    "front": [*SMALL, "--sample", "5000", "--store", "front"],
}
WITHOUT_PARTS = ("nsga2", "nsga2-top")  # it learns from all of its candidates


# ---- Ways ------------------------------------------------------------------------------------

class Study:
    """A study in a folder of its own; every run of it writes NAME.h5 there."""

    def __init__(self, name, options, program, folder):
        self.name, self.options, self.program, self.folder = name, options, program, folder
        self.mpi = False
        self.seconds = 0.0

    def path(self, name):
        return os.path.join(self.folder, name + ".h5")

    def command(self, output, *more, program=None):
        return [program or self.program, "run", SWEEP, *self.options, "-o", output, *more]


def call(command, environment=None):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        raise Failure("exit code %d of %s:\n%s" % (done.returncode, " ".join(command),
                                                   done.stdout))
    return done.stdout


def with_threads(study, name, threads):
    call(study.command(study.path(name), "-q", "-j", str(threads)))


def walked_plainly(study, name, _):
    call(study.command(study.path(name), "-q", "-j", "1", "--no-fast-forward"))


def mpirun(study, ranks):
    if not study.mpi:
        raise Skipped("this kpu-dse was built without MPI")
    if not shutil.which("mpirun"):
        raise Skipped("there is no mpirun")
    return ["mpirun", "--enable-recovery", "--oversubscribe", "--bind-to", "none",
            "-n", str(ranks)]


MPI_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def with_ranks(study, name, ranks):
    call([*mpirun(study, ranks), *study.command(study.path(name), "-q", "-j", "1")], MPI_AS_ROOT)


def merge(study, name, parts, *options):
    """The parts in an order that is not theirs."""
    call([study.program, "merge", "-q", *options, study.path(name), *reversed(parts)])


def part_paths(study, name, count):
    return [study.path("%s.shard-%d-of-%d" % (name, n, count)) for n in range(1, count + 1)]


def refuse_parts(study):
    if study.name in WITHOUT_PARTS:
        raise Skipped("this search cannot be cut into parts")


def in_parts(study, name, count):
    """By one thread and by two, in turns; merged."""
    refuse_parts(study)
    for part in range(1, count + 1):
        call(study.command(study.path(name), "-q", "-j", str(1 + part % 2), "--shard",
                           "%d/%d" % (part, count)))
    merge(study, name, part_paths(study, name, count))


def in_parts_viewed(study, name, count):
    """And the values of a virtual view; how they are stored differs, of course. A choice of rows
    is made of those of all parts, so there is no view of it."""
    in_parts(study, name, count)
    if "--store" in study.options:
        return
    whole = study.path(name)
    view = study.path(name + "-view")
    merge(study, name + "-view", part_paths(study, name, count), "--virtual")
    difference = compare_results.compare(whole, view, with_storage=False)
    if difference:
        raise Failure("A is the merged file, B the view: " + difference)


def a_part_a_rank(study, name, ranks):
    refuse_parts(study)
    call([*mpirun(study, ranks), *study.command(study.path(name), "-q", "-j", "1", "--shard",
                                                "ranks")], MPI_AS_ROOT)
    merge(study, name, part_paths(study, name, ranks))


def stop_after(study, name, seconds, how):
    """False: it was done before that."""
    process = subprocess.Popen(study.command(study.path(name), "-q", "-j", "1", "--resume"),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        how(study, name, process)
    complaints = process.communicate(timeout=LIMIT_S)[1]
    if process.returncode not in (0, 130, -signal.SIGKILL):
        raise Failure("a run that was stopped gave exit code %d:\n%s" % (process.returncode,
                                                                       complaints))
    return process.returncode != 0


def terminate(study, name, process):
    process.terminate()


COMMIT_S = 2.5  # usually one is due after that


def journals(study, name):
    """Changes with every commit of the results, or of the log beside them."""
    found = glob.glob(glob.escape(study.path(name)) + ".*journal-*")
    return [(path, os.stat(path).st_mtime_ns) for path in sorted(found)]


def kill(study, name, process):
    """While it stands still its clock goes on: a commit is due once it is let go, and after that
    it is killed."""
    process.send_signal(signal.SIGSTOP)
    time.sleep(COMMIT_S)
    before = journals(study, name)
    process.send_signal(signal.SIGCONT)
    while process.poll() is None and journals(study, name) == before:
        time.sleep(0.002)
    process.kill()


def forget(study, name):
    for path in glob.glob(glob.escape(study.path(name)) + "*"):
        os.remove(path)


def stop_and_resume(study, name, seconds, times, how):
    """What was known when it went on for the last time; None if a run was over too soon. Two
    threads go on with what one began."""
    if not all(stop_after(study, name, seconds, how) for _ in range(times)):
        return None
    told = call(study.command(study.path(name), "-j", "2", "--resume"))
    known = re.search(r"([\d,]+) known from before", told)
    return int(known.group(1).replace(",", "")) if known else 0


def stopped_and_resumed(study, name, times, how):
    """Stopped so early, or so late, that there is something known and something left."""
    seconds = 0.8 * study.seconds / times
    for _ in range(TRIES):
        known = stop_and_resume(study, name, seconds, times, how)
        if known:
            return "%d evaluations resumed" % known
        seconds *= 0.6 if known is None else 1.5
        forget(study, name)
    raise Failure("it could not be stopped on its way in %d tries" % TRIES)


def terminated(study, name, times):
    return stopped_and_resumed(study, name, times, terminate)


def killed(study, name, times):
    return stopped_and_resumed(study, name, times, kill)


def built_otherwise(study, name, program):
    call(study.command(study.path(name), "-q", "-j", "2", program=program))


WAYS = [
    ("2 threads", with_threads, 2),
    ("3 threads", with_threads, 3),
    ("16 threads", with_threads, 16),
    ("2 ranks", with_ranks, 2),
    ("3 ranks", with_ranks, 3),
    ("5 parts", in_parts_viewed, 5),
    ("3 ranks, a part each", a_part_a_rank, 3),
    ("terminated twice", terminated, 2),
    ("killed twice", killed, 2),
    ("no fast-forward", walked_plainly, None),
]
QUICK_WAYS = [
    ("2 threads", with_threads, 2),
    ("16 threads", with_threads, 16),
    ("3 parts", in_parts, 3),
    ("terminated twice", terminated, 2),
]


# ---- The same program, built otherwise -------------------------------------------------------

BUILDS = [("gcc", "-O0"), ("gcc", "-O3"), ("clang", "-O0"), ("clang", "-O3")]


def build_folder(folder, compiler, level):
    return os.path.join(folder, compiler + level)


def build(source, folder, compiler, level):
    if not shutil.which(compiler):
        raise Skipped("there is no " + compiler)
    where = build_folder(folder, compiler, level)
    call(["cmake", "-S", source, "-B", where, "-G", "Ninja", "-DCMAKE_C_COMPILER=" + compiler,
          "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=" + level,
          "-DKPU_BUILD_TESTS=OFF"])
    call(["cmake", "--build", where, "--target", "kpu-dse", "--parallel"])


def build_all(source, folder, own):
    for compiler, level in BUILDS:
        if compiler + level == own:
            continue
        began = time.monotonic()
        try:
            build(source, folder, compiler, level)
            print("%s %s: built, %.0f s" % (compiler, level, time.monotonic() - began), flush=True)
        except Skipped as reason:
            print("%s %s: skipped: %s" % (compiler, level, reason), flush=True)


def build_ways(folder, own):
    """Of the programs that --build left."""
    ways = []
    for compiler, level in BUILDS:
        if compiler + level == own:
            continue
        program = os.path.join(build_folder(folder, compiler, level), "src/tools/kpu-dse")
        if os.path.exists(program):
            ways.append(("%s %s" % (compiler, level), built_otherwise, program))
        else:
            print("skipped: %s %s: it was not built" % (compiler, level))
    return ways


# ---- All of it -------------------------------------------------------------------------------

def try_way(study, reference, number, way):
    """None, or what is wrong."""
    title, run, argument = way
    name = "way-%d" % number
    began = time.monotonic()
    try:
        note = run(study, name, argument)
        difference = compare_results.compare(reference, study.path(name))
    except Skipped as reason:
        print("  skipped: %s: %s" % (title, reason), flush=True)
        return None
    except (Failure, OSError, subprocess.TimeoutExpired) as problem:
        difference = str(problem)
    seconds = time.monotonic() - began
    verdict = "DIFFERS" if difference else "the same"
    print("  %-22s %s, %.1f s%s" % (title, verdict, seconds, ", " + note if not difference and note
                                    else ""), flush=True)
    if difference:
        print("    A is one thread, B %s: %s" % (title, difference), flush=True)
    return difference


def check_study(study, ways):
    """How many ways went wrong."""
    print(study.name, flush=True)
    reference = study.path("one-thread")
    began = time.monotonic()
    try:
        with_threads(study, "one-thread", 1)
    except Failure as problem:
        print("  one thread: %s" % problem)
        return 1
    study.seconds = time.monotonic() - began
    return sum(try_way(study, reference, n, way) is not None for n, way in enumerate(ways))


def is_built_with_mpi(program):
    return "libmpi" in subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True,
                                      check=False).stdout


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="kpu-dse")
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="all without one: %s"
                        % " ".join(STUDIES))
    parser.add_argument("--quick", action="store_true", help="less of everything, in seconds")
    parser.add_argument("--build", metavar="SOURCE", help="only build the programs in --builds")
    parser.add_argument("--builds", metavar="FOLDER", help="programs that were built otherwise")
    parser.add_argument("--own", metavar="NAME", help="how PROGRAM was built: gcc-O3, say")
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.build:
        build_all(arguments.build, arguments.builds, arguments.own)
        return 0
    table = QUICK_STUDIES if arguments.quick else STUDIES
    ways = QUICK_WAYS if arguments.quick else WAYS
    if arguments.builds:
        ways = ways + build_ways(arguments.builds, arguments.own)
    wrong = 0
    for name in arguments.studies or table:
        with tempfile.TemporaryDirectory(prefix="same-bytes-") as folder:
            study = Study(name, table[name], os.path.abspath(arguments.program), folder)
            study.mpi = is_built_with_mpi(study.program)
            wrong += check_study(study, ways)
    print("%d ways, %d wrong" % (len(ways) * len(arguments.studies or table), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
