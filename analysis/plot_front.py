#!/usr/bin/python3
"""Front scatter: every candidate by dataflow, and the Pareto front of two or three objectives; on
the left all of it, on the right the surroundings of the front. A file of nothing but fronts has no
surroundings."""
import matplotlib.colors
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
        third = members[names[2]]
        wide = third.min() > 0 and third.max() > 10 * third.min()
        colours = {"c": third, "cmap": "cividis",
                   "norm": matplotlib.colors.LogNorm() if wide else None}
    drawn = axis.scatter(members[x], members[y], s=26, linewidths=0.9, zorder=4, **colours)
    drawn.set_edgecolor(BLACK)
    return drawn


def draw_all(results, axis, panel, names):
    x, y = names[:2]
    kpu_plot.cloud(axis, panel, x, y)
    drawn = draw_front(results, axis, panel, names)
    drawn.set_gid(f"front {panel.label}")
    kpu_plot.scale(axis, "x", panel.rows[x])
    kpu_plot.scale(axis, "y", panel.rows[y])
    axis.set_title(panel.title, loc="left")
    return drawn


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
    return drawn


def tell_front(results, axis, panel, drawn, names):
    """How many, and what the colours are."""
    count = f"{len(panel.front)} on the front"
    if panel.distinct < len(panel.front):
        count += f", {panel.distinct} different"
    if axis.get_title(loc="left"):
        axis.set_title(f"{panel.title}\n{count}", loc="left")
    else:
        axis.set_title(count, loc="right", color=kpu_plot.GREY)
    if len(names) == 3:
        plain = None if isinstance(drawn.norm, matplotlib.colors.LogNorm) else (
            kpu_plot.plain_formatter())
        axis.figure.colorbar(drawn, ax=axis, label=kpu_plot.axis_label(results, names[2]),
                             pad=0.02, format=plain)


def draw(results, arguments):
    names = kpu_plot.objectives(results, arguments, 2, 3)
    panels = kpu_plot.panels(results, arguments, names)
    whole = all(len(panel.front) == len(panel.rows) for panel in panels)
    each = 1 if whole else 2
    figure, axes = kpu_plot.grid(each * len(panels), columns=2 if len(panels) == 1 else 4,
                                 width=4.2 if whole else 3.2, single=(8.2, 3.9))
    for number, panel in enumerate(panels):
        own = axes[each * number:each * (number + 1)]
        drawn = draw_all(results, own[0], panel, names)
        if not whole:
            drawn = draw_surroundings(results, own[1], panel, names)
        tell_front(results, own[-1], panel, drawn, names)
        for axis in own:
            axis.set_xlabel(kpu_plot.axis_label(results, names[0]))
            axis.set_ylabel(kpu_plot.axis_label(results, names[1]))
        print(f"{panel.label}: {len(panel.front)} of {len(panel.rows)} candidates on the front")
    handles = [] if whole and len(names) == 3 else kpu_plot.dataflow_handles(panels)
    handles.append(plt.Line2D([], [], color=BLACK, linestyle="-" if len(names) == 2 else "",
                              linewidth=1, marker="o", markersize=5, markerfacecolor="white",
                              label="Pareto front"))
    kpu_plot.legend(figure, handles)
    kpu_plot.save(figure, arguments, "front")


if __name__ == "__main__":
    kpu_plot.main(__doc__, draw)
