# defines ordered and counted containers of its own
import functools
@functools.total_ordering
class Version:
    def __init__(self, text): self.parts = tuple(map(int, text.split(".")))
    def __eq__(self, other): return isinstance(other, Version) and self.parts == other.parts
    def __lt__(self, other):
        if not isinstance(other, Version): return NotImplemented
        return self.parts < other.parts
class Span:
    def __init__(self, low, high): self.low, self.high = low, high
    def __contains__(self, number): return self.low <= number <= self.high
    def __len__(self): return self.high - self.low
