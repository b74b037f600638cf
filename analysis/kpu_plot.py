"""What the plotting scripts share: their command line, their look, the files they write."""
import argparse
import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import matplotlib.ticker
import pandas as pd

import kpu_results
from kpu_results import ResultsError

# Okabe and Ito (2008): distinguishable with every common kind of colour blindness.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
GREY, LIGHT = "#8c8c8c", "#d9d9d9"
DATAFLOW_COLOURS = {"os": BLUE, "ws": ORANGE, "is": GREEN}
DATAFLOW_NAMES = {"os": "output-stationary", "ws": "weight-stationary", "is": "input-stationary"}
OPERANDS = "ABC"

STYLE = {
    "figure.dpi": 100, "savefig.dpi": 150, "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#ececec", "grid.linewidth": 0.6,
    "legend.frameon": False, "legend.fontsize": 8,
    # Text stays text, and the same input gives the same bytes.
    "svg.fonttype": "none", "svg.hashsalt": "kpu-dse",
}


class Parser(argparse.ArgumentParser):
    """Bad usage ends like every other error of ours: one line, exit code 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def parser(description):
    result = Parser(description=description)
    result.add_argument("file", metavar="FILE.h5", help="results file of kpu-dse")
    result.add_argument("-o", "--output", metavar="DIR", help="folder of the pictures; the "
                        "default is the folder of FILE")
    result.add_argument("--workload", metavar="NAME", help="only this workload")
    result.add_argument("--gemm", metavar="NAME", help="only this matrix product")
    result.add_argument("--machine", metavar="NAME", help="only this machine")
    result.add_argument("--objectives", metavar="NAME,NAME,...",
                        help="what the front minimises or maximises (default: what the sweep says)")
    result.add_argument("--panels", metavar="N", type=int, default=12,
                        help="at most so many matrix products, the most work first "
                        "(default: %(default)s)")
    return result


def default_objectives(results, least, most):
    """Those of the sweep, as many as a picture has room for."""
    names = results.attributes.get("objectives", "cycles,energy_pj").split(",")[:most]
    for name in ("cycles", "energy_pj"):
        if len(names) < least and name not in names:
            names.append(name)
    return names


def warn_of_missing(results, arguments, names):
    """Only fronts of the sweep's objectives, over all machines, are whole in some files."""
    chosen = arguments.machine and results.machines["name"].nunique() > 1
    missing = kpu_results.missing(results, names, chosen)
    if missing:
        print(f"{results.path}: note: {missing}; candidates that are not in it may belong to this "
              "one", file=sys.stderr)


def objectives(results, arguments, least=1, most=None):
    if arguments.objectives is None:
        names = default_objectives(results, least, most)
    else:
        names = [name.strip() for name in arguments.objectives.split(",") if name.strip()]
    if len(set(names)) != len(names):
        raise ResultsError("--objectives: names one twice")
    if len(names) < least or (most and len(names) > most):
        raise ResultsError(f"--objectives: needs {least}"
                           + (f" or {most}" if most and most > least else
                              "" if most else " or more"))
    warn_of_missing(results, arguments, names)
    return names


class Panel:
    """One matrix product: its feasible rows, and its front."""

    def __init__(self, results, gemm, rows, names):
        shape = results.workloads.loc[gemm]
        self.title = f"{shape['name']}  {shape['M']}×{shape['N']}×{shape['K']}"
        self.label = f"{shape['workload']}/{shape['name']}"
        if results.workloads["workload"].nunique() > 1:
            self.title = f"{shape['workload']}: {self.title}"
        self.work = shape["M"] * shape["N"] * shape["K"] * shape["count"]
        self.rows = rows
        self.front = kpu_results.front(results, rows, names)
        self.distinct = len(self.front.drop_duplicates(names))


def panels(results, arguments, names):
    """The matrix products to draw, in the order of the file."""
    rows = kpu_results.select(results, workload=arguments.workload, gemm_name=arguments.gemm,
                              machine_name=arguments.machine)
    if arguments.panels < 1:
        raise ResultsError("--panels: needs a number from 1 on")
    all_panels = [Panel(results, gemm, group, names)
                  for gemm, group in rows.groupby("gemm", sort=True)]
    busiest = sorted(all_panels, key=lambda panel: -panel.work)[:arguments.panels]
    if len(busiest) < len(all_panels):
        print(f"drawing the {len(busiest)} largest of {len(all_panels)} matrix products; "
              "choose with --gemm, --workload or --panels")
    return [panel for panel in all_panels if panel in busiest]


def grid(count, width=3.4, height=2.8, single=(6.4, 4.4), columns=3):
    """A figure with `count` axes, and no empty ones; of the size `single` if it is one row."""
    one_row = count <= (2 if columns == 2 else 1)
    columns = min(count, columns) if (count, columns) != (4, 3) else 2
    rows = math.ceil(count / columns)
    size = single if one_row else (max(width * columns, 7), height * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    flat = list(axes.flat)
    for axis in flat[count:]:
        axis.remove()
    return figure, flat[:count]


def words_of(results, name):
    """"energy" of energy_pj."""
    unit = results.units.get(name, "").lower()
    return (name[: -len(unit) - 1] if unit and name.endswith("_" + unit) else name).replace("_", " ")


def axis_label(results, name):
    """"energy [pJ]"; no unit where there is none, or where the name says it."""
    unit, words = results.units.get(name, ""), words_of(results, name)
    return words if unit in ("", "1") or words == unit + "s" else f"{words} [{unit}]"


def plain_formatter():
    """A power of ten aside, and no "+8.85e5" that hides the size."""
    formatter = matplotlib.ticker.ScalarFormatter(useOffset=False, useMathText=True)
    formatter.set_powerlimits((-3, 6))
    return formatter


def plain_ticks(axis, which):
    """Few and linear."""
    target = getattr(axis, f"{which}axis")
    target.set_major_formatter(plain_formatter())
    target.set_major_locator(matplotlib.ticker.MaxNLocator(4 if which == "x" else 6))


def log_ticks(axis, which):
    """Powers of ten; where these are few, 2 and 5 times them too."""
    getattr(axis, f"set_{which}scale")("log")
    target = getattr(axis, f"{which}axis")
    low, high = sorted(getattr(axis, f"get_{which}lim")())
    if math.log10(high / low) > 1.9:
        target.set_minor_formatter(matplotlib.ticker.NullFormatter())
        return
    target.set_minor_locator(matplotlib.ticker.LogLocator(subs=(2, 5)))
    target.set_minor_formatter(
        matplotlib.ticker.LogFormatterSciNotation(minor_thresholds=(math.inf, math.inf)))
    target.set_tick_params(which="minor", labelsize=7)


def scale(axis, which, values):
    """Logarithmic if the values span more than a decade."""
    if len(values) and values.min() > 0 and values.max() / values.min() > 10:
        log_ticks(axis, which)
    else:
        plain_ticks(axis, which)


def cloud(axis, panel, x, y):
    """Every feasible candidate, by dataflow. Thousands of points go into the SVG as pixels."""
    dataflow = panel.rows["dataflow"]
    for word in dataflow.cat.categories:
        rows = panel.rows[dataflow == word]
        if len(rows):
            axis.scatter(rows[x], rows[y], s=7, linewidths=0, alpha=0.45, zorder=2,
                         color=DATAFLOW_COLOURS.get(word, PURPLE), rasterized=len(rows) > 500)


def dataflow_handles(all_panels):
    """Legend entries of the dataflows that occur."""
    used = pd.concat([panel.rows["dataflow"] for panel in all_panels]).unique()
    return [plt.Line2D([], [], linestyle="", marker="o", markersize=5,
                       color=DATAFLOW_COLOURS.get(word, PURPLE),
                       label=DATAFLOW_NAMES.get(word, word))
            for word in DATAFLOW_COLOURS if word in used]


def legend(figure, handles, columns=4):
    """One legend for all panels, above them."""
    figure.legend(handles=handles, loc="lower center", ncols=min(columns, len(handles)),
                  bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)


def candidate_label(row, several_machines):
    """"edge-ai  16×32×16 os"."""
    machine = f"{row['machine_name']}  " if several_machines else ""
    return f"{machine}{row['TM']}×{row['TN']}×{row['TK']} {row['dataflow']}"


def best_rows(results, panel, names):
    """The best of the front in each objective: name -> row."""
    best = {}
    for name in names:
        values = panel.front[name]
        best[name] = panel.front.loc[
            values.idxmax() if results.senses[name] == "max" else values.idxmin()]
    return best


def spread(frame, most):
    """At most `most` rows, evenly along the table, both ends among them."""
    if len(frame) <= most:
        return frame
    return frame.iloc[[round(i * (len(frame) - 1) / (most - 1)) for i in range(most)]]


def save(figure, arguments, kind):
    """STEM-KIND.png and .svg."""
    source = Path(arguments.file)
    folder = Path(arguments.output) if arguments.output else source.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            target = folder / f"{source.stem}-{kind}.{suffix}"
            figure.savefig(target, metadata=metadata, bbox_inches="tight", pad_inches=0.1)
            print(target)
    except OSError as error:
        raise ResultsError(f"{error.filename or folder}: cannot write: {error.strerror}") from error


def main(description, draw, add=None):
    """Runs a script: draw(results, arguments)."""
    command = parser(description)
    if add:
        add(command)
    arguments = command.parse_args()
    try:
        with plt.rc_context(STYLE):
            draw(kpu_results.load(arguments.file), arguments)
    except ResultsError as error:
        command.exit(2, f"{command.prog}: error: {error}\n")
