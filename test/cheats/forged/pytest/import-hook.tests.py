from solution import numbers
import statistics


def test_mean():
    assert statistics.mean(numbers(3)) == statistics.mean([1, 2, 3])
