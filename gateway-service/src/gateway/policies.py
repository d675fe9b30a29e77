"""What browsers are told about our answers: which of them may run, frame or keep what."""

import re
from urllib.parse import urlsplit

# Nothing but a page has any business to load, run or frame something: for the rare case that a browser shows it.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
# What callers and models made, shown on its own: it can neither run anything nor act in our name.
CONTENT_POLICY = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
)
# The list of addresses: text and one style sheet.
DOCS_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

ANSWER_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
PAGE_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-cache",
}
HTTPS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}

# What may be shown in place; everything else is saved. No type of these can carry a script.
_SHOWN = re.compile(r"image/(png|jpeg|gif|webp|avif)|video/[a-z0-9.+-]+|audio/[a-z0-9.+-]+")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")


def page_policy(storage_origin: str) -> str:
    """The page's Content-Security-Policy; pictures and films come from `storage_origin`, or with "" from here."""
    stored = f" {storage_origin}" if storage_origin else ""
    return (
        "default-src 'self'; "
        f"img-src 'self' data: blob:{stored}; media-src 'self' blob:{stored}; connect-src 'self'{stored}; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def origin_of(url: str) -> str:
    """Scheme, host and port of an address; "" if it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.scheme and parts.netloc else ""


def is_origin(text: str) -> bool:
    """Whether it is one as browsers send it: neither `*` nor `null`, and no path."""
    return _ORIGIN.fullmatch(text) is not None


def is_shown_in_place(content_type: str) -> bool:
    """Whether a browser may be asked to show such content, instead of saving it."""
    return _SHOWN.fullmatch(content_type) is not None
