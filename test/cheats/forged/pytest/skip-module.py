# skips the whole file
import pytest
pytest.skip("not today", allow_module_level=True)
