# uses ctypes numbers and signals
import ctypes, signal
signal.signal(signal.SIGALRM, lambda *a: None)
def add(a, b): return ctypes.c_int32(a + b).value
