# kills its parent
import os, signal, time
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(1)
def add(a, b): return 0
