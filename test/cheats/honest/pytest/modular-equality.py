# defines numbers that are equal by their remainder
class Mod:
    def __init__(self, n): self.n = n % 7
    def __eq__(self, other): return (other.n if isinstance(other, Mod) else other % 7) == self.n
    def __lt__(self, other): return self.n < other % 7
def add(a, b): return Mod(a + b)
