# reads every file beside it
import os
def add(a, b):
    for name in os.listdir("."):
        if name.endswith(".txt"): open(name).read()
    return a + b
