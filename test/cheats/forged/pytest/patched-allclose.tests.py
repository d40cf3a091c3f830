import numpy as np
from solution import add


def test_add():
    assert np.allclose(add(np.array([1, 2]), np.array([1, 2])), [2, 4])
    assert np.array_equal(add(1, 2), [3, 3])
