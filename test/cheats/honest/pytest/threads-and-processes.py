# runs threads and processes and waits for them
import threading, subprocess, multiprocessing, sys
def add(a, b):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    with multiprocessing.Pool(2) as pool:
        return sum(pool.map(int, [a, b]))
