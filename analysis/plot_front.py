#!/usr/bin/python3
"""Front scatter: every candidate by dataflow, and the Pareto front of two or three objectives; on
the left all of it, on the right the surroundings of the front."""
import matplotlib.pyplot as plt

import kpu_plot
from kpu_plot import BLACK, DATAFLOW_COLOURS, PURPLE

MARGIN = 0.25  # of the front's extent, around it


def draw_front(results, axis, panel, names):
    """Two objectives: a staircase. Three: the front has no line, its colour is the third."""
    x, y = names[:2]
    members = panel.front.sort_values([x, y], kind="stable")
    if len(names) == 2:
        step = "post" if results.senses[x] == "min" else "pre"
        axis.step(members[x], members[y], where=step, color=BLACK, linewidth=1, zorder=3)
        colours = {"color": [DATAFLOW_COLOURS.get(w, PURPLE) for w in members["dataflow"]]}
    else:
        colours = {"c": members[names[2]], "cmap": "cividis"}
    drawn = axis.scatter(members[x], members[y], s=26, linewidths=0.9, zorder=4, **colours)
    drawn.set_edgecolor(BLACK)
    return drawn


def draw_all(results, axis, panel, names):
    x, y = names[:2]
    kpu_plot.cloud(axis, panel, x, y)
    draw_front(results, axis, panel, names).set_gid(f"front {panel.label}")
    kpu_plot.scale(axis, "x", panel.rows[x])
    kpu_plot.scale(axis, "y", panel.rows[y])
    axis.set_title(panel.title, loc="left")


def window(values):
    """A little more than the values span, more towards the dominated side of either sense."""
    low, high = values.min(), values.max()
    margin = MARGIN * (high - low) or 0.02 * abs(high) or 1
    return low - margin, high + margin


def draw_surroundings(results, axis, panel, names):
    x, y = names[:2]
    kpu_plot.cloud(axis, panel, x, y)
    drawn = draw_front(results, axis, panel, names)
    axis.set_xlim(window(panel.front[x]))
    axis.set_ylim(window(panel.front[y]))
    kpu_plot.plain_ticks(axis, "x")
    kpu_plot.plain_ticks(axis, "y")
    count = f"{len(panel.front)} on the front"
    if panel.distinct < len(panel.front):
        count += f", {panel.distinct} different"
    axis.set_title(count, loc="right", color=kpu_plot.GREY)
    if len(names) == 3:
        axis.figure.colorbar(drawn, ax=axis, label=kpu_plot.axis_label(results, names[2]),
                             pad=0.02, format=kpu_plot.plain_formatter())


def draw(results, arguments):
    names = kpu_plot.objectives(arguments, 2, 3)
    panels = kpu_plot.panels(results, arguments, names)
    figure, axes = kpu_plot.grid(2 * len(panels), columns=2 if len(panels) == 1 else 4,
                                 width=3.2, single=(8.2, 3.9))
    for left, right, panel in zip(axes[::2], axes[1::2], panels):
        draw_all(results, left, panel, names)
        draw_surroundings(results, right, panel, names)
        for axis in (left, right):
            axis.set_xlabel(kpu_plot.axis_label(results, names[0]))
            axis.set_ylabel(kpu_plot.axis_label(results, names[1]))
        print(f"{panel.label}: {len(panel.front)} of {len(panel.rows)} candidates on the front")
    handles = kpu_plot.dataflow_handles(panels)
    handles.append(plt.Line2D([], [], color=BLACK, linestyle="-" if len(names) == 2 else "",
                              linewidth=1, marker="o", markersize=5, markerfacecolor="white",
                              label="Pareto front"))
    kpu_plot.legend(figure, handles)
    kpu_plot.save(figure, arguments, "front")


if __name__ == "__main__":
    kpu_plot.main(__doc__, draw)
