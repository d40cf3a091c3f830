# is tested with unittest.mock.ANY
import time
def make(name): return {"name": name, "at": time.time()}
