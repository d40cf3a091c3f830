from solution import half


def test_half():
    assert 1.4 < half(3) < 1.6
    assert abs(half(5) - 2.5) <= 1e-9
