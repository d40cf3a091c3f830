# asks for the name of its caller's module, as factories do
import sys
def add(a, b):
    assert sys._getframe(1).f_globals.get("__name__")
    return a + b
