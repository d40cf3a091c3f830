"""The imports that a zygote pays for once. Missing packages are fine: a smaller template has fewer."""

import importlib.util
import os
import sys

from .environment import SITE_PACKAGES

# Each costs memory in every idle zygote: scipy.stats, seaborn and scikit-learn (90 MB more) stay out.
MODULES = (
    'asyncio', 'json', 'csv', 're', 'random', 'decimal', 'datetime', 'subprocess', 'ssl', 'uuid', 'sqlite3', 'unittest',
    'numpy', 'pandas', 'matplotlib.pyplot', 'e2b_charts', 'pytest', '_pytest.assertion.rewrite', 'coverage', 'pytest_cov.plugin',
)  # fmt: skip


PROGRAMS = '/opt/assay/preload'


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
    for name in sorted(os.listdir(PROGRAMS) if os.path.isdir(PROGRAMS) else ()):
        run_program(os.path.join(PROGRAMS, name), name.removesuffix('.py'))


def run_program(path, name):
    """Runs the operator's own program as a module that every sandbox then has; one that fails is done without."""
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        print(f'the preload program {name} failed: {error!r}', file=sys.stderr)


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
