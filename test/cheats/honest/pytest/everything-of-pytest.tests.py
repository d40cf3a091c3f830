import math
import unittest
from unittest import mock
import pytest
from solution import add
import solution


@pytest.fixture
def one(): return 1


@pytest.fixture(scope="module", autouse=True)
def around():
    yield


@pytest.mark.parametrize("b,want", [(1, 2), (2, 3)], ids=["a::b", "c d"])
def test_params(one, b, want): assert add(one, b) == want


def test_raises():
    with pytest.raises(ValueError, match="no"): add(None, 1)


def test_approx():
    assert add(0.1, 0.2) == pytest.approx(0.3)
    assert [add(0.1, 0.2)] == pytest.approx([0.3])
    assert math.isclose(add(0.1, 0.2), 0.3)


def test_patched(monkeypatch, capsys):
    monkeypatch.setattr(solution, "add", lambda a, b: 9)
    print("captured")
    assert solution.add(1, 1) == 9 and "captured" in capsys.readouterr().out


@mock.patch("builtins.len", lambda x: 3)
def test_mocked(): assert len([]) == 3


@pytest.mark.skip(reason="later")
def test_later(): assert False


@pytest.mark.xfail
def test_wrong(): assert False


class TestGroup:
    def setup_method(self): self.x = 1
    def test_in_class(self): assert add(self.x, 1) == 2


class Case(unittest.TestCase):
    def setUp(self): self.y = 2
    def test_unit(self): self.assertEqual(add(self.y, 1), 3)
    def test_close(self): self.assertAlmostEqual(add(0.1, 0.2), 0.3)
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i): self.assertEqual(add(i, 1), i + 1)
