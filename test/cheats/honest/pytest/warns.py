# warns at its caller's line
import warnings
def add(a, b):
    warnings.warn("old", DeprecationWarning, stacklevel=2)
    return a + b
