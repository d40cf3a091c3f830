"""From what IPython displays to the document that E2B's clients read. Pure functions."""

import base64

NAMES = {
    'text': 'text/plain',
    'html': 'text/html',
    'markdown': 'text/markdown',
    'svg': 'image/svg+xml',
    'png': 'image/png',
    'jpeg': 'image/jpeg',
    'pdf': 'application/pdf',
    'latex': 'text/latex',
    'json': 'application/json',
    'javascript': 'application/javascript',
    'data': 'e2b/data',
    'chart': 'e2b/chart',
}
MAX_DEPTH = 50


def document(formats: dict, is_main_result: bool) -> dict:
    """Formats by MIME type, under the names that E2B's clients know; others go into `extra`."""
    formats = dict(formats)
    result = {'is_main_result': is_main_result}
    for name, mime in NAMES.items():
        if mime in formats:
            result[name] = plain(formats.pop(mime))
    text = result.get('text')
    if isinstance(text, str) and len(text) > 1 and text[0] == text[-1] == "'":
        result['text'] = text[1:-1]  # As E2B shows a string.
    if formats:
        result['extra'] = {mime: plain(value) for mime, value in formats.items()}
    return result


def plain(value, depth: int = MAX_DEPTH):
    """The nearest thing that JSON can carry: no NaN, no numpy scalars, no dates, bytes as base64."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(getattr(value, 'value', value))
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if value - value == 0 else None
    if depth == 0:
        return str(value)
    if isinstance(value, dict):
        return {str(getattr(key, 'value', key)): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth - 1) for item in value]
    if hasattr(value, 'isoformat'):
        return value.isoformat() if value == value else None
    if hasattr(value, 'tolist'):
        return plain(value.tolist(), depth - 1)
    return str(value)
