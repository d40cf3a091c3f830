"""Box plots keep the figures that they were drawn from: what is drawn tells boxes from lines and bars only sometimes."""

import functools

BOXES = '_assay_boxes'


def remember():
    """Has every box plot that is drawn from here on keep its statistics on its axes."""
    from matplotlib.axes import Axes

    draw = Axes.bxp

    @functools.wraps(draw)
    def bxp(self, bxpstats, *args, **kwargs):
        statistics = list(bxpstats)
        drawn = draw(self, statistics, *args, **kwargs)
        self.__dict__.setdefault(BOXES, []).extend(zip(statistics, drawn['boxes'], drawn['medians']))
        return drawn

    Axes.bxp = bxp


def boxes_of(axes) -> list:
    """The statistics of the boxes that are still on the axes."""
    on_axes = set(map(id, axes.lines))
    drawn = [(statistics, box in axes.patches) for statistics, box, median in axes.__dict__.get(BOXES, ()) if id(median) in on_axes]
    # Where both kinds are on one another, the filled ones are the plot, as E2B has it.
    filled = [statistics for statistics, is_filled in drawn if is_filled]
    return filled or [statistics for statistics, _ in drawn]


def with_boxes(chart: dict, figure) -> dict:
    """A chart as it was extracted, with its box plots as they were drawn."""
    axes = figure.get_axes()
    if len(axes) == 1:
        return _chart(axes[0]) or chart
    elements = chart.get('elements')
    if elements and len(elements) == len(axes):
        chart = {**chart, 'elements': [_chart(each) or element for each, element in zip(axes, elements)]}
    return chart


def _chart(axes):
    boxes = boxes_of(axes)
    if not boxes:
        return None
    return {
        'type': 'box_and_whisker',
        'title': axes.get_title() or None,
        'x_label': axes.get_xlabel() or None,
        'y_label': axes.get_ylabel() or None,
        'x_unit': None,
        'y_unit': None,
        'elements': [_element(number, box) for number, box in enumerate(boxes, 1)],
    }


def _element(number: int, box: dict) -> dict:
    return {
        'label': str(box.get('label') or number),
        'min': float(box['whislo']),
        'first_quartile': float(box['q1']),
        'median': float(box['med']),
        'third_quartile': float(box['q3']),
        'max': float(box['whishi']),
        'outliers': [float(value) for value in box.get('fliers', ())],
    }
