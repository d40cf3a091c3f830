"""The IPython shell of the Python kernel: what it displays goes to the kernel's channel, as E2B's template shows it."""

import builtins
import functools
import getpass
import io
import sys
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.formatters import BaseFormatter
from IPython.core.interactiveshell import InteractiveShell
from traitlets import ObjectName, Type, Unicode
from traitlets.config import Config

from . import box_plots, pictures
from .charts import figure_chart
from .display_document import document
from .outlet import outlet

# A table this large is a file, not a display: its `data` would take seconds to carry.
MAX_TABLE_CELLS = 1_000_000


class Hook(DisplayHook):
    """The value of a cell's last expression."""

    def start_displayhook(self):
        pass

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        outlet.result(document(format_dict, True))

    def finish_displayhook(self):
        pass


class Publisher(DisplayPublisher):
    """`display(...)` and figures."""

    def publish(self, data, metadata=None, **_):
        outlet.result(document(data, False))

    def clear_output(self, wait=False):
        pass


class Shell(InteractiveShell):
    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)

    def _showtraceback(self, etype, evalue, stb):
        outlet.error(etype.__name__, str(evalue), '\n'.join(stb))

    def ask_exit(self):
        raise SystemExit

    def system(self, cmd):
        self.system_raw(cmd)

    def enable_gui(self, gui=None):
        pass

    def enable_matplotlib(self, gui=None):
        if gui not in (None, 'auto', 'inline', 'agg'):
            print(f'There is no screen for {gui!r} here: figures are displayed inline.', file=sys.stderr)
        return super().enable_matplotlib('agg' if gui == 'agg' else 'inline')

    @contextmanager
    def _tee(self, channel):
        """Without the copy of all that is printed, which IPython keeps from 9 on."""
        yield

    def init_virtualenv(self):
        pass


class DataFormatter(BaseFormatter):
    format_type = Unicode('e2b/data')
    print_method = ObjectName('_repr_e2b_data_')
    _return_type = (dict, str)


class ChartFormatter(BaseFormatter):
    format_type = Unicode('e2b/chart')
    print_method = ObjectName('_repr_e2b_chart_')
    _return_type = (dict, str)

    def __call__(self, obj):
        # Not by registration: choosing the formats of figures empties every formatter of them.
        figure = sys.modules.get('matplotlib.figure')
        return quiet_chart(obj) if figure and isinstance(obj, figure.Figure) else super().__call__(obj)


class JsonFormatter(BaseFormatter):
    format_type = Unicode('application/json')
    print_method = ObjectName('_repr_json_')
    _return_type = (dict, list)


def no_input(*_args, **_kwargs):
    raise StdinNotImplementedError('input() cannot be answered here: give the code its data in a file or a variable')


def quietly(extract):
    """What an extraction warns of is no business of the cell's."""

    @functools.wraps(extract)
    def quiet(shown):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return extract(shown)

    return quiet


@quietly
def table_data(frame):
    return frame.to_dict(orient='list') if frame.size <= MAX_TABLE_CELLS else None


quiet_chart = quietly(figure_chart)


def build() -> Shell:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.ipython_dir = '/tmp/ipython'
    config.InteractiveShell.colors = 'linux'
    config.InteractiveShell.automagic = True
    shell = Shell.instance(config=config)
    formatters = shell.display_formatter.formatters
    formatters['e2b/data'] = DataFormatter(parent=shell.display_formatter)
    formatters['e2b/chart'] = ChartFormatter(parent=shell.display_formatter)
    formatters['application/json'] = JsonFormatter(parent=shell.display_formatter)
    formatters['application/json'].for_type(dict, lambda value: value)
    formatters['application/json'].for_type(list, lambda value: value)
    formatters['e2b/data'].for_type_by_name('pandas', 'DataFrame', table_data)
    formatters['e2b/data'].for_type_by_name('pandas.core.frame', 'DataFrame', table_data)
    shell.display_formatter.active_types = list(formatters)
    builtins.input = no_input
    getpass.getpass = no_input
    if 'matplotlib' in sys.modules:
        box_plots.remember()
        _inline_figures(shell)
    if 'PIL.Image' in sys.modules:
        pictures.display_pictures()
    _warm_up(shell)
    shell.push(_known_names(), interactive=False)
    return shell


def _known_names() -> dict:
    """What code finds without an import: the names that the start-up files of E2B's interpreter leave, now or in earlier versions."""
    modules = {'os': 'os', 'IPython': 'IPython', 'pandas': 'pandas', 'pd': 'pandas'}
    return {name: sys.modules[module] for name, module in modules.items() if module in sys.modules}


def _inline_figures(shell):
    import matplotlib
    from IPython.core.pylabtools import select_figure_formats
    from matplotlib_inline.backend_inline import configure_inline_support

    backend = 'module://matplotlib_inline.backend_inline'
    matplotlib.use(backend)
    # Figures of a cell are displayed at its end also where nothing shows them.
    matplotlib.interactive(True)
    configure_inline_support(shell, backend)
    select_figure_formats(shell, {'png'})


def _warm_up(shell):
    cells = ['1 + 1', 'raise ValueError("warm-up")', 'import nothing_of_that_name', '1 +']
    if 'pandas' in sys.modules:
        cells.append('import pandas as pd\npd.DataFrame({"a": [1, 2], "b": [0.5, None]})')
    if 'matplotlib' in sys.modules:
        cells.append('import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title("t"); plt.show()')
    outlet.send = lambda *_: None
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            for cell in cells:
                shell.run_cell(cell, store_history=True)
    finally:
        del outlet.send
    shell.reset(new_session=True)
