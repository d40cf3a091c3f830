import re
import unicodedata


def slugify(title: str, longest: int = 60) -> str:
    """Turn a title into something that fits into a URL."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if len(slug) <= longest:
        return slug
    cut = slug[: longest + 1].rfind("-")
    return slug[: cut if cut > 0 else longest]
