"""Tables that nobody can change, so that a scenario stays what its fingerprint says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["FrozenDict", "freeze", "thaw"]


class FrozenDict(dict[str, Any]):
    """A table that refuses changes; ``dict(table)`` is one that can be changed.

    It is a ``dict``, not only a mapping, for JSON, pickling and checks of types.
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a scenario cannot be changed in place; scenario.replace returns a changed copy")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> Any:
        return FrozenDict, (dict(self),)


def freeze(value: Any) -> Any:
    """Return a table, and every table inside it, as one that cannot be changed; anything else as it is."""
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(entry) for key, entry in value.items()})
    return value


def thaw(value: Any) -> Any:
    """Return a table, and every table inside it, as a plain one of the caller's own."""
    if isinstance(value, Mapping):
        return {key: thaw(entry) for key, entry in value.items()}
    return value
