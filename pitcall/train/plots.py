"""The plots of docs/skill.md, drawn with matplotlib as small SVG files."""

import io
from collections.abc import Mapping, Sequence

from pitcall.backtest.cautions import Bin
from pitcall.errors import PitcallError

#: Inches of one panel; panels in a row.
_PANEL, _ROW = 2.0, 4
#: Of the most forecasts that a dot of the panel rests on, more than this share, at most that one: diameter, points. Few
#: sizes, because the file holds each of them once.
_DOTS = ((0.0, 0.05, 2.0), (0.05, 0.25, 3.5), (0.25, 1.0, 6.0))


def reliability_svg(panels: Mapping[str, Sequence[Bin]]) -> str:
    """One panel per name: what happened over what was said. The same input gives the same bytes.

    Raises:
        PitcallError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415  # behind the extra `train`
        from matplotlib.figure import Figure  # noqa: PLC0415  # the same
    except ImportError as exc:
        raise PitcallError("drawing needs matplotlib: pip install 'pitcall[train]'") from exc
    with mpl.rc_context({"svg.hashsalt": "pitcall", "svg.fonttype": "none", "font.size": 8}):
        rows = -(-len(panels) // _ROW)
        figure = Figure(figsize=(_PANEL * _ROW, _PANEL * rows), layout="constrained")
        axes = figure.subplots(rows, _ROW, squeeze=False, sharex=True, sharey=True)
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        for axis, (name, bins) in zip(axes.flat, panels.items(), strict=False):
            most = max((one.cases for one in bins), default=1)
            axis.plot([0, 1], [0, 1], color="0.75", linewidth=1)
            axis.plot([one.said for one in bins], [one.happened for one in bins], color="#2a6f97", linewidth=1)
            for low, high, size in _DOTS:
                dots = [one for one in bins if low < one.cases / most <= high]
                said, happened = [one.said for one in dots], [one.happened for one in dots]
                axis.plot(said, happened, "o", color="#2a6f97", markersize=size)
            axis.set(title=name.replace("_", " "), xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
            axis.spines[["top", "right"]].set_visible(False)
        figure.supxlabel("said", fontsize=8)
        figure.supylabel("happened", fontsize=8)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
