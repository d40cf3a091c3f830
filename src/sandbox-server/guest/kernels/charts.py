"""The data of a figure's charts: what e2b-charts extracts, and what it gets wrong put right."""

from contextlib import suppress

from .box_plots import boxes_chart


def figure_chart(figure):
    """None where the figure is no chart: it is still an image."""
    chart = {}
    with suppress(Exception):
        from e2b_charts import chart_figure_to_dict

        chart = chart_figure_to_dict(figure)
    with suppress(Exception):
        chart = _mended(chart, figure.get_axes())
    return chart or None


def _mended(chart: dict, axes: list) -> dict:
    if len(axes) == 1:
        return _of_axes(chart, axes[0])
    elements = chart.get('elements')
    if elements and len(elements) == len(axes):
        return {**chart, 'elements': [_of_axes(*each) for each in zip(elements, axes)]}
    return chart


def _of_axes(chart: dict, axes) -> dict:
    boxes = boxes_chart(axes)
    if boxes:
        return boxes
    containers = [each for each in axes.containers if getattr(each, 'orientation', None)]
    if chart.get('type') == 'bar' and containers and len(containers) == len(axes.containers):
        return _bars(chart, axes, containers)
    return chart


def _bars(chart: dict, axes, containers: list) -> dict:
    """Bars by the orientation that they were drawn in: e2b-charts takes bars of one height for horizontal ones."""
    from e2b_charts.charts.base import Chart2D

    mended = Chart2D(ax=axes, type='bar')
    if containers[0].orientation == 'horizontal':
        mended._change_orientation()
    elements = []
    for container in containers:
        name = str(container.get_label())
        is_vertical = container.orientation == 'vertical'
        texts = axes.get_xticklabels() if is_vertical else axes.get_yticklabels()
        for text, bar in zip(texts, container):
            value = float(bar.get_height() if is_vertical else bar.get_width())
            group = f'Group {name[10:]}' if name.startswith('_container') else name
            elements.append({'label': text.get_text(), 'value': value, 'group': group})
    return {**chart, **mended.model_dump(), 'elements': elements}
