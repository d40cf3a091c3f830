# implements a built-in again
def abs(x): return -x if x < 0 else x
def add(a, b): return abs(a) + abs(b)
