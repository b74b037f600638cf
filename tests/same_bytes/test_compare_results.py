#!/usr/bin/env python3
"""The comparer finds a difference of every kind, and none where there is none."""

import os
import sys
import tempfile
import unittest

import h5py
import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare_results  # noqa: E402

WORDS = h5py.enum_dtype({"os": 0, "ws": 1}, basetype="i1")


def write(path):
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "kpu-dse results"
        file.attrs["rows"] = numpy.int64(5)
        cycles = file.create_dataset("metrics/cycles", data=numpy.arange(5, dtype="<i8"),
                                     chunks=(4,), maxshape=(None,), shuffle=True, compression=4)
        cycles.attrs["unit"] = "cycles"
        file["metrics/rate"] = numpy.array([0.0, 1.5, float("nan"), 2.0, 3.0])
        file.create_dataset("candidates/dataflow", data=[0, 1, 0, 1, 0], dtype=WORDS)
        file["workloads/name"] = numpy.array([b"a", b"bc"], dtype="S4")
        file["provenance/seed"] = "1"
        file["provenance/command_line"] = "kpu-dse run a"


def replace(file, name, **how):
    del file[name]
    file.create_dataset(name, **how)


def set_value(name, index, value):
    def change(file):
        file[name][index] = value
    return change


def set_attribute(where, name, value):
    def change(file):
        file[where].attrs[name] = value
    return change


def remake(name, **how):
    return lambda file: replace(file, name, **how)


RATES = [0.0, 1.5, float("nan"), 2.0, 3.0]
CHANGES = {
    "an integer": (set_value("metrics/cycles", 4, 9), "/metrics/cycles[4] is 4 in A, 9 in B"),
    "the last bit": (set_value("metrics/rate", 1, numpy.nextafter(1.5, 2)), "/metrics/rate[1] is"),
    "the sign of zero": (set_value("metrics/rate", 0, -0.0), "/metrics/rate[0] is 0.0"),
    "the payload of a NaN": (
        set_value("metrics/rate", 2, numpy.frombuffer(b"\1\0\0\0\0\0\xf8\x7f", "<f8")[0]),
        "/metrics/rate[2] is"),
    "a word": (set_value("candidates/dataflow", 0, 1), "/candidates/dataflow[0]"),
    "a string": (set_value("workloads/name", 1, b"bd"), "/workloads/name[1]"),
    "a text": (remake("provenance/seed", data="2"), "/provenance/seed is"),
    "the type": (remake("metrics/rate", data=numpy.array(RATES, "<f4")), "/metrics/rate has type"),
    "the order of bytes": (remake("metrics/rate", data=numpy.array(RATES, ">f8")),
                           "/metrics/rate has type"),
    "an enumeration's words": (
        remake("candidates/dataflow", data=[0, 1, 0, 1, 0],
               dtype=h5py.enum_dtype({"os": 0, "is": 1}, basetype="i1")),
        "/candidates/dataflow has type"),
    "the length": (remake("metrics/rate", data=RATES[:4]), "/metrics/rate has shape"),
    "chunks": (remake("metrics/rate", data=RATES, chunks=(2,)), "/metrics/rate is stored"),
    "one dataset more": (lambda file: file.create_dataset("metrics/z", data=1),
                         "/metrics/z is only in B"),
    "one dataset less": (lambda file: file.__delitem__("metrics/rate"),
                         "/metrics/rate is only in A"),
    "a group in place of a dataset": (
        lambda file: (file.__delitem__("metrics/rate"), file.create_group("metrics/rate")),
        "/metrics/rate is a dataset in A"),
    "an attribute of the file": (set_attribute("/", "format", "other"), "/: attribute format is"),
    "an attribute's type": (set_attribute("/", "rows", numpy.int32(5)), "/: attribute rows has"),
    "an attribute's shape": (set_attribute("/", "rows", numpy.array([5])), "/: attribute rows has"),
    "an attribute of a column": (set_attribute("metrics/cycles", "unit", "s"),
                                 "/metrics/cycles: attribute unit is"),
    "an attribute of a group": (set_attribute("metrics", "x", 1),
                                "/metrics: attribute x is only in B"),
    "one attribute less": (lambda file: file.attrs.__delitem__("format"),
                           "/: attribute format is only in A"),
}


class CompareTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.a = os.path.join(self.folder.name, "a.h5")
        self.b = os.path.join(self.folder.name, "b.h5")
        write(self.a)
        write(self.b)

    def tearDown(self):
        self.folder.cleanup()

    def test_equal(self):
        self.assertIsNone(compare_results.compare(self.a, self.b))

    def test_command_line_may_differ(self):
        with h5py.File(self.b, "r+") as file:
            replace(file, "provenance/command_line", data="kpu-dse run a --resume")
        self.assertIsNone(compare_results.compare(self.a, self.b))

    def test_storage_may_differ_on_request(self):
        with h5py.File(self.b, "r+") as file:
            replace(file, "metrics/rate", data=RATES, chunks=(2,))
        self.assertIsNone(compare_results.compare(self.a, self.b, with_storage=False))

    def test_every_difference(self):
        for name, (change, expected) in CHANGES.items():
            with self.subTest(name):
                write(self.b)
                with h5py.File(self.b, "r+") as file:
                    change(file)
                found = compare_results.compare(self.a, self.b)
                self.assertIsNotNone(found, name)
                self.assertTrue(found.startswith(expected), found)

    def test_difference_far_down(self):
        """Beyond the first block that is read."""
        count = compare_results.BLOCK_BYTES // 8 + 10
        for path, last in ((self.a, 1), (self.b, 2)):
            with h5py.File(path, "w") as file:
                data = numpy.zeros(count, "<i8")
                data[-1] = last
                file["x"] = data
        self.assertEqual(compare_results.compare(self.a, self.b),
                         "/x[%d] is 1 in A, 2 in B" % (count - 1))


if __name__ == "__main__":
    unittest.main()
