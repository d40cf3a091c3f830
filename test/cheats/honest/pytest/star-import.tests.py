from solution import *


def test_sum():
    assert sum([1, 2, 3]) == 6
    assert add(1, 2) == 3
