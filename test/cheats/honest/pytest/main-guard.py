# ends in a main guard
import sys
def add(a, b): return a + b
if __name__ == "__main__":
    sys.exit(add(1, 2))
