from solution import factors


def test_factors():
    assert 3 in factors(12)
    assert 4 in factors(12)
