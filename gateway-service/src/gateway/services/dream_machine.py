"""From Luma's request to a job: what the model behind it can do is asked of it, and nothing is promised beyond that."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from reelwork.contract.jobs import JobBody, JobWebhookBody
from reelwork.contract.luma import AspectRatio, DreamMachine, DreamMachineView, GenerationBody, Resolution, Style
from reelwork.domain.errors import FieldError, InvalidInput
from reelwork.generator import ModelCard

SOURCE = {"source": "luma"}
NAMES: tuple[DreamMachine, ...] = get_args(DreamMachine)
LONGEST_SECONDS = 300
_METADATA_LENGTH = 500
# Luma's names, and those of the models' parameters. A parameter that a model does not have is not sent to it.
_PARAMETERS = {
    "prompt": "prompt",
    "duration": "duration_seconds",
    "resolution": "resolution",
    "aspect_ratio": "aspect_ratio",
    "style": "style",
}
_REFUSED = frozenset({"prompt", "duration", "resolution", "aspect_ratio"})  # where the model has no such value


@dataclass(frozen=True, slots=True)
class DreamMachineModel:
    """A video model of this installation, as Luma's clients see it."""

    card: ModelCard

    def job(self, body: GenerationBody) -> JobBody:
        """The job that makes the video. Raises InvalidInput for what the model cannot do."""
        asked = body.model_dump(include=set(_PARAMETERS), exclude_none=True)
        if "resolution" not in body.model_fields_set:
            asked["resolution"] = self._best()
        faults = list(self._faults(asked))
        if faults:
            raise InvalidInput(
                f"{self.card.title} cannot make that: {', '.join(fault.pointer for fault in faults)}.",
                hint="GET /v1/generate/models tells what there is.",
                errors=faults,
            )
        sent = {_PARAMETERS[name]: value for name, value in asked.items() if self._can(name, value)}
        webhook = JobWebhookBody(url=body.webhook_url) if body.webhook_url is not None else None
        return JobBody(model=self.card.name, input=sent, metadata=self._metadata(body, asked), webhook=webhook)

    def jobs(self, bodies: Sequence[GenerationBody]) -> list[JobBody]:
        """The same for several; faults tell which of them it is."""
        made = []
        for index, body in enumerate(bodies):
            try:
                made.append(self.job(body))
            except InvalidInput as error:
                placed = [
                    replace(fault, pointer=f"#/requests/{index}{fault.pointer.removeprefix('#')}")
                    for fault in error.errors
                ]
                raise InvalidInput(error.detail, hint=error.hint, errors=placed) from error
        return made

    def view(self, name: DreamMachine) -> DreamMachineView:
        """What it can do, under one of Luma's names."""
        return DreamMachineView(
            id=name,
            name=name.replace("-", " ").title(),
            description=self.card.description,
            max_duration=int(self._parameter("duration").get("maximum", LONGEST_SECONDS)),
            supported_resolutions=self._values("resolution", get_args(Resolution)),
            supported_styles=self._values("style", get_args(Style)),
            supported_aspect_ratios=self._values("aspect_ratio", get_args(AspectRatio)),
            default=name == NAMES[0],
            served_by=self.card.name,
        )

    def _best(self) -> str:
        """Luma's default, or the nearest below it."""
        known = self._values("resolution", get_args(Resolution))
        below = [name for name in ("480p", "720p", "1080p") if name in known]
        return below[-1] if below else "1080p"

    def _faults(self, asked: Mapping[str, Any]) -> Iterator[FieldError]:
        for name in sorted(_REFUSED & asked.keys()):
            value, parameter = asked[name], self._parameter(name)
            known = parameter.get("enum")
            most = parameter.get("maximum")
            if known is not None and value not in known:
                cure = f"It makes {', '.join(map(str, self._values(name, known)))}."
                yield FieldError(pointer=f"#/input/{name}", code="unsupported", detail=cure)
            elif most is not None and value > most:
                yield FieldError(pointer=f"#/input/{name}", code="too_large", detail=f"At most {most:g}.")

    def _can(self, name: str, value: object) -> bool:
        parameter = self._parameter(name)
        return bool(parameter) and value in parameter.get("enum", [value])

    def _values(self, name: str, of: tuple[str, ...] | list[str]) -> list[str]:
        """Those of Luma's values that the model has too."""
        known = self._parameter(name).get("enum", [])
        return [value for value in of if value in known]

    def _parameter(self, name: str) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = self.card.input_schema  # JSON Schema
        found: Mapping[str, Any] = schema.get("properties", {}).get(_PARAMETERS[name], {})
        return found

    def _metadata(self, body: GenerationBody, asked: Mapping[str, Any]) -> dict[str, str]:
        """The caller's own, and what Luma's answers say of a job beside it."""
        kept = dict(self._own_metadata(body.metadata or {}))
        if body.style is not None:
            kept["style" if self._can("style", asked["style"]) else "style_not_applied"] = body.style
        return kept | {"dream_machine": body.model} | SOURCE

    def _own_metadata(self, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name, value in given.items():
            text = value if isinstance(value, str) else json.dumps(value)
            if len(text) > _METADATA_LENGTH:
                cure = f"At most {_METADATA_LENGTH} characters."
                fault = FieldError(pointer=f"#/metadata/{name[:64]}", code="too_long", detail=cure)
                raise InvalidInput(f"Not valid: {fault.pointer}.", hint=cure, errors=[fault])
            yield name, text
