try:
    leave()
except SystemExit as error:
    assert error.code == 3
else:
    raise AssertionError("it did not end")
