# defines an equality of its own
class Money:
    def __init__(self, n): self.n = n
    def __eq__(self, o): return self.n == getattr(o, "n", o)
def add(a, b): return Money(a + b)
