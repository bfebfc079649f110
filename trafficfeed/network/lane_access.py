"""SUMO's `allow` and `disallow` lists as access masks."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import overload

import numpy as np
import numpy.typing as npt

from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK, MOTOR_CLASSES, VehicleClass, mask_of

MOTOR_MASK = mask_of(MOTOR_CLASSES)

# names of networks from before SUMO 0.27 (source: eclipse-sumo SUMOVehicleClass.cpp, deprecated names)
_OLD_NAMES = {
    "public_emergency": "emergency",
    "public_authority": "authority",
    "public_transport": "bus",
    "transport": "truck",
}
_BITS = {c.value: c.bit for c in VehicleClass} | {old: VehicleClass(new).bit for old, new in _OLD_NAMES.items()}


@lru_cache(maxsize=4096)
def access_mask(allow: str | None, disallow: str | None) -> int:
    """Return the mask of the classes that a lane or connection admits.

    `allow` wins over `disallow`, neither means everyone; classes that trafficfeed has no name for (trams, ships) are
    left out. Source: SUMO docs, Networks/PlainXML, "Road access permissions".
    """
    if allow:
        return _listed(allow)
    if disallow:
        return ALL_CLASSES_MASK & ~_listed(disallow)
    return ALL_CLASSES_MASK


def _listed(names: str) -> int:
    if names == "all":
        return ALL_CLASSES_MASK
    mask = 0
    for name in names.replace(";", " ").split():
        mask |= ALL_CLASSES_MASK if name == "all" else _BITS.get(name, 0)
    return mask


class LaneMasks(Sequence[Sequence[int]]):
    """The access masks of every edge's lanes, held flat: edge `i` has ``masks[offsets[i]:offsets[i + 1]]``."""

    def __init__(self, masks: npt.NDArray[np.int32], offsets: npt.NDArray[np.int32]) -> None:
        self.masks = masks
        self.offsets = offsets

    @classmethod
    def of(cls, lanes: Sequence[Sequence[int]]) -> "LaneMasks":
        """Return `lanes` held flat."""
        if isinstance(lanes, LaneMasks):
            return lanes
        offsets = np.zeros(len(lanes) + 1, dtype=np.int32)
        np.cumsum([len(of_edge) for of_edge in lanes], out=offsets[1:])
        return cls(np.array([mask for of_edge in lanes for mask in of_edge], dtype=np.int32), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Sequence[int]: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequence[Sequence[int]]": ...
    def __getitem__(self, index: int | slice) -> Sequence[int] | Sequence[Sequence[int]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = range(len(self))[index]
        masks: list[int] = self.masks[self.offsets[i] : self.offsets[i + 1]].tolist()
        return masks

    def __iter__(self) -> Iterator[Sequence[int]]:
        masks = self.masks.tolist()
        bounds = self.offsets.tolist()
        for begin, end in pairwise(bounds):
            yield masks[begin:end]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sequence)
            and len(other) == len(self)
            and all(list(a) == list(b) for a, b in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]
