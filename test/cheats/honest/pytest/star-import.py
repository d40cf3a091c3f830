# is imported whole by its tests
def add(a, b): return a + b
def sum(values): return functools_sum(values)
from functools import reduce
def functools_sum(values): return reduce(add, values, 0)
