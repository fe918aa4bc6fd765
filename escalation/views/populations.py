"""Which population the guarantee page is about: the one asked for, or the main one."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from escalation.guarantees import population
from escalation.guarantees.population import Population, PopulationCount
from escalation.models import Stream
from reviewqueue.http import PersonRequest
from reviewqueue.kernel.errors import Invalid


@dataclass(frozen=True, slots=True)
class PopulationChoice:
    """The chosen population, None without traffic; all of the last 30 days; and whether another one was asked for."""

    chosen: Population | None
    listed: list[PopulationCount]
    is_other: bool

    @property
    def rare(self) -> list[PopulationCount]:
        """Those that may be mistyped versions: too few outputs for a release, and not the main one."""
        return [one for one in self.listed[1:] if one.is_rare]

    @property
    def other(self) -> Population | None:
        """The chosen population if it is not the main one."""
        return self.chosen if self.is_other else None


def read_population(request: PersonRequest, stream: Stream) -> PopulationChoice:
    """The choice by the parameter `population`. In a link, an unknown one counts as none; in a form, it is Invalid."""
    key = request.POST.get("population") or request.GET.get("population", "")
    listed = population.list_populations(stream)
    main = listed[0].population if listed else None
    found = next((one.population for one in listed if one.population.key == key), None)
    if found is None and request.POST.get("population"):
        raise Invalid(_("The model version that you chose sent nothing in the last 30 days. Choose another one."))
    chosen = found or main
    return PopulationChoice(chosen, listed, is_other=chosen != main)
