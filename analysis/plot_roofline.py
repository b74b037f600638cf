#!/usr/bin/python3
"""Roofline: arithmetic intensity at DRAM against attained MACs per cycle, under what the machine
can do at most."""
import matplotlib.pyplot as plt
import numpy as np

import kpu_plot
from kpu_plot import BLACK, DATAFLOW_COLOURS, PURPLE
from kpu_results import ResultsError

ROOFS_MAX = 4


def roofs(results, rows):
    """Different (peak MAC/cycle, DRAM B/cycle) of the machines of these rows -> a name."""
    found = {}
    for index in sorted(rows["machine"].unique()):
        machine = results.machines.loc[index]
        peak = float(machine["fabric.rows"] * machine["fabric.cols"])
        bandwidth = float(machine["dram.channels"] * machine["dma.bytes_per_cycle"])
        found.setdefault((peak, bandwidth), machine["name"])
    if len(found) > ROOFS_MAX:
        raise ResultsError(f"{results.path}: the machines have {len(found)} different roofs; "
                           "choose one with --machine")
    return found


def draw_roof(axis, limits, roof, name):
    """The slope, the ridge and the flat, each with its number."""
    peak, bandwidth = roof
    ridge = peak / bandwidth
    x = np.array([limits[0], ridge, limits[1]])
    axis.plot(x, np.minimum(peak, bandwidth * x), color=BLACK, linewidth=1.2, zorder=3)
    flat, slope = f"{peak:.4g} MAC/cycle", f"{bandwidth:.4g} B/cycle"
    labels = [(flat, (limits[1], peak), -2), (slope, (ridge, peak), -4)]
    if name:  # one of several: one label, where there is room
        labels = [(f"{name}: {flat}, {slope}", (limits[1], peak), -2)]
    for text, place, shift in labels:
        axis.annotate(text, place, (shift, 3), textcoords="offset points", ha="right",
                      va="bottom", fontsize=7)


def draw_panel(results, axis, panel):
    panel.rows = panel.rows.assign(attained=panel.rows["macs"] / panel.rows["cycles"])
    members = panel.rows.loc[panel.front.index]
    kpu_plot.cloud(axis, panel, "arithmetic_intensity", "attained")
    drawn = axis.scatter(members["arithmetic_intensity"], members["attained"], s=26, zorder=4,
                         linewidths=0.9,
                         color=[DATAFLOW_COLOURS.get(w, PURPLE) for w in members["dataflow"]])
    drawn.set_edgecolor(BLACK)
    drawn.set_gid(f"front {panel.label}")
    found = roofs(results, panel.rows)
    ridges = [peak / bandwidth for peak, bandwidth in found]
    x = panel.rows["arithmetic_intensity"]
    limits = (min(x.min(), min(ridges)) / 10, max(x.max(), max(ridges)) * 3)
    for roof, name in found.items():
        draw_roof(axis, limits, roof, name if len(found) > 1 else "")
    highest = max(peak for peak, _ in found)
    axis.set_xlim(limits)
    axis.set_ylim(min(panel.rows["attained"].min() / 2, highest / 50), highest * 2.5)
    kpu_plot.log_ticks(axis, "x")
    kpu_plot.log_ticks(axis, "y")
    axis.set_xlabel("arithmetic intensity at DRAM [MAC/B]")
    axis.set_ylabel("attained [MAC/cycle]")
    axis.set_title(panel.title, loc="left")


def draw(results, arguments):
    panels = kpu_plot.panels(results, arguments, kpu_plot.objectives(results, arguments))
    figure, axes = kpu_plot.grid(len(panels))
    for axis, panel in zip(axes, panels):
        draw_panel(results, axis, panel)
        print(f"{panel.label}: {len(panel.front)} of {len(panel.rows)} candidates on the front")
    handles = kpu_plot.dataflow_handles(panels)
    handles += [plt.Line2D([], [], linestyle="", marker="o", markersize=5, markerfacecolor="white",
                           markeredgecolor=BLACK, label="on the front"),
                plt.Line2D([], [], color=BLACK, linewidth=1.2, label="roof of the machine")]
    kpu_plot.legend(figure, handles, 5)
    kpu_plot.save(figure, arguments, "roofline")


if __name__ == "__main__":
    kpu_plot.main(__doc__, draw)
