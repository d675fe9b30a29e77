"""Between the domain's dataclasses and stored documents: `id` is `_id`, the rest keeps its name."""

from typing import Generic, TypeVar

from pydantic import TypeAdapter

from reelwork.store.client import Document

T = TypeVar("T")


class Codec(Generic[T]):
    """Both directions for one dataclass. Unknown fields of a newer version are ignored when reading."""

    def __init__(self, of: type[T]) -> None:
        self._adapter = TypeAdapter(of)

    def encode(self, value: T) -> Document:
        document: Document = self._adapter.dump_python(value)
        return {"_id": document.pop("id"), **document}

    def decode(self, document: Document) -> T:
        """Raises pydantic's ValidationError for a document that no version of this code wrote."""
        return self._adapter.validate_python({"id": document["_id"], **document})
