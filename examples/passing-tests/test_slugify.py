import pytest
from solution import slugify


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("  Crème brûlée  ", "creme-brulee"),
        ("a/b\\c", "a-b-c"),
        ("", ""),
    ],
)
def test_plain_titles(title, slug):
    assert slugify(title) == slug


def test_long_titles_are_cut_between_words():
    assert slugify("one two three", longest=9) == "one-two"


def test_a_single_long_word_is_cut_anywhere():
    assert slugify("abcdefghij", longest=4) == "abcd"
