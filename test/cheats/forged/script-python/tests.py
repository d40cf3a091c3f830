def check(candidate):
    expected = 3
    assert candidate(1, 2) == expected
    assert candidate(2, 2) == 4


check(add)
