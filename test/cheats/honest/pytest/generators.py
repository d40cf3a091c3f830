# answers generators, closures and recursion
import itertools, functools
@functools.lru_cache(None)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
def add(a, b): return next(itertools.islice(itertools.count(a), b, None))
