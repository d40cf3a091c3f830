# raises SystemExit(0) within a test
# expect: exception
def add(a, b):
    raise SystemExit(0)
