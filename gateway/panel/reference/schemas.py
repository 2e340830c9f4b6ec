"""What a schema of OpenAPI says, in a reader's words; and an example of it, with exactly its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.panel.reference.words import Words

Schema = dict[str, Any]
Document = dict[str, Any]
_MISSING = object()
_FORMATS = {"email": "An e-mail address.", "uri": "A URL.", "uuid": "A UUID."}
_MANY = 10**6


def resolved(document: Document, schema: Schema) -> Schema:
    """The schema that a reference, or the one schema of an `allOf`, stands for."""
    if "$ref" in schema:
        return resolved(document, document["components"]["schemas"][name_of(schema)])
    if "allOf" in schema:
        return resolved(document, schema["allOf"][0]) | {key: said for key, said in schema.items() if key != "allOf"}
    return schema


def name_of(schema: Schema) -> str:
    """Which component a schema is, itself or as the one of an `allOf`; empty for none."""
    target = schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref", "")
    return str(target).rsplit("/", 1)[-1]


def type_of(schema: Schema) -> str:
    """`string`, `number or string`, `date or moment`, `array of strings`."""
    forms = _forms(schema)
    if {form.get("format") for form in forms} == {"date", "date-time"}:
        return "date or moment"
    names = dict.fromkeys(str(form.get("type", "any")) for form in forms)
    if list(names) == ["array"]:
        return f"array of {schema['items'].get('type', 'object')}s"
    return " or ".join(names)


def allowed(schema: Schema) -> str:
    """Which values are taken, as far as a reader needs to know."""
    choices = [str(one) for one in schema.get("enum", ()) if one is not None]
    if choices:
        return ", ".join(choices)
    forms = _forms(schema)
    found = [said for form in forms for said in (_range(form), _size(form) if len(forms) == 1 else "") if said]
    return " ".join(dict.fromkeys([*(_FORMATS[form["format"]] for form in _forms(schema)
                                     if form.get("format") in _FORMATS), *found]))


def _forms(schema: Schema) -> list[Schema]:
    """The ways to write a value; that it may be left empty is not one."""
    ways: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return [way for way in ways if way.get("maxLength") != 0]


def _range(form: Schema) -> str:
    least, most = form.get("minimum"), form.get("maximum")
    if least is None or form.get("exclusiveMinimum"):
        return "More than 0." if least == 0 else ""
    return f"From {least}." if most is None or most > _MANY else f"{least} to {most}."


def _size(form: Schema) -> str:
    for key, unit in (("maxLength", "characters"), ("maxItems", "entries"), ("maxProperties", "pairs")):
        if key in form:
            return f"At most {form[key]} {unit}."
    return ""


def sample(document: Document, schema: Schema, words: Words, operation: str, owner: str = "") -> Any:
    """An example of `schema`: its every field, with the values of `words`; the document's own example comes next."""
    owner, schema = name_of(schema) or owner, resolved(document, schema)
    if "properties" not in schema:
        return _plain(document, schema, words, operation, owner)
    known = {name: words.value(operation, owner, name, _MISSING) for name in schema["properties"]}
    return {
        name: sample(document, said, words, operation, owner) if known[name] is _MISSING else known[name]
        for name, said in schema["properties"].items() if known[name] is not words.LEFT_OUT
    }


def _plain(document: Document, schema: Schema, words: Words, operation: str, owner: str) -> Any:
    if schema.get("type") == "array":
        return [sample(document, schema["items"], words, operation, owner)]
    forms = [schema, *_forms(schema)]
    for key in ("example", "default"):
        found = [form[key] for form in forms if form.get(key) is not None]
        if found:
            return found[0]
    return schema["enum"][0] if "enum" in schema else {"boolean": True, "integer": 1, "number": 1}.get(schema["type"])
