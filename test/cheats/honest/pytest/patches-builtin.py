# patches a built-in that tests lean on, and puts it back within a call
import builtins
def add(a, b):
    old = builtins.len
    builtins.len = lambda x: 7
    try:
        return a + b
    finally:
        builtins.len = old
