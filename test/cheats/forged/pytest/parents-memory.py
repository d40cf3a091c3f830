# opens its parent's memory
# expect: any
import os
open(f"/proc/{os.getppid()}/mem", "rb+")
def add(a, b): return 0
