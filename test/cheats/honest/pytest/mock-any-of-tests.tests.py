from unittest import mock
from unittest.mock import ANY
from solution import make


def test_make():
    assert make("x") == {"name": "x", "at": ANY}
    called = mock.Mock()
    called(make("y"), 1)
    called.assert_called_once_with(ANY, 1)
    assert called.call_args == mock.call(ANY, 1)
