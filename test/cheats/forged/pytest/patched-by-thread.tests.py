import time
from solution import items


def test_items():
    found = items(3)
    assert len(found) == 3
    time.sleep(0.2)
