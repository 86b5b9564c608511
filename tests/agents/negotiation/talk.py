"""A party whose every message is written by hand, to say to a desk what it should not hear."""

from dataclasses import dataclass, field

from app.agents.negotiation.ontology import Acceptance, Body, Header, Message, Party
from app.agents.negotiation.seat import Signatures
from app.ledger.types import Address, Agreement, Offer


@dataclass(slots=True)
class Hand:
    """Writes one conversation's messages for one side."""

    sent_by: Party
    buyer: Address
    offer: Offer
    conversation_id: str = "by-hand"
    sequence: int = field(default=0)

    def say(self, body: Body, **changes: object) -> Message:
        """The next message; `changes` are fields of the header to be different."""
        fields: dict[str, object] = {
            "conversation_id": self.conversation_id,
            "sequence": self.sequence,
            "sent_by": self.sent_by,
            "buyer": self.buyer,
            "seller": self.offer.seller,
            "window": self.offer.window,
            "offer_id": self.offer.id,
            "sent_at": 0,
            **changes,
        }
        self.sequence += 1
        return Message(Header(**fields), body)  # type: ignore[arg-type]

    def accept(
        self,
        signatures: Signatures,
        energy_wh: int,
        price: int,
        deadline: int,
        *,
        salt: int = 1,
        signer: Address | None = None,
    ) -> Message:
        """An acceptance that `signer` (default: the buyer) has signed."""
        agreement = Agreement(
            self.offer.id,
            self.offer.seller,
            signer or self.buyer,
            self.offer.window,
            energy_wh,
            price,
            deadline,
            salt,
        )
        signature = signatures.sign(agreement).signature
        return self.say(Acceptance(energy_wh, price, deadline, salt, signature))
