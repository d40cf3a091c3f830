import builtins
import json
from unittest.mock import mock_open, patch
from solution import ask, size


def test_ask(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: "Ada")
    assert ask() == "Ada"


def test_size(monkeypatch):
    with patch("builtins.open", mock_open(read_data="abc")):
        assert size("x") == 3
    monkeypatch.setattr(builtins, "len", lambda x: 9)
    monkeypatch.setattr(json, "dumps", lambda x: "patched")
    assert len([]) == 9
    assert json.dumps([]) == "patched"
