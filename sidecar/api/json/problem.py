"""Problems of the JSON API: what is wrong with a request, as application/problem+json (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypedDict

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from sidecar.api.json.answer import json_response
from sidecar.model.errors import SidecarError

PROBLEM_TYPE = "application/problem+json"


class ProblemPart(BaseModel):
    """One of several mistakes: where it is, as `limit` or `/body/reason`, and what it is."""

    at: str = Field(description="The parameter, or the place in the body.")
    message: str = Field(description="What is wrong with it.")


class ProblemDocument(BaseModel):
    """The body of every answer that is not a success."""

    type: str = Field("about:blank", description="Always `about:blank`: `title` and `status` say it all.")
    title: str = Field(description="The phrase of the status.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What is wrong, for whoever wrote the request.")
    errors: list[ProblemPart] | None = Field(None, description="Each mistake, where there may be several.")


class ProblemError(SidecarError):
    """A request cannot be answered; `detail` is for whoever wrote it and says nothing about our insides."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[ProblemPart] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = errors
        self.headers = headers or {}


class _Detail(TypedDict):
    loc: tuple[int | str, ...]
    msg: str


def invalid(error: ValidationError, what: str) -> ProblemError:
    """Return the 400 that says everything `error` found in `what`; the values themselves are not said back."""
    found: Sequence[_Detail] = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [ProblemPart(at=".".join(map(str, each["loc"])) or what, message=each["msg"]) for each in found]
    return ProblemError(400, f"the {what} {'is' if what == 'body' else 'are'} not valid", parts)


def problem_response(error: ProblemError) -> web.Response:
    """Return the answer."""
    document = ProblemDocument(
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=str(error),
        errors=list(error.errors) or None,
    )
    body: dict[str, Any] = document.model_dump(exclude_none=True)
    return json_response(body, error.status, PROBLEM_TYPE, error.headers)
