# changes folder and environment
import os
os.environ["TZ"] = "UTC"
os.makedirs("deep/down", exist_ok=True)
def add(a, b):
    os.chdir("/tmp")
    return a + b
