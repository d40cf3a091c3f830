# patches time and puts it back within a call
import time
def add(a, b):
    old, time.time = time.time, lambda: 0
    try:
        return a + b + int(time.time())
    finally:
        time.time = old
