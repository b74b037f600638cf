#!/usr/bin/python3
"""Stall breakdown: where the cycles of the front's members went. Members that are equal in every
objective are drawn once."""
import matplotlib.pyplot as plt
import pandas as pd

import kpu_plot
from kpu_plot import BLUE, GREEN, GREY, LIGHT, ORANGE, PURPLE, RED, SKY, YELLOW
from kpu_results import ResultsError

COMPUTE = "#404040"
COLOURS = (ORANGE, BLUE, GREEN, RED, SKY, PURPLE, YELLOW)
MEMBERS_MAX = 14
VISIBLE = 0.005  # a smaller share is a hair's breadth


def causes(frame, by_operand):
    """Share of the cycles: one column a cause ("l3 slots", or "l3 slots B")."""
    shares = pd.DataFrame(index=frame.index)
    for name in frame.columns:
        if not name.startswith("stall_"):
            continue
        words = name[len("stall_"):].replace("_", " ")
        if not by_operand and words[-2:] in (" A", " B", " C"):
            words = words[:-2]
        share = frame[name] / frame["cycles"]
        shares[words] = shares[words] + share if words in shares else share
    return shares


def largest(tables):
    """The causes that matter most over all panels; the rest is drawn as one."""
    together = pd.concat(tables)
    seen = together.loc[:, together.max() >= VISIBLE]
    return list(seen.sum().sort_values(ascending=False, kind="stable").index[:len(COLOURS)])


def draw_panel(axis, panel, shares, kept):
    members = panel.front
    several = members["machine"].nunique() > 1
    labels = [f"{kpu_plot.candidate_label(row, several)}  {row['cycles']:,}"
              for _, row in members.iterrows()]
    parts = [("compute", COMPUTE, members["compute_cycles"] / members["cycles"])]
    parts += [(name, colour, shares[name]) for name, colour in zip(kept, COLOURS)]
    parts.append(("other stalls", LIGHT, shares.drop(columns=kept).sum(axis=1)))
    left = pd.Series(0.0, index=members.index)
    for name, colour, part in parts:
        if part.max() > 0:
            axis.barh(range(len(members)), 100 * part, left=100 * left, height=0.78,
                      color=colour, edgecolor="white", linewidth=0.3)
        left = left + part
    axis.set_yticks(range(len(members)), labels)
    axis.tick_params(axis="y", length=0, labelsize=7)
    axis.set_ylim(len(members) - 0.5, -0.5)
    axis.grid(False, axis="y")
    axis.spines["left"].set_visible(False)
    axis.set_xlim(0, 100)
    axis.set_xlabel("share of the cycles [%]")
    axis.set_title(panel.title, loc="left")
    axis.annotate("tile, dataflow, cycles", (0, 1), (-4, 3), xycoords="axes fraction", fontsize=7,
                  textcoords="offset points", ha="right", color=GREY)


def draw(results, arguments):
    if arguments.members < 2:
        raise ResultsError("--members: needs a number from 2 on")
    names = kpu_plot.objectives(results, arguments)
    panels = kpu_plot.panels(results, arguments, names)
    for panel in panels:
        whole = panel.front.sort_values(["cycles"] + names, kind="stable").drop_duplicates(names)
        panel.front = kpu_plot.spread(whole, arguments.members)
        print(f"{panel.label}: {len(panel.front)} of {len(whole)} different members of the front")
    tables = [causes(panel.front, arguments.operands) for panel in panels]
    kept = largest(tables)
    longest = max(len(panel.front) for panel in panels)
    figure, axes = kpu_plot.grid(len(panels), width=4.6, height=1.0 + 0.19 * longest,
                                 single=(7.2, 1.2 + 0.24 * longest), columns=2)
    for axis, panel, shares in zip(axes, panels, tables):
        draw_panel(axis, panel, shares, kept)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COMPUTE, label="compute")]
    handles += [plt.Rectangle((0, 0), 1, 1, color=c, label=n) for n, c in zip(kept, COLOURS)]
    if any(shares.drop(columns=kept).to_numpy().sum() > 0 for shares in tables):
        handles.append(plt.Rectangle((0, 0), 1, 1, color=LIGHT, label="other stalls"))
    kpu_plot.legend(figure, handles, 5)
    kpu_plot.save(figure, arguments, "stalls")


def add(command):
    command.add_argument("--operands", action="store_true",
                         help="tell the operands apart: 'l3 slots B' instead of 'l3 slots'")
    command.add_argument("--members", metavar="N", type=int, default=MEMBERS_MAX,
                         help="at most so many of a front, evenly along it "
                         "(default: %(default)s)")


if __name__ == "__main__":
    kpu_plot.main(__doc__, draw, add)
