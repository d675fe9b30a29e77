"""The list of addresses as a page, from the OpenAPI document: text and tables, no script, nothing from elsewhere.

`Any` in here is OpenAPI, which is JSON of whatever depth.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from itertools import starmap
from typing import Any

_CODE = re.compile(r"`([^`]+)`")

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 6rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 3rem; }
code, pre { font: 0.9em/1.5 ui-monospace, monospace; }
pre { overflow: auto; padding: 0.75rem; border: 1px solid var(--line); border-radius: 6px; }
nav ul { columns: 2 22rem; padding-left: 1rem; }
details { border-top: 1px solid var(--line); padding: 0.6rem 0; }
summary { cursor: pointer; } summary b { display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.8rem 0.3rem 0; border-top: 1px solid var(--line); }
:target { background: color-mix(in srgb, Highlight 15%, transparent); }
"""


def page(document: dict[str, Any]) -> str:
    """The whole page, as HTML."""
    info = document["info"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<title>{_text(info["title"])} API</title><link rel="stylesheet" href="/docs/style.css"></head><body><main>',
        f"<h1>{_text(info['title'])} API {_text(info['version'])}</h1>",
        *(f"<p>{_text(paragraph)}</p>" for paragraph in info["description"].split("\n\n")),
        '<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>',
        *_operations(document),
        '<h2 id="schemas">Schemas</h2>',
        *(_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
        "</main></body></html>",
    ]
    return "\n".join(parts)


def _operations(document: dict[str, Any]) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = next(iter(operation.get("tags", ["other"])))
            by_tag.setdefault(tag, []).append(_operation(method.upper(), path, operation))
    for tag, operations in by_tag.items():
        yield f"<h2>{_text(tag.capitalize())}</h2>"
        yield from operations


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    described = operation.get("description", "")
    body = operation.get("requestBody", {}).get("content", {})
    return "\n".join(
        [
            f'<details id="{_text(operation["operationId"])}">',
            f"<summary><b>{method}</b> <code>{_plain(path)}</code> {_text(operation.get('summary', ''))}</summary>",
            f"<p>{_text(described)}</p>",
            "" if operation.get("security") else "<p>Needs no key.</p>",
            _parameters(operation.get("parameters", [])),
            *(_body(content_type, content) for content_type, content in body.items()),
            _table(("Answer", "What it says", "Content"), starmap(_response, operation["responses"].items())),
            "</details>",
        ]
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = (
        (
            f"<code>{_plain(one['name'])}</code>{' (required)' if one.get('required') else ''}",
            _plain(one["in"]),
            _type(one["schema"]),
            _text(one.get("description", "")),
        )
        for one in parameters
    )
    return _table(("Parameter", "In", "Type", "Meaning"), rows) if parameters else ""


def _body(content_type: str, content: dict[str, Any]) -> str:
    examples = content.get("examples", {}).values()
    shown = "".join(
        f"<p>{_text(one.get('summary', ''))}</p><pre>{_plain(json.dumps(one['value'], indent=2))}</pre>"
        for one in examples
    )
    return f"<p>Body: <code>{_plain(content_type)}</code>, {_type(content.get('schema', {}))}</p>{shown}"


def _response(status: str, response: dict[str, Any]) -> tuple[str, ...]:
    types = ", ".join(_type(content.get("schema", {})) for content in response.get("content", {}).values())
    return (_plain(status), _text(response.get("description", "")), types)


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = (
        (
            f"<code>{_plain(field)}</code>{' (required)' if field in required else ''}",
            _type(inner),
            _text(inner.get("description", "")),
        )
        for field, inner in schema.get("properties", {}).items()
    )
    table = _table(("Field", "Type", "Meaning"), rows) if schema.get("properties") else f"<p>{_type(schema)}</p>"
    about = f"<p>{_text(schema.get('description', ''))}</p>"
    return f'<details id="schema-{_text(name)}"><summary><code>{_plain(name)}</code></summary>{about}{table}</details>'


def _type(schema: dict[str, Any]) -> str:
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f'<a href="#schema-{_text(name)}"><code>{_plain(name)}</code></a>'
        case {"anyOf": list(options)} | {"oneOf": list(options)}:
            return " or ".join(dict.fromkeys(_type(option) for option in options))
        case {"enum": list(values)}:
            return ", ".join(f"<code>{_plain(json.dumps(value))}</code>" for value in values)
        case {"const": value}:
            return f"<code>{_plain(json.dumps(value))}</code>"
        case {"type": "array"}:
            return f"list of {_type(schema.get('items', {}))}"
        case _:
            bounds = {"minimum": "from", "maximum": "to", "maxLength": "at most", "format": ""}
            said = " ".join(f"{word} {schema[key]}".strip() for key, word in bounds.items() if key in schema)
            return _plain(f"{schema.get('type', 'any')} {said}".strip())


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _plain(text: str) -> str:
    return html.escape(text)


def _text(text: str) -> str:
    """Prose, in which backticks mark code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text))
