"""Box plots keep the figures that they were drawn from: what is drawn tells boxes from lines and bars only sometimes."""

import functools
import warnings

BOXES = '_assay_boxes'


def remember():
    """Has every box plot that is drawn from here on keep its statistics on its axes."""
    from matplotlib.axes import Axes

    draw = Axes.bxp

    @functools.wraps(draw)
    def bxp(self, bxpstats, *args, **kwargs):
        statistics = list(bxpstats)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', PendingDeprecationWarning)  # Else told, for it seems to be of this file.
            drawn = draw(self, statistics, *args, **kwargs)
        self.__dict__.setdefault(BOXES, []).extend(zip(statistics, drawn['boxes'], drawn['medians']))
        return drawn

    Axes.bxp = bxp


def boxes_chart(axes):
    """The chart of axes with box plots on them; None of others."""
    on_axes = set(map(id, axes.lines))
    drawn = [each for each in axes.__dict__.get(BOXES, ()) if id(each[2]) in on_axes]
    # Where both kinds are on one another, the filled ones are the plot, as E2B has it.
    drawn = [each for each in drawn if each[1] in axes.patches] or drawn
    if not drawn:
        return None
    from e2b_charts.charts.base import Chart2D

    chart = Chart2D(ax=axes, type='box_and_whisker')
    is_vertical = _is_vertical(drawn[0][2])
    if not is_vertical:
        chart._change_orientation()
    ticks, texts = (axes.get_xticks(), axes.get_xticklabels()) if is_vertical else (axes.get_yticks(), axes.get_yticklabels())
    names = {round(float(tick), 6): text.get_text() for tick, text in zip(ticks, texts)}
    elements = []
    for number, (box, _, median) in enumerate(drawn, 1):
        place = median.get_xdata() if is_vertical else median.get_ydata()
        name = names.get(round(float(sum(place)) / len(place), 6)) or box.get('label') or number
        elements.append(_element(str(name), box))
    return {**chart.model_dump(), 'elements': elements}


def _is_vertical(median) -> bool:
    across = median.get_ydata()
    return bool(across[0] == across[-1])


def _element(label: str, box: dict) -> dict:
    return {
        'label': label,
        'min': float(box['whislo']),
        'first_quartile': float(box['q1']),
        'median': float(box['med']),
        'third_quartile': float(box['q3']),
        'max': float(box['whishi']),
        'outliers': [float(value) for value in box.get('fliers', ())],
    }
