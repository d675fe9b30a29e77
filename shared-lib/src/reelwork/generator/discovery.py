"""Which models are here: those of a folder, and those of installed packages.

A folder's models are the concrete `MediaGeneratorModel` classes that its modules define; its sub-packages and
modules whose name begins with `_` are the models' own business. A package brings models by entry points:

    [project.entry-points."reelwork.models"]
    blur = "acme_blur:Blur"          # a class, or a module with classes
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TypeAlias

from reelwork.generator.base import MediaGeneratorModel
from reelwork.generator.card import AnyModel, IncompleteModel, ModelCard

ENTRY_POINT_GROUP = "reelwork.models"

Load: TypeAlias = Callable[[], list[type[AnyModel]]]


class DuplicateModel(Exception):
    """Two classes claim one model id. Nothing could tell which of them a job means, so discovery stops."""

    def __init__(self, model_id: str, first: type[AnyModel], second: type[AnyModel]) -> None:
        super().__init__(
            f"The model id {model_id!r} is claimed by {_address(first)} and by {_address(second)}; "
            "rename one, or uninstall its package."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The models that can run here, their cards, and why others cannot.

    `absent` maps a model's id, or where that is not known its module or entry point, to a reason for people.
    """

    models: dict[str, type[AnyModel]] = field(default_factory=dict)
    cards: dict[str, ModelCard] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def discover(
    folder_package: ModuleType | str | None = None,
    *,
    entry_point_group: str | None = ENTRY_POINT_GROUP,
    modules: Iterable[str] = (),
) -> Catalogue:
    """Find every model: of a folder, of installed packages, and of single modules named by the operator.

    One that is broken or lacks something is absent with a reason, never a crash.
    Raises DuplicateModel. Imports the modules it looks at.
    """
    catalogue = Catalogue()
    for name, load in _sources(folder_package, entry_point_group, modules):
        try:
            found = load()
        except ImportError as error:
            catalogue.absent[name] = _import_reason(error)
        except Exception as error:  # noqa: BLE001 - strangers' code runs on import and may raise anything
            catalogue.absent[name] = f"cannot be imported: {type(error).__name__}: {error}"
        else:
            if not found:
                catalogue.absent[name] = "defines no model"
            for model in found:
                _admit(catalogue, model)
    return catalogue


def _sources(package: ModuleType | str | None, group: str | None, modules: Iterable[str]) -> Iterator[tuple[str, Load]]:
    """Where models may be: a name for people, and how to load what is there."""
    if package is not None:
        folder = importlib.import_module(package) if isinstance(package, str) else package
        for entry in sorted(pkgutil.iter_modules(folder.__path__), key=lambda entry: entry.name):
            if not entry.ispkg and not entry.name.startswith("_"):
                name = f"{folder.__name__}.{entry.name}"
                yield name, partial(_models_in_module, name)
    for name in modules:
        yield name, partial(_models_in_module, name)
    if group is not None:
        for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
            yield f"{point.name} ({point.value})", partial(_models_at, point)


def _models_in_module(name: str) -> list[type[AnyModel]]:
    return _models_in(importlib.import_module(name))


def _models_at(point: EntryPoint) -> list[type[AnyModel]]:
    loaded = point.load()
    if isinstance(loaded, ModuleType):
        return _models_in(loaded)
    if isinstance(loaded, type) and issubclass(loaded, MediaGeneratorModel):
        return [loaded]
    raise IncompleteModel(f"{loaded!r} is neither a model class nor a module.")


def _models_in(module: ModuleType) -> list[type[AnyModel]]:
    """The concrete models that the module defines itself, in the order of their definition."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, MediaGeneratorModel)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
        and not value.__name__.startswith("_")
    ]


def _admit(catalogue: Catalogue, model: type[AnyModel]) -> None:
    try:
        card = ModelCard.of(model)
        reason = model.available()
    except IncompleteModel as error:
        catalogue.absent[_address(model)] = str(error)
        return
    except Exception as error:  # noqa: BLE001 - strangers' code again: one bad model must not take the rest with it
        catalogue.absent[_address(model)] = f"cannot be described: {type(error).__name__}: {error}"
        return
    known = catalogue.models.get(card.name)
    if known is not None and known is not model:
        raise DuplicateModel(card.name, known, model)
    if reason is not None:
        catalogue.absent[card.name] = reason
        return
    catalogue.models[card.name] = model
    catalogue.cards[card.name] = card


def _import_reason(error: ImportError) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"needs the package {error.name!r}, which is not installed"
    return f"cannot be imported: {error}"


def _address(model: type[AnyModel]) -> str:
    return f"{model.__module__}.{model.__qualname__}"
