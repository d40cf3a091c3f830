# is tested with everything that pytest has
def add(a, b):
    if a is None: raise ValueError("no")
    return a + b
