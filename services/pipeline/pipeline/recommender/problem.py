"""Errors as RFC 9457 problem details."""

import json
from http import HTTPStatus

from flask import Response


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is not a success: status, what is wrong in this request, and headers such as Retry-After."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None, **extensions: object) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.extensions = extensions

    def response(self) -> Response:
        title = HTTPStatus(self.status).phrase
        body = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail, **self.extensions}
        return Response(
            json.dumps(body), status=self.status, headers=self.headers, content_type="application/problem+json"
        )


def bad_parameter(name: str, value: str, allowed: str) -> Problem:
    shown = value if len(value) <= 80 else f"{value[:80]}..."
    return Problem(400, f"Parameter '{name}' must be {allowed}: current value is '{shown}'", parameter=name)
