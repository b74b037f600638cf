#!/usr/bin/python3
"""All pictures of a results file: front, roofline, stalls, levels."""
import argparse

import kpu_plot
import plot_front
import plot_levels
import plot_roofline
import plot_stalls


def draw(results, arguments):
    plot_front.draw(results, arguments)
    plot_roofline.draw(results, arguments)
    plot_stalls.draw(results, arguments)
    plot_levels.draw(results, argparse.Namespace(
        **{**vars(arguments), "panels": min(arguments.panels, plot_levels.PANELS_MAX)}))


if __name__ == "__main__":
    kpu_plot.main(__doc__, draw, plot_stalls.add)
