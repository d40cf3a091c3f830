import time
assert len(items(3)) == 3
time.sleep(0.2)
