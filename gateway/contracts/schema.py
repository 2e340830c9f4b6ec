"""OpenAPI documents, one a contract, made from the views and the types of their answers.

`document(contract)` is what `/api/schema/<contract>/` serves and what `docs/openapi/<contract>.yaml` freezes.
"""

from __future__ import annotations

import types
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiParameter

from gateway.contracts.filters import Filters, MomentFilter, RupeesFilter, WordFilter
from gateway.contracts.pagination import DEFAULT_LIMIT, MAX_LIMIT, MAX_PAGE

_BASIC: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
}
_generating = Lock()
# Contracts that have views and a docs module (`DESCRIPTION`, `TITLE`, `COMPONENTS`).
DOCUMENTED = ("portal", "signed", "checkout", "dashboard")


class Says:
    """What a document says about a value beyond its type: `Annotated[str, Says(format="date-time")]`."""

    def __init__(self, **says: Any) -> None:
        self.says = says


@cache
def document(contract: str) -> dict[str, Any]:
    docs = import_module(f"gateway.contracts.{contract}.docs")
    generator = SchemaGenerator(urlconf=f"gateway.contracts.{contract}.urls", api_version="1.0")  # type: ignore[no-untyped-call]
    with _generating, patched_settings({"POSTPROCESSING_HOOKS": []}):
        made: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    made["info"] |= {"title": docs.TITLE, "description": docs.DESCRIPTION, "version": "1.0"}
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for kind in docs.COMPONENTS:
        _add(schemas, kind)
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    for calls in made["paths"].values():
        for call in calls.values():
            _complete(call, schemas)
    return made


def _complete(call: dict[str, Any], schemas: dict[str, Any]) -> None:
    """What drf-spectacular cannot know: a filter may be empty, an optional field null, and a body can be due."""
    for parameter in call.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["schema"].pop("pattern", None)
        if parameter["in"] == "query" and parameter["name"] not in ("page", "limit"):
            parameter["allowEmptyValue"] = True
    body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if "$ref" in body:
        fields = schemas[body["$ref"].rsplit("/", 1)[1]]
        call["requestBody"]["required"] = bool(fields.get("required"))
        for name in set(fields["properties"]) - set(fields.get("required", ())):
            fields["properties"][name] = _nullable(_maybe_blank(fields["properties"][name]))


def as_yaml(contract: str) -> bytes:
    rendered: bytes = OpenApiYamlRenderer().render(document(contract), renderer_context={})  # type: ignore[no-untyped-call]
    return rendered


def as_json(contract: str) -> bytes:
    rendered: bytes = OpenApiJsonRenderer().render(document(contract), renderer_context={})
    return rendered


@require_safe
def openapi(request: HttpRequest, contract: str) -> HttpResponse:
    """YAML, or JSON to who asks for it (`?format=json` or `Accept: application/json`)."""
    if contract not in DOCUMENTED:
        raise Http404
    wants_json = request.GET.get("format") == "json" or "json" in request.headers.get("Accept", "")
    if wants_json:
        return HttpResponse(as_json(contract), content_type="application/vnd.oai.openapi+json")
    return HttpResponse(as_yaml(contract), content_type="application/vnd.oai.openapi")


def reference(kind: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{_name(kind)}"}


def parameters_of(filters: type[Filters] | None) -> list[OpenApiParameter]:
    """The query parameters of a list: its filters, `page` and `limit`."""
    names = filters.base_filters if filters else {}
    found = [OpenApiParameter(name, _filter_schema(item), OpenApiParameter.QUERY) for name, item in names.items()]
    page = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return [
        *found,
        OpenApiParameter("page", page, OpenApiParameter.QUERY),
        OpenApiParameter("limit", limit, OpenApiParameter.QUERY),
    ]


def _filter_schema(item: Any) -> dict[str, Any]:
    if isinstance(item, WordFilter):
        return {"type": "string", "enum": list(item.allowed)}
    if isinstance(item, MomentFilter):
        forms = [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
        return {"anyOf": forms, "example": "2026-04-05", "description": "A day or a moment, UTC."}
    if hasattr(item, "documented"):
        return dict(item.documented)
    if isinstance(item, RupeesFilter):
        return {"type": "number", "minimum": 0.01, "maximum": 999_999_999_999_999, "multipleOf": 0.01}
    return {"type": "string", "maxLength": item.extra["max_length"]}


def _name(kind: Any) -> str:
    return str(kind.__name__).removesuffix("Body")


def _add(schemas: dict[str, Any], kind: Any) -> None:
    """Adds the TypedDict `kind`, and those it mentions, to the document's components."""
    if _name(kind) in schemas:
        return
    hints = get_type_hints(kind, include_extras=True)
    schemas[_name(kind)] = made = {
        "type": "object",
        "properties": {name: _schema(schemas, hint) for name, hint in hints.items()},
        "required": [name for name, hint in hints.items() if get_origin(hint) is not NotRequired],
        "additionalProperties": False,
    }
    if not made["required"]:
        del made["required"]  # OpenAPI knows no empty list here
    if kind.__doc__ and not kind.__doc__.startswith("dict("):
        made["description"] = kind.__doc__


def _schema(schemas: dict[str, Any], hint: Any) -> dict[str, Any]:
    if is_typeddict(hint):
        _add(schemas, hint)
        return dict(reference(hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _schema(schemas, arguments[0])
    if origin is Annotated:
        said: Says = arguments[1]
        return _schema(schemas, arguments[0]) | said.says
    if origin is Literal:
        kind = "boolean" if isinstance(arguments[0], bool) else "string"
        return {"type": kind, "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(schemas, arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(schemas, arguments[1])}
    if origin in (Union, types.UnionType):
        return _nullable(_schema(schemas, arguments[0]))
    return dict(_BASIC[hint])


def _maybe_blank(schema: dict[str, Any]) -> dict[str, Any]:
    """Our patterns take an empty text themselves, so it would match both of drf-spectacular's alternatives."""
    blank = {"type": "string", "maxLength": 0}
    if blank not in schema.get("oneOf", ()):
        return schema
    return {"anyOf" if name == "oneOf" else name: said for name, said in schema.items()}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("nullable"):
        return schema
    if "$ref" in schema:
        return {"allOf": [schema], "nullable": True}
    if "enum" in schema:
        return schema | {"nullable": True, "enum": [*schema["enum"], None]}
    return schema | {"nullable": True}
