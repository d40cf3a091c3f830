"""The imports that a zygote pays for once. Missing packages are fine: a smaller template has fewer."""

import importlib
import os
import sys

from .environment import SITE_PACKAGES

# Each costs memory in every idle zygote: scipy.stats, seaborn and scikit-learn (90 MB more) stay out.
MODULES = (
    'asyncio', 'json', 'csv', 're', 'random', 'decimal', 'datetime', 'subprocess', 'ssl', 'uuid', 'sqlite3', 'unittest',
    'numpy', 'pandas', 'matplotlib.pyplot', 'e2b_charts', 'pytest', '_pytest.assertion.rewrite', 'coverage', 'pytest_cov.plugin',
)  # fmt: skip


def run():
    os.environ.update(OPENBLAS_NUM_THREADS='1', OMP_NUM_THREADS='1', MPLBACKEND='Agg', HOME='/tmp')
    os.chdir('/tmp')
    sys.path.append(SITE_PACKAGES)
    sys.dont_write_bytecode = True
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    from .kernels import python

    python.preload()


def font_cache():
    """matplotlib's list of fonts as `(file name, bytes)`, made once here: it costs a fresh process a second."""
    module = sys.modules.get('matplotlib')
    if module is None:
        return None
    folder = module.get_cachedir()
    for name in os.listdir(folder or '/nonexistent') if folder and os.path.isdir(folder) else ():
        if name.startswith('fontlist-'):
            with open(os.path.join(folder, name), 'rb') as file:
                return name, file.read()
    return None
