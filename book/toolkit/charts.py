"""One look for every plot: the style sheet, one colour for each partner, and the line that names the source.

Importing this module sets the style. What pandas or matplotlib do in a line stays in the cell.
"""

from pathlib import Path

import matplotlib.pyplot as plt

plt.style.use(["default", Path(__file__).with_name("course.mplstyle")])  # whatever the user's own settings are

# From dark to light in the order in which they are stacked, so that they can be told apart in grey; hues that
# differ in red-green blindness too.
COLOURS = {
    "Russia": "#5a1a2b",
    "United States": "#1d4f91",
    "Europe and the West": "#8157a8",
    "China": "#d95c33",
    "Central Asia": "#38ac95",
    "Türkiye and the Turkic states": "#e0ae38",
    "Multilateral": "#c4d0da",
    "Other": "#ece8e1",
    "Verbal cooperation": "#5fa8b5",
    "Material cooperation": "#14505c",
    "Verbal conflict": "#f3b06f",
    "Material conflict": "#b23a1a",
}

QUADCLASSES = {1: "Verbal cooperation", 2: "Material cooperation", 3: "Verbal conflict", 4: "Material conflict"}


def colours(labels):
    """The course's colour of each label, in the order given.

    Parameters
    ----------
    labels : iterable of str
        Groups of the table ``partners`` or names of QuadClasses.

    Returns
    -------
    list of str
        ``#rrggbb`` for each label.

    Raises
    ------
    KeyError
        If a label has no colour.
    """
    return [COLOURS[label] for label in labels]


def finish(ax, title, ylabel, source, columns=4):
    """Give a plot its title, the label of its value axis and the line that names its source.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    title, ylabel, source : str
        ``ylabel`` names the unit.
    columns : int, optional
        Columns of the legend, if the plot has one: fewer where the plot is narrow.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes.
    """
    ax.set(title=title, xlabel="")
    ax.grid(False, axis="x")
    if ax.get_legend():  # pandas puts it over the bars, under the name of a column
        ax.legend(
            *ax.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0, -0.14), ncols=columns, fontsize=9
        )
    if len(labels := ax.get_xticklabels()) > 20:  # a bar for each year: name every fifth
        for label in labels:
            label.set_visible(label.get_text().endswith(("0", "5")))
        ax.tick_params(axis="x", rotation=0)
    ax.set_ylabel(ylabel)
    ax.figure.supxlabel(f"Source: {source}", x=0.01, ha="left", fontsize=8, color="#57514b")
    return ax


def label_bars(ax, smallest=0):
    """Write the value on each bar that is larger than ``smallest``, in the colour that can be read on it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes with bars, one container for each series.
    smallest : float, optional
        Bars up to this value stay unlabelled, in the unit of the axis.
    """
    for bars in ax.containers:
        values = [f"{value:g}" if value > smallest else "" for value in bars.datavalues]
        red, green, blue, _ = bars.patches[0].get_facecolor()
        light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.55
        ax.bar_label(bars, values, label_type="center", fontsize=8, color="#1d1a16" if light else "white")
