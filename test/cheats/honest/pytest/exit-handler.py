# registers an exit handler
import atexit
atexit.register(print, "bye")
def add(a, b): return a + b
