# stops its parent, so that nobody hears of the end
# expect: any
import os, signal
os.kill(os.getppid(), signal.SIGSTOP)
os._exit(0)
