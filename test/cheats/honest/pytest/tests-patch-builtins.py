# is tested with built-ins that the tests replace themselves
def ask(): return input("name? ")
def size(path): return len(open(path).read())
