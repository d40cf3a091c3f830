# replaces print for good
import builtins
builtins.print = lambda *a, **k: None
def add(a, b):
    print("no")
    return a + b
