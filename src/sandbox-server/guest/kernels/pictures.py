"""Pictures that a cell shows or saves to a file are displayed, as in E2B's template. There is no screen to show them on."""

import functools
import os
import sys

from IPython.display import display


def display_pictures():
    from PIL import Image, ImageShow

    def show(image, title=None, **options):
        display(image)
        return True

    write = Image.Image.save

    @functools.wraps(write)
    def save(self, fp, format=None, **params):
        write(self, fp, format, **params)
        # A figure that is saved is displayed as the figure it is.
        by_figure = sys._getframe(1).f_globals.get('__name__', '').startswith('matplotlib.')
        if isinstance(fp, (str, os.PathLike)) and not by_figure:
            display(self)

    ImageShow.show = show
    Image.Image.save = save
