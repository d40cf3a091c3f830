# leaves a process behind that prints later
# expect: any
import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(0.2)
    print(4)
    os._exit(0)
