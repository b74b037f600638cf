"""Results files of kpu-dse as pandas tables. The format: docs/results-file.md.

    import kpu_results
    results = kpu_results.load("results/bert.h5")
    results.frame           one row a candidate; enumerations are categoricals
    results.units["cycles"] "cycle"

Needs h5py, numpy and pandas, nothing of kpu-dse itself.
"""
import difflib
from dataclasses import dataclass, field

import h5py
import numpy as np
import pandas as pd

FORMAT, FORMAT_VERSION = "kpu-dse results", 1
ROW_GROUPS = ("candidates", "metrics")
ONLY_FRONTS = ("exact",)  # searches whose files have the rows of the fronts alone


class ResultsError(Exception):
    """What a person has to read; names the file."""


@dataclass
class Results:
    path: str
    frame: pd.DataFrame      # candidates and metrics, and workload, gemm_name, machine_name
    units: dict              # column -> "B/cycle"
    descriptions: dict       # column -> one sentence
    senses: dict             # column -> "min", "max" or "none"
    workloads: pd.DataFrame  # one row a GEMM; frame.gemm is its index
    machines: pd.DataFrame   # frame.machine is its index
    attributes: dict = field(default_factory=dict)  # of the file: versions, ...


def _text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _column(dataset, rows):
    """One dataset as something that pandas takes."""
    values = dataset[:rows]
    words = h5py.check_enum_dtype(dataset.dtype)
    if words:
        names = sorted(words, key=words.get)
        return pd.Categorical.from_codes(values, names)
    if dataset.dtype.kind in "SO":
        return [_text(value) for value in values]
    return values


def _table(file, name):
    group = file.get(name, {})
    return pd.DataFrame({key: _column(dataset, None) for key, dataset in group.items()})


def _check(file, path):
    if _text(file.attrs.get("format", "")) != FORMAT:
        raise ResultsError(f"{path}: is HDF5, but no results file of kpu-dse")
    version = int(file.attrs.get("format_version", 0))
    if version != FORMAT_VERSION:
        raise ResultsError(f"{path}: is of format version {version}; "
                           f"this module reads version {FORMAT_VERSION}")
    for group in ROW_GROUPS:
        if group not in file:
            raise ResultsError(f"{path}: has no group '{group}'")


def _read(file, path):
    _check(file, path)
    rows = int(file.attrs["rows"])
    columns = {name: dataset for group in ROW_GROUPS for name, dataset in file[group].items()}
    for name, dataset in columns.items():
        if dataset.ndim != 1 or len(dataset) < rows:
            raise ResultsError(f"{path}: column '{name}' is no list of {rows} rows")
    frame = pd.DataFrame({name: _column(dataset, rows) for name, dataset in columns.items()})
    workloads, machines = _table(file, "workloads"), _table(file, "machines")

    def attribute(key):
        return {name: _text(dataset.attrs.get(key, "")) for name, dataset in columns.items()}

    def named(index, table, column):
        texts = table[column].to_numpy()[frame[index].to_numpy()]
        return pd.Categorical(texts, categories=list(dict.fromkeys(table[column])))

    if "gemm" in frame and len(workloads):
        frame["workload"] = named("gemm", workloads, "workload")
        frame["gemm_name"] = named("gemm", workloads, "name")
    if "machine" in frame and len(machines):
        frame["machine_name"] = named("machine", machines, "name")
    return Results(str(path), frame, attribute("unit"), attribute("description"),
                   attribute("sense"), workloads, machines,
                   {key: _text(value) for key, value in file.attrs.items()})


def load(path):
    """Reads the whole file into memory. ResultsError if it is none, or is damaged."""
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path)
    except FileNotFoundError as error:
        raise ResultsError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise ResultsError(f"{path}: is a folder") from error
    except (OSError, KeyError, ValueError, IndexError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResultsError(f"{path}: no results file, or damaged: {reason}") from error


def missing(results, objectives, chosen=False):
    """What the file lacks for a front over these objectives ("" if nothing): not every candidate
    that a run evaluates has a row. chosen: only one machine of several is asked for."""
    attributes = results.attributes
    stored = attributes.get("objectives", "").split(",")
    store = "front" if attributes.get("search") in ONLY_FRONTS else attributes.get("store", "all")
    kind, _, count = store.partition(" ")
    if attributes.get("shards_missing"):
        return f"lacks the parts {attributes['shards_missing']} of the run"
    if attributes.get("complete") == "0":
        return "is of a run that did not end"
    if attributes.get("shard"):
        return f"holds the part {attributes['shard']} of a run"
    if kind == "front" and (chosen or not set(objectives) <= set(stored)):
        return f"holds the fronts of {', '.join(stored)} for each matrix product and nothing else"
    if kind == "top" and (chosen or list(objectives) != stored[:1]):
        return f"holds the {count} best of each matrix product by {stored[0]} and nothing else"
    if kind == "sample":
        return f"holds {count} candidates, drawn of all, and nothing else"
    return ""


def nearest(name, known):
    """", did you mean 'x'?", or the known ones if nothing is near."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f", did you mean '{near[0]}'?" if near else f"; there are: {', '.join(map(str, known))}"


def select(results, **wanted):
    """The feasible rows with column = value for each given one (None: any).

    select(results, workload="bert-base", gemm_name="qkv", machine_name=None)"""
    frame = results.frame
    for column, value in wanted.items():
        if value is None:
            continue
        known = list(frame[column].cat.categories) if column in frame else []
        if value not in known:
            raise ResultsError(f"{results.path}: no {column.replace('_name', '')} '{value}'"
                               + nearest(value, known))
        frame = frame[frame[column] == value]
    if frame.empty:
        raise ResultsError(f"{results.path}: no candidates"
                           + (" of this selection" if any(wanted.values()) else ""))
    feasible = frame[frame["feasible"] == 1]
    if feasible.empty:
        raise ResultsError(f"{results.path}: none of {len(frame)} candidates fits its machine")
    return feasible


def front_mask(values):
    """True where no other row of `values` (all minimised) dominates; equal rows are all kept.

    A row with a NaN never belongs. Exact; sorts once, then compares with the front so far."""
    values = np.asarray(values, dtype=float)
    mask = np.zeros(len(values), dtype=bool)
    usable = np.flatnonzero(~np.isnan(values).any(axis=1))
    unique, inverse = np.unique(values[usable], axis=0, return_inverse=True)  # sorted, too
    kept = np.zeros(len(unique), dtype=bool)
    if values.shape[1] == 1:
        kept[:1] = True
    elif values.shape[1] == 2:
        best = np.minimum.accumulate(unique[:, 1])
        kept[:1] = True
        kept[1:] = unique[1:, 1] < best[:-1]
    else:
        members = np.empty_like(unique)
        count = 0
        for index, row in enumerate(unique):
            if not (members[:count] <= row).all(axis=1).any():
                members[count], kept[index] = row, True
                count += 1
    mask[usable] = kept[inverse.ravel()]
    return mask


def front(results, rows, objectives):
    """The Pareto-optimal of `rows`, by these columns, each in its own sense."""
    columns = []
    for name in objectives:
        if name not in results.senses:
            raise ResultsError(f"{results.path}: no column '{name}'"
                               + nearest(name, [n for n, s in results.senses.items()
                                                if s in ("min", "max")]))
        if results.senses[name] not in ("min", "max"):
            raise ResultsError(f"{results.path}: '{name}' is no objective: "
                               "neither less nor more of it is better")
        values = rows[name].to_numpy(dtype=float)
        columns.append(-values if results.senses[name] == "max" else values)
    return rows[front_mask(np.column_stack(columns))]
