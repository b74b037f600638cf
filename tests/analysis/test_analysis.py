#!/usr/bin/python3
"""The scripts of analysis/ on a results file that kpu-dse has just written.

usage: test_analysis.py PROGRAM SOURCE_DIR [unittest options]
"""
import csv
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import h5py
import numpy as np
from matplotlib import image

PROGRAM, SOURCE = (Path(argument).resolve() for argument in sys.argv[1:3])
ANALYSIS = SOURCE / "analysis"
sys.path.insert(0, str(ANALYSIS))
import kpu_results  # noqa: E402 (after the path is known)

SVG = "{http://www.w3.org/2000/svg}"


def run(*command, cwd=None):
    return subprocess.run([str(word) for word in command], cwd=cwd, text=True,
                          capture_output=True, check=False)


def script(name, *arguments):
    return run(sys.executable, ANALYSIS / name, *arguments)


def brute_front(values):
    """The definition of the front, pair by pair."""
    values = np.asarray(values, dtype=float)
    mask = []
    for row in values:
        dominated = ((values <= row).all(axis=1) & (values < row).any(axis=1)).any()
        mask.append(not dominated and not np.isnan(row).any())
    return np.array(mask)


class Case(unittest.TestCase):
    """Has one results file for all."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="kpu-analysis-")
        cls.folder = Path(cls.temporary.name)
        cls.file = cls.folder / "small.h5"
        cls.pictures = cls.folder / "pictures"
        done = run(PROGRAM, "run", SOURCE / "tests/analysis/small.ini", "-o", cls.file, "--quiet")
        if done.returncode != 0:
            raise RuntimeError(f"the sweep failed: {done.stderr}")
        with h5py.File(cls.file) as file:
            cls.columns = {name: column[:] for group in ("candidates", "metrics")
                           for name, column in file[group].items()}
            cls.gemms = [name.decode() for name in file["workloads/name"][:]]
            cls.workloads = [name.decode() for name in file["workloads/workload"][:]]

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def expected_front(self, gemm, *objectives, machine=None):
        """Rows of the front, by the definition and without our module."""
        c = self.columns
        chosen = (c["feasible"] == 1) & (c["gemm"] == gemm)
        if machine is not None:
            chosen &= c["machine"] == machine
        rows = np.flatnonzero(chosen)
        return rows[brute_front(np.column_stack([c[o][rows] for o in objectives]))]

    def draw(self, name, *arguments):
        done = script(name, self.file, "-o", self.pictures, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout


class Pictures(Case):
    def check_png(self, kind, least=(500, 250)):
        pixels = image.imread(self.pictures / f"small-{kind}.png")
        height, width = pixels.shape[:2]
        self.assertGreaterEqual(width, least[0])
        self.assertGreaterEqual(height, least[1])
        painted = (pixels[..., :3] < 0.99).any(axis=2)
        self.assertGreater(painted.mean(), 0.005)
        self.assertLess(painted.mean(), 0.7)
        self.assertGreater(len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)), 20)
        border = np.concatenate([painted[0], painted[-1], painted[:, 0], painted[:, -1]])
        self.assertFalse(border.any(), "something is cut off at the border")

    def check_svg(self, kind, *texts):
        tree = ElementTree.parse(self.pictures / f"small-{kind}.svg")
        drawn = ["".join(element.itertext()).strip() for element in tree.iter(SVG + "text")]
        for text in texts:
            self.assertIn(text, drawn)
        return tree

    def points(self, tree, gemm):
        """Markers of the front of this matrix product."""
        name = f"front {self.workloads[gemm]}/{self.gemms[gemm]}"
        groups = [g for g in tree.iter(SVG + "g") if g.get("id") == name]
        self.assertEqual(len(groups), 1)
        return sum(1 for _ in groups[0].iter(SVG + "use"))

    def test_front(self):
        printed = self.draw("plot_front.py")
        self.check_png("front")
        tree = self.check_svg("front", "cycles", "energy [pJ]", "output-stationary",
                              "weight-stationary", "input-stationary", "Pareto front",
                              "qkv  64×192×64", "scores  32×32×64")
        for gemm, name in enumerate(self.gemms):
            count = len(self.expected_front(gemm, "cycles", "energy_pj"))
            self.assertEqual(self.points(tree, gemm), count)
            self.assertRegex(printed, f"/{name}: {count} of \\d+ candidates on the front")

    def test_front_of_one_product_in_three_objectives(self):
        self.draw("plot_front.py", "--gemm", "scores", "--objectives",
                  "dram_bytes,footprint_bytes,cycles")
        self.check_png("front")
        tree = self.check_svg("front", "dram bytes [B]", "footprint bytes [B]", "cycles")
        self.assertEqual(self.points(tree, 1), len(
            self.expected_front(1, "dram_bytes", "footprint_bytes", "cycles")))

    def test_front_of_one_machine(self):
        self.draw("plot_front.py", "--machine", "minimal")
        tree = self.check_svg("front", "Pareto front")
        self.assertEqual(self.points(tree, 0),
                         len(self.expected_front(0, "cycles", "energy_pj", machine=1)))

    def test_file_of_an_exact_search(self):
        self.run_exact()
        done = script("plot_front.py", self.exact, "-o", self.pictures)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        tree = ElementTree.parse(self.pictures / "exact-front.svg")
        for gemm, name in enumerate(self.gemms):
            count = len(self.expected_front(gemm, "cycles", "dram_bytes", "footprint_bytes"))
            self.assertEqual(self.points(tree, gemm), count)
            self.assertRegex(done.stdout, f"/{name}: {count} of {count} candidates on the front")
        for arguments in (["--objectives", "cycles,energy_pj"], ["--machine", "minimal"]):
            done = script("plot_front.py", self.exact, "-o", self.pictures, *arguments)
            self.assertEqual(done.returncode, 0)
            self.assertIn("candidates that are not in it may belong to this one", done.stderr)

    def test_files_that_lack_rows_say_what(self):
        def note(objectives, chosen=False, **attributes):
            results = kpu_results.Results("x.h5", None, {}, {}, {}, None, None, dict(
                {"objectives": "cycles,energy_pj", "complete": "1"}, **attributes))
            return kpu_results.missing(results, objectives, chosen)
        self.assertEqual(note(["dram_bytes"], store="all"), "")
        self.assertEqual(note(["cycles"], store="front"), "")
        self.assertIn("fronts of cycles, energy_pj", note(["dram_bytes"], store="front"))
        self.assertIn("fronts of cycles, energy_pj", note(["cycles"], True, store="front"))
        self.assertEqual(note(["cycles"], store="top 5"), "")
        self.assertIn("the 5 best", note(["cycles", "energy_pj"], store="top 5"))
        self.assertIn("holds 7 candidates", note(["cycles"], store="sample 7"))
        self.assertIn("part 2/3", note(["cycles"], store="all", shard="2/3"))
        self.assertIn("did not end", note(["cycles"], store="all", complete="0"))
        self.assertIn("lacks the parts 2", note(["cycles"], complete="0", shards_missing="2"))

    def run_exact(self):
        """Of the same space, with other objectives."""
        self.exact = self.folder / "exact.h5"
        done = run(PROGRAM, "run", SOURCE / "tests/analysis/small.ini", "-o", self.exact, "--quiet",
                   "--search", "exact", "--set",
                   "sweep.objectives=cycles, dram_bytes, footprint_bytes")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_roofline(self):
        self.draw("plot_roofline.py")
        self.check_png("roofline")
        tree = self.check_svg("roofline", "arithmetic intensity at DRAM [MAC/B]",
                              "attained [MAC/cycle]", "roof of the machine", "on the front",
                              "edge-ai: 256 MAC/cycle, 266.7 B/cycle",
                              "minimal: 64 MAC/cycle, 100 B/cycle")
        self.assertEqual(self.points(tree, 0), len(self.expected_front(0, "cycles", "energy_pj")))

    def test_stalls(self):
        self.draw("plot_stalls.py")
        self.check_png("stalls")
        self.check_svg("stalls", "share of the cycles [%]", "compute", "drain",
                       "tile, dataflow, cycles")
        front = self.expected_front(0, "cycles", "energy_pj")
        fastest = f"{self.columns['cycles'][front].min():,}"
        text = (self.pictures / "small-stalls.svg").read_text(encoding="utf-8")
        self.assertRegex(text, rf"\d+×\d+×\d+ [owi]s  {fastest}<")
        self.draw("plot_stalls.py", "--operands", "--members", "3")
        self.check_svg("stalls", "compute")

    def test_levels(self):
        self.draw("plot_levels.py")
        self.check_png("levels")
        self.check_svg("levels", "average bandwidth [B/cycle]", "reuse [B below / B above]",
                       "DRAM", "L3", "L2", "L1", "least cycles", "least energy",
                       "others of the front")

    def test_all_draws_everything_and_the_same_each_time(self):
        kinds = ("front", "roofline", "stalls", "levels")
        self.draw("plot_all.py")
        names = [f"small-{kind}.{suffix}" for kind in kinds for suffix in ("png", "svg")]
        first = [(self.pictures / name).read_bytes() for name in names]
        self.draw("plot_all.py")
        for name, before in zip(names, first):
            self.assertEqual((self.pictures / name).read_bytes(), before, name)

    def test_pictures_go_beside_the_file_by_default(self):
        copy = self.folder / "elsewhere" / "copy.h5"
        copy.parent.mkdir()
        shutil.copy(self.file, copy)
        self.assertEqual(script("plot_levels.py", copy).returncode, 0)
        self.assertTrue(copy.with_name("copy-levels.png").exists())


class Module(Case):
    def test_frame(self):
        results = kpu_results.load(self.file)
        frame = results.frame
        self.assertEqual(len(frame), len(self.columns["id"]))
        self.assertEqual(list(frame["dataflow"].cat.categories), ["os", "ws", "is"])
        self.assertEqual(frame["reason"].cat.categories[0], "none")
        self.assertEqual(set(frame["gemm_name"]), {"qkv", "scores"})
        self.assertEqual(list(results.machines["name"]), ["edge-ai", "minimal"])
        self.assertEqual(results.units["cycles"], "cycle")
        self.assertEqual(results.senses["utilisation"], "max")
        self.assertTrue(all(results.descriptions.values()))
        self.assertTrue((frame["feasible"] == (frame["reason"] == "none")).all())
        for name in ("format_version", "library_version", "model_version"):
            self.assertTrue(results.attributes[name], name)
        self.assertEqual(int(results.attributes["rows"]), len(frame))
        self.assertEqual(int(results.attributes["complete"]), 1)

    def test_compute_and_stalls_are_the_cycles(self):
        frame = kpu_results.load(self.file).frame
        stalls = frame[[name for name in frame if name.startswith("stall_")]].sum(axis=1)
        self.assertTrue((frame["compute_cycles"] + stalls == frame["cycles"]).all())

    def test_front_equals_the_definition(self):
        random = np.random.default_rng(1)
        for objectives in range(1, 6):
            for levels in (2, 4, 1000):
                values = random.integers(0, levels, (150, objectives)).astype(float)
                values[random.random(values.shape) < 0.02] = np.nan
                values[random.random(values.shape) < 0.02] = np.inf
                self.assertTrue((kpu_results.front_mask(values) == brute_front(values)).all())
        self.assertEqual(len(kpu_results.front_mask(np.empty((0, 2)))), 0)

    def test_front_follows_the_sense(self):
        results = kpu_results.load(self.file)
        rows = kpu_results.select(results, gemm_name="qkv")
        best = kpu_results.front(results, rows, ["utilisation"])
        self.assertTrue((best["utilisation"] == rows["utilisation"].max()).all())

    def test_front_equals_that_of_the_program(self):
        for objectives in (["cycles", "energy_pj"], ["dram_bytes", "footprint_bytes", "cycles"],
                           ["cycles", "energy_pj", "dram_bytes", "footprint_bytes"]):
            for gemm in range(len(self.gemms)):
                done = run(PROGRAM, "pareto", self.file, "--objectives", ",".join(objectives),
                           "--where", f"gemm == {gemm}", "--format", "csv")
                self.assertEqual(done.returncode, 0, done.stderr)
                ids = [int(row["id"]) for row in csv.DictReader(io.StringIO(done.stdout))]
                expected = self.columns["id"][self.expected_front(gemm, *objectives)]
                self.assertEqual(sorted(ids), sorted(expected))


class Document(Case):
    def test_the_five_lines_work_as_they_stand(self):
        page = (SOURCE / "docs/results-file.md").read_text(encoding="utf-8")
        code = re.search(r"```python\n(.*?)```", page, re.S).group(1)
        self.assertLessEqual(len(code.splitlines()), 5)
        name = re.search(r'"(results/[^"]+)"', code).group(1)
        place = self.folder / "five"
        (place / "results").mkdir(parents=True)
        shutil.copy(self.file, place / name)
        done = run(sys.executable, "-c", code, cwd=place)
        self.assertEqual(done.returncode, 0, done.stderr)
        c = self.columns
        fastest = c["cycles"][c["feasible"] == 1].min()
        first = done.stdout.splitlines()[1].split()
        self.assertEqual(int(first[-1]), fastest)
        self.assertEqual(c["cycles"][int(first[0])], fastest)

    def test_the_page_tells_the_truth(self):
        with h5py.File(self.file) as file:
            self.assertEqual(set(file), {"candidates", "metrics", "workloads", "machines",
                                         "provenance"})
            rows = file.attrs["rows"]
            for group in ("candidates", "metrics"):
                for column in file[group].values():
                    self.assertEqual(column.shape, (rows,))
                    self.assertEqual(column.chunks, (4096,))
                    self.assertEqual((column.shuffle, column.compression, column.fletcher32),
                                     (True, "gzip", True))
                    self.assertLessEqual({"unit", "description", "sense"}, set(column.attrs))
            page = (SOURCE / "docs/results-file.md").read_text(encoding="utf-8")
            for name in file.attrs:
                self.assertIn(f"`{name}`", page)


class Complaints(Case):
    def expect(self, part, *arguments, name="plot_front.py"):
        done = script(name, *arguments)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(part, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def altered(self, alter):
        copy = self.folder / "altered.h5"
        shutil.copy(self.file, copy)
        with h5py.File(copy, "r+") as file:
            alter(file)
        return copy

    def test_files(self):
        self.expect("no such file", self.folder / "missing.h5")
        self.expect("is a folder", self.folder)
        text = self.folder / "text.h5"
        text.write_text("cycles = 4\n")
        self.expect("no results file", text)
        cut = self.folder / "cut.h5"
        cut.write_bytes(self.file.read_bytes()[:9000])
        self.expect("no results file, or damaged", cut)
        self.expect("but no results file of kpu-dse",
                    self.altered(lambda file: file.attrs.pop("format")))
        self.expect("format version 7; this module reads version 1",
                    self.altered(lambda file: file.attrs.modify("format_version", 7)))
        self.expect("has no group 'metrics'", self.altered(lambda file: file.pop("metrics")))
        self.expect("rows", self.altered(lambda file: file.attrs.modify("rows", 10 ** 9)))
        self.expect("cycles", self.altered(lambda file: file.pop("metrics/cycles")))

    def test_selections(self):
        self.expect("no gemm 'qvk', did you mean 'qkv'?", self.file, "--gemm", "qvk")
        self.expect("no machine 'x'; there are: edge-ai, minimal", self.file, "--machine", "x")
        self.expect("no column 'cycle', did you mean 'cycles'?", self.file,
                    "--objectives", "cycle,energy_pj")
        self.expect("'TM' is no objective", self.file, "--objectives", "cycles,TM")
        self.expect("names one twice", self.file, "--objectives", "cycles,cycles")
        self.expect("needs 2 or 3", self.file, "--objectives", "cycles")
        self.expect("--panels", self.file, "--panels", "0")
        self.expect("--members", self.file, "--members", "1", name="plot_stalls.py")
        self.expect("unrecognized arguments: --colour", self.file, "--colour")
        misfit = self.altered(lambda file: file["metrics/feasible"].__setitem__(..., 0))
        self.expect("fits its machine", misfit)

    def test_folders(self):
        self.expect("cannot write", self.file, "-o", self.file)


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:])
