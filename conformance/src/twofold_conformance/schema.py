"""The few words of JSON Schema that the report's schema uses, so that a damaged report is named as such."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
}


@cache
def report_schema() -> dict[str, Any]:
    """The schema of ``report.json``."""
    text = (files("twofold_conformance") / "report.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "report") -> list[str]:
    """Where ``value`` departs from ``schema``; empty if it does not."""
    root = root or schema
    if "$ref" in schema:
        return problems(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, at)
    if "const" in schema and value != schema["const"]:
        return [f"{at}: seen {value!r}, expected {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: seen {value!r}, expected one of {', '.join(map(str, schema['enum']))}"]
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or isinstance(value, bool)):
        return [f"{at}: seen {type(value).__name__}, expected {kind}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{at}: seen {value!r}, expected a match of {schema['pattern']}"]
    if "minimum" in schema and value < schema["minimum"]:
        return [f"{at}: seen {value!r}, expected at least {schema['minimum']}"]
    if kind == "object":
        return _object(value, schema, root, at)
    if kind == "array":
        return [line for i, item in enumerate(value) for line in problems(item, schema["items"], root, f"{at}[{i}]")]
    return []


def _object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    found = [f"{at}: lacks {name!r}" for name in schema.get("required", ()) if name not in value]
    declared = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in declared:
            found += problems(item, declared[name], root, f"{at}.{name}")
        elif rest is False:
            found.append(f"{at}: unknown field {name!r}")
        elif isinstance(rest, dict):
            found += problems(item, rest, root, f"{at}.{name}")
    return found
