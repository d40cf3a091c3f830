# makes classes and functions by exec
from collections import namedtuple
from dataclasses import dataclass
P = namedtuple("P", "a b")
@dataclass
class Q:
    a: int
space = {}
exec("def add(a, b): return a + b", space)
add = space["add"]
