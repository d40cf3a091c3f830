import math
from solution import half


def test_half():
    result = half(3)
    assert math.isclose(result, 1.5)
