"""Checking a job's input: against the model's JSON Schema, against what can be stored, and the assets it names."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import jsonschema_rs

from gateway.input_policy import InputPolicy
from gateway.problems import named
from gateway.services.number_models import own_faults
from gateway.services.outputs import usable
from gateway.services.schema_faults import escape, faults_of, once
from reelwork.domain.asset import Asset
from reelwork.domain.errors import ContentPolicyViolation, FieldError, InvalidInput
from reelwork.domain.ids import AccountId, AssetId, JobId, SeriesId
from reelwork.domain.series import SeriesUse
from reelwork.generator import ModelCard, asset_ids, series_fields
from reelwork.store.stores import Stores

MAX_DEPTH = 32
MAX_FAULTS = 20
_ONE_OF = "oneOf"
# BSON integers have 64 bits.
_INTEGERS = range(-(2**63), 2**63)


class InputChecker:
    """Knows the schema of each version of a model in compiled form."""

    def __init__(self, stores: Stores, policies: Sequence[InputPolicy] = ()) -> None:
        self._stores = stores
        self._policies = policies
        # `Any`: the library's validators have no types.
        self._compiled: dict[str, tuple[Mapping[str, Any], Any]] = {}

    async def check(self, account: AccountId, card: ModelCard, values: Mapping[str, Any], *, job: JobId) -> list[Asset]:
        """The assets that the input names, all of them the account's own, and kept for this job if it is stored soon.

        Raises InvalidInput with every fault, ContentPolicyViolation.
        """
        faults = list(islice(unstorable(values, "#/input"), MAX_FAULTS)) or self.against_schema(card, values)
        if faults:
            raise _invalid(card, faults)
        self._against_policy(card, values)
        named = [(name, AssetId(asset_id)) for name, asset_id in asset_ids(card.input_schema, values)]
        found = [await self._asset(account, card, name, asset_id) for name, asset_id in named]
        for name, asset_id in named:
            if await self._stores.assets.announce_use(account, asset_id, job) is None:
                raise _invalid(card, [_no_asset(name)])  # it was removed since we looked
        return found

    async def series(self, account: AccountId, card: ModelCard, values: Mapping[str, Any]) -> list[SeriesUse]:
        """The saved series that a checked input names, all of them the account's own, as they are now.

        Raises InvalidInput.
        """
        found = []
        for name in series_fields(card.input_schema):
            if isinstance(values.get(name), str):
                series = await self._stores.series.get(account, SeriesId(values[name]))
                if series is None:
                    raise _invalid(card, [_no_series(name)])
                found.append(SeriesUse(series_id=series.id, points=series.length, observables=series.observables))
        return found

    async def _asset(self, account: AccountId, card: ModelCard, name: str, asset_id: AssetId) -> Asset:
        asset = await usable(self._stores, account, asset_id)
        if asset is None:
            raise _invalid(card, [_no_asset(name)])
        accepted = card.asset_inputs.get(name, ("*/*",))
        if not any(_accepts(pattern, asset.content_type) for pattern in accepted):
            cure = f"It is {asset.content_type}; this model takes {', '.join(accepted)}."
            raise _invalid(card, [FieldError(pointer=f"#/input/{name}", code="wrong_media_type", detail=cure)])
        return asset

    def against_schema(self, card: ModelCard, values: Mapping[str, Any]) -> list[FieldError]:
        """What the model's schema finds wrong, else what the model does; never repeats the caller's values."""
        errors = self._validator(card).iter_errors(dict(values))
        faults = (
            fault for error in errors for fault in (_choice(card, error) or _form(card, error) or faults_of(error))
        )
        found = once(islice(faults, MAX_FAULTS))
        if _gives_one(card, values):  # then what is wrong with it is among the others
            found = [fault for fault in found if fault.code != _ONE_OF] or found
        return found or own_faults(card, values)

    def _against_policy(self, card: ModelCard, values: Mapping[str, Any]) -> None:
        against = (fault for policy in self._policies for fault in policy(card.name, values))
        faults = list(islice(against, MAX_FAULTS))
        if faults:
            raise ContentPolicyViolation(
                f"This installation does not make that: {named(faults)}.",
                hint="Change the named fields and send it again.",
                errors=faults,
            )

    def _validator(self, card: ModelCard) -> Any:
        schema, validator = self._compiled.get(card.reference, (None, None))
        if schema != card.input_schema:
            validator = jsonschema_rs.validator_for(card.input_schema, mask="the value")
            self._compiled[card.reference] = (card.input_schema, validator)
        return validator


def _choice(card: ModelCard, error: Any) -> list[FieldError]:  # the library's error has no types
    """A model may want exactly one of some fields: which, its schema says, and the library does not."""
    if list(error.schema_path) != [_ONE_OF]:
        return []
    told = ", ".join(" and ".join(names) for names in _sources(card))
    return [FieldError(pointer="#/input", code=_ONE_OF, detail=f"Give exactly one of {told}.")]


def _gives_one(card: ModelCard, values: Mapping[str, Any]) -> bool:
    return sum(all(values.get(name) is not None for name in names) for names in _sources(card)) == 1


def _sources(card: ModelCard) -> list[Sequence[str]]:
    ways = cast("Sequence[Mapping[str, Any]]", card.input_schema.get(_ONE_OF, ()))
    return [way.get("required", ()) for way in ways]


def _form(card: ModelCard, error: Any) -> list[FieldError]:  # the library's error has no types
    """What to write instead of a text of another form, where the model says it: patterns are not for people."""
    properties = cast("Mapping[str, Mapping[str, Any]]", card.input_schema.get("properties", {}))
    match list(error.schema_path):
        case ["properties", name, "pattern"] if cure := properties[name].get("x-cure"):
            return [FieldError(pointer=f"#/input/{escape(name)}", code="pattern", detail=cure)]
        case _:
            return []


def unstorable(value: object, pointer: str, depth: int = 0) -> Iterator[FieldError]:
    """What no model could use and no database keep: not-a-number, huge integers, broken text, deep nesting."""
    if depth > MAX_DEPTH:
        yield FieldError(pointer=pointer, code="too_deep", detail=f"At most {MAX_DEPTH} levels.")
        return
    match value:
        case int() if value not in _INTEGERS:
            yield FieldError(pointer=pointer, code="too_large", detail="Integers have at most 64 bits.")
        case float() if not math.isfinite(value):
            yield FieldError(pointer=pointer, code="not_finite", detail="NaN and infinity are not numbers here.")
        case str() if not _is_clean(value):
            yield FieldError(pointer=pointer, code="not_text", detail="Text must be valid Unicode without NUL.")
        case dict():
            for key, item in cast("dict[str, object]", value).items():
                yield from _unstorable_name(key, pointer)
                yield from unstorable(item, f"{pointer}/{escape(key)}", depth + 1)
        case list():
            for index, item in enumerate(cast("list[object]", value)):
                yield from unstorable(item, f"{pointer}/{index}", depth + 1)


def _unstorable_name(name: str, pointer: str) -> Iterator[FieldError]:
    if not name or name[0] == "$" or not _is_clean(name):
        yield FieldError(pointer=pointer, code="bad_name", detail="A name is empty, broken, or begins with $.")


def _is_clean(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_asset(name: str) -> FieldError:
    cure = "There is no such asset in your account; POST /v1/assets makes one."
    return FieldError(pointer=f"#/input/{name}", code="asset_not_found", detail=cure)


def _no_series(name: str) -> FieldError:
    cure = "There is no such series in your account; POST /v1/series makes one."
    return FieldError(pointer=f"#/input/{name}", code="series_not_found", detail=cure)


def _accepts(pattern: str, content_type: str) -> bool:
    kind, _, subtype = pattern.partition("/")
    has_kind, _, has_subtype = content_type.partition("/")
    return kind in {"*", has_kind} and subtype in {"*", has_subtype}


def _invalid(card: ModelCard, faults: list[FieldError]) -> InvalidInput:
    return InvalidInput(
        f"{card.name} cannot take this input: {named(faults)}.",
        hint=f"GET /v1/models/{card.name} shows its input_schema.",
        errors=faults,
    )
