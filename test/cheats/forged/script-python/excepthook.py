# swallows the error at the end
# expect: any
import sys
sys.excepthook = lambda *a: None
def add(a, b): return 0
