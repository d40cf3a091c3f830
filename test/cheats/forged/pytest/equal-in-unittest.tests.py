import unittest
from solution import add


class AddCase(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(1, 2), 3)

    def test_list(self):
        self.assertListEqual([add(1, 2)], [3])
