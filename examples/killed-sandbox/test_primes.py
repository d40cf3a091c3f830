from solution import primes


def test_first_primes():
    assert primes(20) == [2, 3, 5, 7, 11, 13, 17, 19]


def test_nothing_below_two():
    assert primes(2) == []
