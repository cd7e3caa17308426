"""All that was learned from past races, as one thing that is versioned, loaded and asked. Pure."""

from dataclasses import dataclass, field
from typing import Final

from pitcall.form import Form
from pitcall.learned.network import Network
from pitcall.parameters import DEFAULT, Parameters
from pitcall.policy import StopPolicy


@dataclass(frozen=True, slots=True)
class Model:
    """What a reading of a race rests on."""

    parameters: Parameters = DEFAULT  #: of the race model
    policy: StopPolicy | None = None  #: of the other cars; None: that of the parameters
    form: Form = field(default_factory=Form)  #: of drivers and teams, after the last race that was learned from
    ranks: Network | None = None  #: the learned forecast; None: the simulation alone

    @property
    def version(self) -> str:
        """Name for provenance: that of the parameters, which the whole model is fitted and saved with."""
        return self.parameters.version


#: Nothing fitted: the priors of ``pitcall.priors``.
HAND_SET: Final = Model()
