# ends by a segmentation fault
# expect: exception
import os, signal
os.kill(os.getpid(), signal.SIGSEGV)
