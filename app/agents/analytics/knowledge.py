"""The agent that makes models from data (Mezquita et al. 2022, KEA)."""

from collections.abc import Callable

from mango import Role

from app.agents.analytics.history import DataReaderRole
from app.agents.analytics.models import Model


class KnowledgeExtractorRole(Role):  # type: ignore[misc] # mango has no types
    """Trains one model for a household's load and one for its generation."""

    def __init__(self, make: Callable[[], Model]) -> None:
        super().__init__()
        self.load_model = make()
        self.pv_model = make()

    def train(self) -> None:
        """Learns from all that has been metered so far."""
        data = self.context.get_role(DataReaderRole)
        self.load_model.train(data.loads)
        self.pv_model.train(data.generation)
