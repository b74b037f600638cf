#!/usr/bin/env python3
"""Whether two results files are equal, dataset by dataset: which there are, types, shapes, how they
are stored, every bit of the values, and all attributes, those of the file itself too. Only
/provenance/command_line, which says how the program was called, may differ.

Prints nothing and exits 0 if they are equal; else prints the first difference (--all: every object
that differs) and exits 1. A file that cannot be read is exit code 2."""

import argparse
import sys

import h5py
import numpy

IGNORED = ("/provenance/command_line",)
BLOCK_BYTES = 1 << 24


def type_bytes(kind):
    """All that HDF5 knows of a type: size, order of bytes, padding, words of an enumeration."""
    return kind.encode()


def kind_of(item):
    return "a dataset" if isinstance(item, h5py.Dataset) else "a group"


def bits(array):
    """The array as bytes: a NaN equals itself, 0.0 differs from -0.0. Pieces of another length (of
    a type of variable length) are told apart by their lengths."""
    if array.dtype.hasobject:
        pieces = [value if isinstance(value, bytes) else
                  value.encode() if isinstance(value, str) else numpy.asarray(value).tobytes()
                  for value in array.reshape(-1)]
        return b"".join(len(piece).to_bytes(8, "little") + piece for piece in pieces)
    return numpy.ascontiguousarray(array).tobytes()


def show(value):
    text = repr(value)
    if isinstance(value, (float, numpy.floating)):
        text += " (%s)" % float(value).hex()
    return text if len(text) < 200 else text[:200] + "..."


def first_of(a, b):
    """Index and values where two arrays of one shape and type first differ."""
    for index in numpy.ndindex(a.shape):
        if bits(numpy.asarray(a[index])) != bits(numpy.asarray(b[index])):
            return index, a[index], b[index]
    return (), a, b


def storage(dataset):
    """What decides how the values lie in the file, apart from the place."""
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(n)[:3] for n in range(plist.get_nfilters())]
    layout = plist.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        return "virtual"
    chunk = plist.get_chunk() if layout == h5py.h5d.CHUNKED else None
    fill = plist.fill_value_defined()
    return "layout %d, chunks %s, filters %s, fill value %d" % (layout, chunk, filters, fill)


def attribute_differences(where, a, b):
    names_a, names_b = set(a.attrs), set(b.attrs)
    for name in sorted(names_a ^ names_b):
        yield "%s: attribute %s is only in %s" % (where, name, "A" if name in names_a else "B")
    for name in sorted(names_a & names_b):
        left, right = a.attrs.get_id(name), b.attrs.get_id(name)
        if type_bytes(left.get_type()) != type_bytes(right.get_type()):
            yield "%s: attribute %s has type %s in A, %s in B" % (where, name, left.dtype,
                                                                  right.dtype)
        elif left.shape != right.shape:
            yield "%s: attribute %s has shape %s in A, %s in B" % (where, name, left.shape,
                                                                   right.shape)
        else:
            x, y = a.attrs[name], b.attrs[name]
            if bits(numpy.asarray(x)) != bits(numpy.asarray(y)):
                yield "%s: attribute %s is %s in A, %s in B" % (where, name, show(x), show(y))


def value_difference(where, a, b):
    """Block by block, so that memory does not grow with the file."""
    if a.shape == () or a.shape is None:
        if a.shape is None:
            return None
        x, y = numpy.asarray(a[()]), numpy.asarray(b[()])
        return None if bits(x) == bits(y) else "%s is %s in A, %s in B" % (where, show(a[()]),
                                                                           show(b[()]))
    row_bytes = max(1, a.dtype.itemsize * int(numpy.prod(a.shape[1:], dtype=numpy.int64)))
    rows = max(1, BLOCK_BYTES // row_bytes)
    for start in range(0, a.shape[0], rows):
        x, y = a[start:start + rows], b[start:start + rows]
        if bits(x) != bits(y):
            index, left, right = first_of(x, y)
            index = (index[0] + start,) + index[1:]
            return "%s%s is %s in A, %s in B" % (where, list(int(n) for n in index), show(left),
                                                 show(right))
    return None


def dataset_differences(where, a, b, with_storage):
    if type_bytes(a.id.get_type()) != type_bytes(b.id.get_type()):
        yield "%s has type %s in A, %s in B" % (where, a.dtype, b.dtype)
    elif a.shape != b.shape:
        yield "%s has shape %s in A, %s in B" % (where, a.shape, b.shape)
    else:
        if with_storage and storage(a) != storage(b):
            yield "%s is stored as %s in A, %s in B" % (where, storage(a), storage(b))
        difference = value_difference(where, a, b)
        if difference:
            yield difference


def differences(a, b, where="/", with_storage=True):
    """All of them, one line an object, of two open files or groups."""
    yield from attribute_differences(where, a, b)
    names_a, names_b = set(a), set(b)
    for name in sorted(names_a | names_b):
        path = where.rstrip("/") + "/" + name
        if path in IGNORED:
            continue
        if name not in names_a or name not in names_b:
            yield "%s is only in %s" % (path, "A" if name in names_a else "B")
            continue
        x, y = a[name], b[name]
        if kind_of(x) != kind_of(y):
            yield "%s is %s in A, %s in B" % (path, kind_of(x), kind_of(y))
        elif isinstance(x, h5py.Dataset):
            yield from attribute_differences(path, x, y)
            yield from dataset_differences(path, x, y, with_storage)
        else:
            yield from differences(x, y, path, with_storage)


def compare(path_a, path_b, with_storage=True):
    """The first difference of two files as text, or None. OSError: cannot be read."""
    with h5py.File(path_a, "r") as a, h5py.File(path_b, "r") as b:
        return next(differences(a, b, with_storage=with_storage), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="A.h5")
    parser.add_argument("b", metavar="B.h5")
    parser.add_argument("--all", action="store_true", help="print every difference")
    parser.add_argument("--any-storage", action="store_true",
                        help="chunks, filters and virtual datasets may differ: values count")
    arguments = parser.parse_args()
    try:
        with h5py.File(arguments.a, "r") as a, h5py.File(arguments.b, "r") as b:
            found = False
            for line in differences(a, b, with_storage=not arguments.any_storage):
                print(line)
                found = True
                if not arguments.all:
                    break
    except OSError as error:
        print("%s or %s cannot be read: %s" % (arguments.a, arguments.b, error), file=sys.stderr)
        return 2
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
