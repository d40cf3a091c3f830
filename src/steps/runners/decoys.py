# In the child: values much like another, none of them equal to it.

# What is copied to another object that is equal.
COPIED = (str, bytes, float, list, tuple, dict, set, frozenset, int)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Decoys:
    def __init__(self):
        self.random = random.SystemRandom()

    def number(self, below):
        return self.random.randrange(below)

    def of(self, partner):
        """Fresh values of the partner's kind."""
        kind, number = type(partner), self.number
        if kind is bool:
            return [not partner]
        if kind is float and partner - partner != 0:  # Infinite, or not a number: whatever is added to it is the same.
            partner = 0.5
        if kind is int:
            # Two neighbours each, or what counts in remainders of two could agree with most of them.
            sizes = [number(step) + 1 for step in (1, 9, 40, 200, 900)]
            near = [partner + sign * (size + more) for size in sizes for more in (0, 1) for sign in (1, -1)]
            return [*near, partner * 3 + 17 + number(5), -partner - 5 - number(5)]
        if kind is float:
            return [partner + sign * (number(step) + 0.37) for step in (1, 3, 9, 40, 200, 900) for sign in (1, -1)] + [partner * 3 + 17.3]
        if kind is str or kind is bytes:
            texts = ["".join(self.random.choice(LETTERS) for _ in range(size)) for size in (len(partner) or 5, 1, 3, 8, 20, 60)]
            return [text for text in (texts if kind is str else [text.encode() for text in texts]) if text != partner]
        if kind is list or kind is tuple:
            return [kind([number(1 << 60)] * size) for size in (len(partner) or 1, 1, 2, len(partner) + 1)]
        if kind is dict:
            return [{number(1 << 60): number(1 << 60) for _ in range(size)} for size in (len(partner) or 1, 1, 3)]
        if kind is set or kind is frozenset:
            return [kind(number(1 << 60) for _ in range(size)) for size in (len(partner) or 1, 1, 3)]
        if called(kind).startswith("Approx") and type(getattr(partner, "expected", None)) in (int, float):
            return [kind(decoy, rel=partner.rel, abs=partner.abs, nan_ok=partner.nan_ok) for decoy in self.of(partner.expected)]
        if called(kind) == "ndarray" and is_array(partner) and partner.dtype.kind in "iuf":
            return [partner + 1 + number(step) for step in (1, 3, 9, 40, 200)]
        return [object(), number(1 << 60), str(number(1 << 60))]

    def near(self, partner):
        """Other values that differ in one place only."""
        kind = type(partner)
        if kind in (int, float):
            return self.of(partner)
        if kind is str:
            return [self.with_letter(partner, at) for at in self.places(partner)] or list(LETTERS[:3])
        if kind in (list, tuple):
            return [kind(self.with_item(list(partner), at)) for at in self.places(partner)] or [kind([self.number(9)] * 2), kind([1])]
        if kind is dict:
            keys = list(partner)
            return [{**partner, keys[at]: self.other(partner[keys[at]])} for at in self.places(keys)]
        if home_of(kind) == "datetime" and hasattr(kind, "today"):
            import datetime

            return [partner + datetime.timedelta(days=self.number(400) + 1) for _ in range(4)]
        if called(kind) in ("Decimal", "Fraction"):
            return [partner + self.number(step) + 1 for step in (1, 3, 9, 40, 200, 900)]
        return []

    def places(self, partner):
        return self.random.sample(range(len(partner)), min(4, len(partner))) * 3

    def with_letter(self, text, at):
        return text[:at] + self.random.choice([letter for letter in LETTERS if letter != text[at].lower()]) + text[at + 1 :]

    def with_item(self, items, at):
        items[at] = self.other(items[at])
        return items

    def other(self, value):
        """Far from the value, so that two of them hardly meet what it is compared with."""
        return self.number(1 << 60) if type(value) is bool else self.random.choice(self.of(value)[-3:] or [object()])

    def copy(self, partner):
        kind = type(partner)
        if kind is str or kind is bytes:
            return kind().join([partner[:1], partner[1:]])
        if kind is int:
            return int(str(partner)) if abs(partner) < 1 << 60 else partner
        return kind(list(partner)) if kind in (list, tuple, set, frozenset) else dict(partner) if kind is dict else partner
