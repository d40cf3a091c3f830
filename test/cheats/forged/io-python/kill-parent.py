# kills its parent
# expect: any
import os, signal
os.kill(os.getppid(), signal.SIGKILL)
print(3)
