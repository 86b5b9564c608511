"""A household that trades in private: its keys, its purse, and what it remembers."""

from pathlib import Path

from app.agents.private.access import PrivateAccess
from app.agents.private.journal import Journal, KeptTrade
from app.agents.private.purse import HouseholdPurse, note_keys_of
from app.agents.private.view import PrivateOffer, PrivateTrade, PrivateView, TradeSide, TradeState
from app.agents.residents import Household
from app.ledger.private import PrivateAgreementState
from app.ledger.types import Address
from app.market.units import WH_PER_KWH
from app.privacy.keys import Purpose, Wallet
from app.privacy.stealth import StealthKeys


class PrivateHousehold:
    """What a household has for its private trades, from window to window."""

    def __init__(self, home: Household, wallet: Wallet, journal_path: Path | None) -> None:
        self.home = home
        self.wallet = wallet
        self.journal = Journal(journal_path)
        self.purse = HouseholdPurse(note_keys_of(wallet), self.journal)

    @property
    def name(self) -> str:
        return self.home.name

    @property
    def account(self) -> Address:
        """Under which everybody knows it; no offer and no agreement shows it."""
        return self.home.member.account

    @property
    def stealth(self) -> StealthKeys:
        """What the one-time accounts of its offers are made of."""
        return StealthKeys(
            self.wallet.secret(Purpose.STEALTH_SPEND), self.wallet.secret(Purpose.STEALTH_VIEW)
        )

    async def drop_unpaid(self, access: PrivateAccess, window: int) -> None:
        """Forgets agreements of a window that nobody has paid in time; they count for nothing."""
        for trade in self.journal.open_trades(window):
            state = await access.private.agreement_state(trade.made.id)
            if state is PrivateAgreementState.NONE:
                self.journal.forget(trade.made.id)

    async def learn(self, access: PrivateAccess, trade: KeptTrade) -> None:
        """Writes down what has become of a trade, if it is over; its notes were looked for."""
        agreement_id = trade.made.id
        state = await access.private.agreement_state(agreement_id)
        if state is PrivateAgreementState.CANCELLED:
            self.journal.settle(agreement_id, TradeState.CANCELLED, 0)
        elif state is PrivateAgreementState.SETTLED:
            seen = await access.private.delivery_of(agreement_id)
            if seen.in_full:
                self.journal.settle(agreement_id, TradeState.SETTLED, trade.made.energy.value)
            else:
                self.journal.settle(agreement_id, TradeState.PARTLY, self._delivered_wh(trade))

    def view(self) -> PrivateView:
        """What it sees."""
        return PrivateView(
            account=self.account,
            name=self.name,
            member_secret=self.wallet.member.secret,
            note_view_secret=self.purse.keys.view_secret,
            note_spend_secret=self.purse.keys.spend_secret,
            offers=tuple(
                PrivateOffer(each.offer_id, each.window, each.energy, each.floor_price)
                for each in self.journal.offers.values()
            ),
            trades=tuple(
                PrivateTrade(
                    agreement_id=each.made.id,
                    offer_id=each.made.agreement.offer_id,
                    window=each.window,
                    side=each.side,
                    energy=each.made.energy,
                    price=each.made.price,
                    cost=each.made.payout.opening,
                    state=each.state,
                    delivered_wh=each.delivered_wh,
                )
                for each in self.journal.trades.values()
            ),
        )

    def _delivered_wh(self, trade: KeptTrade) -> int | None:
        """What was delivered, from what was paid: at 1000 a kWh or more only one number fits.

        None where the note that tells was spent before anybody looked.
        """
        made = trade.made
        if trade.side is TradeSide.SOLD:
            paid = self.purse.amount_at(made.payout.note.key)
        else:
            back = self.purse.amount_at(made.refund.note.key)
            paid = None if back is None else made.cost - back
        return None if paid is None else -(-paid * WH_PER_KWH // made.price.value)
