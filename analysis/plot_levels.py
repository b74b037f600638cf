#!/usr/bin/python3
"""Bandwidth and reuse at each level of the memory, of the front's members: the best in each
objective in colour, the others in grey."""
import matplotlib.pyplot as plt

import kpu_plot
from kpu_plot import BLACK, BLUE, GREEN, LIGHT, OPERANDS, ORANGE, PURPLE, RED

LEVELS = ("dram", "l3", "l2", "l1")
BEST_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE)
MARKERS = "osD^v"
PANELS_MAX = 4
BANDWIDTHS = [f"{level}_bandwidth" for level in LEVELS]
REUSES = [f"reuse_{level}_{operand}" for level in LEVELS[1:] for operand in OPERANDS]


def limits(machine):
    """What the engines at DRAM, L3 and L2 can move at most, B/cycle."""
    dma = machine["dram.channels"] * machine["dma.bytes_per_cycle"]
    movers = machine["block_mover.engines"] * machine["block_mover.bytes_per_cycle"]
    streams = (machine["streamer.row_bytes_per_cycle"] + machine["streamer.col_bytes_per_cycle"]
               + 2 * machine["streamer.drain_bytes_per_cycle"])
    return [dma, dma + movers, movers + streams]


def draw_lines(axis, panel, best, columns, joined):
    """Grey lines of the whole front, the best ones over them; `joined` columns at a time."""
    for start in range(0, len(columns), joined):
        places = range(start, start + joined)
        part = columns[start:start + joined]
        axis.plot(places, panel.front[part].drop_duplicates().to_numpy().T, color=LIGHT,
                  linewidth=0.8, zorder=1)
        for (_, row), colour, marker in zip(best.items(), BEST_COLOURS, MARKERS):
            axis.plot(places, [row[c] for c in part], color=colour, linewidth=1.4,
                      marker=marker, markersize=5, zorder=3)
    axis.set_yscale("log")
    axis.grid(False, axis="x")


def draw_bandwidth(results, axis, panel, best):
    draw_lines(axis, panel, best, BANDWIDTHS, len(BANDWIDTHS))
    machines = panel.front["machine"].unique()
    if len(machines) == 1:
        for place, limit in enumerate(limits(results.machines.loc[machines[0]])):
            axis.plot([place - 0.3, place + 0.3], [limit, limit], color=BLACK, linewidth=1.6,
                      solid_capstyle="butt", zorder=2)
    axis.set_xticks(range(len(LEVELS)), [level.upper() for level in LEVELS])
    axis.set_xlim(-0.4, len(LEVELS) - 0.6)
    axis.set_ylabel("average bandwidth [B/cycle]")
    axis.set_title(panel.title, loc="left")
    return len(machines) == 1


def draw_reuse(axis, panel, best):
    draw_lines(axis, panel, best, REUSES, len(OPERANDS))
    axis.set_xticks(range(len(REUSES)), list(OPERANDS) * 3)
    for group, level in enumerate(LEVELS[1:]):
        axis.text(3 * group + 1, -0.12, level.upper(), transform=axis.get_xaxis_transform(),
                  ha="center", va="top", fontsize=9)
        if group:
            axis.axvline(3 * group - 0.5, color=LIGHT, linewidth=0.8)
    axis.set_xlim(-0.5, len(REUSES) - 0.5)
    axis.set_ylabel("reuse [B below / B above]")


def draw(results, arguments):
    names = kpu_plot.objectives(results, arguments, 1, len(BEST_COLOURS))
    panels = kpu_plot.panels(results, arguments, names)
    figure, axes = plt.subplots(len(panels), 2, figsize=(8.2, 2.7 * len(panels) + 0.4),
                                squeeze=False, gridspec_kw={"width_ratios": (1, 1.6)})
    limited = False
    for (left, right), panel in zip(axes, panels):
        best = kpu_plot.best_rows(results, panel, names)
        limited = draw_bandwidth(results, left, panel, best) or limited
        draw_reuse(right, panel, best)
        print(f"{panel.label}: {len(panel.front)} of {len(panel.rows)} candidates on the front")
    handles = [plt.Line2D([], [], color=colour, marker=marker, markersize=5,
                          label=("most " if results.senses[name] == "max" else "least ")
                          + kpu_plot.words_of(results, name))
               for name, colour, marker in zip(names, BEST_COLOURS, MARKERS)]
    handles.append(plt.Line2D([], [], color=LIGHT, label="others of the front"))
    if limited:
        handles.append(plt.Line2D([], [], color=BLACK, linewidth=1.6,
                                  label="limit of the engines"))
    kpu_plot.legend(figure, handles, 5)
    kpu_plot.save(figure, arguments, "levels")


if __name__ == "__main__":
    kpu_plot.main(__doc__, draw, lambda command: command.set_defaults(panels=PANELS_MAX))
