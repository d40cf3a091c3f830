# writes files as it works, and reads them again
from pathlib import Path
def add(a, b):
    Path("out").mkdir(exist_ok=True)
    Path("out/a.txt").write_text("x")
    return a + b
