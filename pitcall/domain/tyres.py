"""Tyre compounds. Pure.

A compound is what a tyre is made of; a *set* has an age in laps. ``UNKNOWN`` is an honest
answer of a feed (344 laps of the 2018 season have it): the state keeps it, the simulation
assumes a compound from the prior and the answer says so.
"""

from enum import IntEnum
from typing import Final


class Compound(IntEnum):
    """Values index the kernel's wear table: append, never renumber."""

    SOFT = 0
    MEDIUM = 1
    HARD = 2
    INTERMEDIATE = 3
    WET = 4
    UNKNOWN = 5

    @property
    def label(self) -> str:
        """Lower-case name, as the radio says it: ``hard``."""
        return self.name.lower()


#: Slick compounds, softest first. Two different ones must be used in a dry Formula 1 race.
DRY: Final = (Compound.SOFT, Compound.MEDIUM, Compound.HARD)

#: Compounds with a tread; using one waives the two-compound rule.
RAIN: Final = (Compound.INTERMEDIATE, Compound.WET)

#: Number of rows of a wear table: the compounds that a car can run on.
COMPOUNDS: Final = 5


def parse_compound(text: str | None) -> Compound:
    """The compound that a feed names: full name, first letter or nothing. Anything else is UNKNOWN."""
    name = (text or "").strip().upper()
    for compound in Compound:
        if name in (compound.name, compound.name[0]) and name:
            return compound
    return Compound.UNKNOWN
