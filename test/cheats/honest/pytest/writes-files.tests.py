from pathlib import Path
from solution import add


def test_file(tmp_path):
    assert add(1, 2) == 3
    (tmp_path / "x").write_text("y")
    assert Path("out/a.txt").read_text() == "x"
