"""`python /opt/assay/guest`: loads this folder as the package `assay_guest` and runs the zygote.

A package under its own name, so that no module of the guest ever shadows one that user code imports.
"""

import importlib.util
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
# Nor the packages of the interpreter's own folder: a template's are its own.
foreign = ('site-packages', 'dist-packages')
sys.path = [path for path in sys.path if os.path.abspath(path or '.') != here and not path.endswith(foreign)]
spec = importlib.util.spec_from_file_location(
    'assay_guest', os.path.join(here, '__init__.py'), submodule_search_locations=[here]
)
package = importlib.util.module_from_spec(spec)
sys.modules['assay_guest'] = package
spec.loader.exec_module(package)
importlib.import_module('assay_guest.zygote').main()
