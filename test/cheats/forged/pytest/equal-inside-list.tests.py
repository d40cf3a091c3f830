from solution import pair


def test_pair():
    assert pair(1, 2) == [2, 1]
    assert len(pair(1, 2)) == 2
