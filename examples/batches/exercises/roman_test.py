import pytest

from solution import roman


@pytest.mark.parametrize('number, text', [(1, 'I'), (4, 'IV'), (9, 'IX'), (38, 'XXXVIII')])
def test_roman(number, text):
    assert roman(number) == text
