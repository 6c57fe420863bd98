"""Who is signed in: a cookie holds their token, and counts for the pages of the console alone."""

from datetime import timedelta
from urllib.parse import urlsplit

from aiohttp import web

_COOKIE = "tocsin_console"
_LASTS = timedelta(days=7)


def remember(response: web.Response, token: str, *, secure: bool) -> None:
    """Have a browser keep a token: no page can read it, and no form of another site sends it."""
    lasts_s = round(_LASTS.total_seconds())
    response.set_cookie(_COOKIE, token, max_age=lasts_s, httponly=True, samesite="Lax", secure=secure)


def forget(response: web.Response) -> None:
    """Have a browser forget the token."""
    response.del_cookie(_COOKIE)


def token_of(request: web.Request) -> str | None:
    """The token that a browser kept; None where nobody is signed in."""
    return request.cookies.get(_COOKIE) or None


def is_ours(request: web.Request, base: str) -> bool:
    """Whether a form was sent by a page of ours, which browsers say; `base` is our address as the caller knows it."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    at = urlsplit(base)
    return origin == f"{at.scheme}://{at.netloc}" or urlsplit(origin).netloc == request.host
