# opens its own memory
try:
    open("/proc/self/mem", "rb")
except OSError:
    pass
def add(a, b): return 0
