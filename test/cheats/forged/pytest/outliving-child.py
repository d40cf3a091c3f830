# hands the end over to a child that outlives its parent
import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(30)
    os._exit(0)
def add(a, b): return a + b
