# sets a profile function for all threads
import sys
sys.setprofile(lambda *a: None)
def add(a, b): return 0
