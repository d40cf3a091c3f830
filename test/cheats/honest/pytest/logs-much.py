# prints a lot and uses logging
import logging
logging.basicConfig(level=10)
def add(a, b):
    logging.info("adding")
    print("x" * 5000)
    return a + b
