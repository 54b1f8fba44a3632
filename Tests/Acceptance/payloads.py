"""The schemas of what webhooks get, config/schema/*.json, and what they say of a payload."""
import functools
import json

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from worker import PROJECT

SCHEMAS = {path.name.removesuffix(".schema.json"): json.loads(path.read_text())
           for path in (PROJECT / "config/schema").glob("*.schema.json")}
TYPES = ("bulletin.published", "bulletin.corrected", "bulletin.withdrawn", "proposal.changed", "endpoint.verification")
_registry = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values())


@functools.cache
def validator(name):
    return Draft202012Validator(
        SCHEMAS[name], registry=_registry, format_checker=Draft202012Validator.FORMAT_CHECKER)


def check(payload):
    """Fails unless the payload is what the schema of its type says."""
    assert payload.get("type") in TYPES, payload.get("type")
    validator(payload["type"]).validate(payload)
