# compares without looking at what the other is
class Point:
    def __init__(self, x, y): self.x, self.y = x, y
    def __eq__(self, other): return self.x == other.x and self.y == other.y
    def __lt__(self, other): return self.x < other.x
def add(a, b): return a + b
