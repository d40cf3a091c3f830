import numpy as np
import pandas as pd
from solution import add, table


def test_arrays():
    assert (add([1, 2], [3, 4]) == np.array([4, 6])).all()
    assert add(1, 2) == 3
    np.testing.assert_allclose(add([0.1], [0.2]), [0.3])
    assert np.allclose(add([0.1], [0.2]), [0.3])
    assert list(add([1, 2], [3, 4])) == [4, 6]


def test_table():
    frame = table()
    assert (frame["a"] == [1, 2]).all()
    assert frame["b"].isna().sum() == 1
    pd.testing.assert_frame_equal(frame, frame.copy())
