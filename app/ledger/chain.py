"""The ledger of the contracts: every write is a transaction, every read asks the node."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from eth_utils.hexadecimal import decode_hex, encode_hex

from app.chain.clock import ChainClock, MarketClock, WaitingClock
from app.chain.contracts import Contracts
from app.chain.deployment import Deployment
from app.chain.gas import bound_of
from app.chain.keys import DEVELOPMENT_CHAINS, Keystore
from app.chain.rpc import Rpc, RpcError
from app.chain.sender import Call, Sender
from app.ledger.chain_books import OrderFinder
from app.ledger.consortium import CONSORTIUM, decide
from app.ledger.types import (
    Account,
    Address,
    Agreement,
    AgreementState,
    Book,
    BookState,
    Correction,
    EnergyTotals,
    Event,
    Lapses,
    MeterKind,
    Offer,
    Order,
    ParticipantInfo,
    Position,
    Reading,
    Receipt,
    RecordedReading,
    Reserve,
    Side,
    SignedAgreement,
    SignedReading,
    Terms,
    Withdrawal,
    WithdrawalState,
)
from app.market.auction import MAX_LIFE, queue_of
from app.market.clearing import PricingRule
from app.market.typed_data import (
    CONSORTIUM_NAME,
    FORWARDER_NAME,
    MARKET_NAME,
    PAYMENT_NAME,
    REGISTRY_NAME,
    Domain,
    agreement_digest,
    is_agreement_signed,
    sign_agreement,
    sign_reading,
)

MAX_BATCH = 100
MAX_PAGE = 256
UNLIMITED = (1 << 256) - 1

MARKET = "EnergyMarket"
REGISTRY = "MeterRegistry"
ENERGY = "EnergyToken"
PAYMENT = "PaymentToken"
FORWARDER = "Forwarder"
AUCTION = "CallAuction"
TREASURY = "Treasury"

ReceiptListener = Callable[[Receipt], None]
Item = TypeVar("Item")


class ChainLedger:
    """The `Ledger` of the contracts behind a node. `on_receipt` hears of every transaction that
    has succeeded.

    Writes of one account follow one another in the order of the calls; those of several accounts
    go side by side.
    """

    def __init__(
        self,
        rpc: Rpc,
        deployment: Deployment,
        contracts: Contracts,
        keys: Keystore,
        *,
        clock: MarketClock,
        gas_price: int = 0,
        on_receipt: ReceiptListener | None = None,
    ) -> None:
        self.rpc = rpc
        self.deployment = deployment
        self.contracts = contracts
        self.keys = keys
        self.clock = clock
        self.on_receipt = on_receipt
        self.market_domain = self._domain(MARKET_NAME, MARKET)
        self.registry_domain = self._domain(REGISTRY_NAME, REGISTRY)
        self.forwarder_domain = self._domain(FORWARDER_NAME, FORWARDER)
        self.payment_domain = self._domain(PAYMENT_NAME, PAYMENT)
        self.consortium_domain = self._domain(CONSORTIUM_NAME, CONSORTIUM)
        self._gas_price = gas_price
        self._senders: dict[Address, Sender] = {}
        self._order_finder = OrderFinder(rpc, contracts, deployment.block)
        self._cleared: set[int] = set()

    @classmethod
    async def connect(
        cls,
        url: str,
        deployment: Deployment,
        keys: Keystore,
        *,
        clock: MarketClock | None = None,
        gas_price: int | None = None,
        on_receipt: ReceiptListener | None = None,
    ) -> Self:
        """Connects to a node and makes sure that the contracts are there.

        Without a `clock`, one that moves the time of a development chain and waits on others.
        Without a `gas_price` (in wei), nothing where a development chain asks nothing and
        otherwise what the node proposes. Raises ConfigurationError where node, deployment and
        build don't belong together.
        """
        rpc = Rpc(url)
        try:
            await deployment.check(rpc)
            contracts = Contracts.load(deployment)
            if clock is None:
                is_development = deployment.chain_id in DEVELOPMENT_CHAINS
                clock = await ChainClock.start(rpc) if is_development else WaitingClock()
            if gas_price is None:
                gas_price = await _usual_gas_price(rpc, deployment.chain_id)
        except BaseException:
            await rpc.close()
            raise
        return cls(
            rpc,
            deployment,
            contracts,
            keys,
            clock=clock,
            gas_price=gas_price,
            on_receipt=on_receipt,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.rpc.close()

    def resync(self) -> None:
        """Forgets the nonces and orders that it kept, after the chain was set back."""
        for sender in self._senders.values():
            sender.resync()
        self._order_finder.forget()
        self._cleared.clear()

    def now(self) -> int:
        return self.clock.now()

    # Any function of any contract

    async def read(self, contract: str, function: str, *arguments: object) -> Any:
        """Calls a view of a contract; structs are tuples both ways."""
        bound = self.contracts[contract]
        request = {"to": bound.address, "data": encode_hex(bound.encode(function, *arguments))}
        try:
            result = await self.rpc.read("eth_call", request, "latest")
        except RpcError as error:
            raise self.contracts.errors.translate(error, contract=contract) from error
        return bound.decode(function, decode_hex(result))

    async def write(
        self, sender: Address, contract: str, function: str, *arguments: object, items: int = 0
    ) -> Receipt:
        """Sends a transaction to a contract; `items` is how many a batch has."""
        data = self.contracts[contract].encode(function, *arguments)
        gas = bound_of(function).of(items)
        return await self.send(sender, contract, function, data, gas)

    # People, meters, money

    async def certify(
        self, sender: Address, meter: Address, owner: Address, kind: MeterKind, valid_until: int
    ) -> Receipt:
        return await self.write(sender, REGISTRY, "certify", meter, owner, int(kind), valid_until)

    async def revoke(self, sender: Address, meter: Address) -> Receipt:
        return await self.write(sender, REGISTRY, "revoke", meter)

    async def publish_info(self, sender: Address, info: ParticipantInfo) -> Receipt:
        published = (info.endpoint, info.household_id, info.meter, info.stealth_meta_address)
        return await self.write(sender, MARKET, "publishInfo", published)

    async def participant_info(self, participant: Address) -> ParticipantInfo:
        return ParticipantInfo(*await self.read(MARKET, "participantInfo", participant))

    async def is_participant(self, account: Address) -> bool:
        participates: bool = await self.read(MARKET, "isParticipant", account)
        return participates

    async def deposit(self, sender: Address, amount: int) -> Receipt:
        await self._approve(sender, MARKET, amount)
        return await self.write(sender, MARKET, "deposit", amount)

    async def withdraw(self, sender: Address, amount: int) -> Receipt:
        return await self.write(sender, MARKET, "withdraw", amount)

    async def account_of(self, participant: Address) -> Account:
        return Account(*await self.read(MARKET, "accountOf", participant))

    async def claim_of(self, participant: Address) -> int:
        return int(await self.read(MARKET, "claimOf", participant))

    async def pay_claim(self, sender: Address, participant: Address) -> Receipt:
        return await self.write(sender, MARKET, "payClaim", participant)

    async def payment_balance_of(self, holder: Address) -> int:
        return int(await self.read(PAYMENT, "balanceOf", holder))

    async def energy_balance_of(self, holder: Address) -> int:
        return int(await self.read(ENERGY, "balanceOf", holder))

    async def energy_totals(self) -> EnergyTotals:
        return EnergyTotals(*await self.read(ENERGY, "energyTotals"))

    # Money between the bank and the market

    async def confirm_deposit(
        self, sender: Address, holder: Address, amount: int, reference: bytes
    ) -> Receipt:
        return await self.write(sender, TREASURY, "confirmDeposit", holder, amount, reference)

    async def request_withdrawal(self, sender: Address, amount: int, payout_hash: bytes) -> Receipt:
        await self._approve(sender, TREASURY, amount)
        return await self.write(sender, TREASURY, "requestWithdrawal", amount, payout_hash)

    async def confirm_payout(
        self, sender: Address, withdrawal_id: int, reference: bytes
    ) -> Receipt:
        return await self.write(sender, TREASURY, "confirmPayout", withdrawal_id, reference)

    async def reject_withdrawal(self, sender: Address, withdrawal_id: int) -> Receipt:
        return await self.write(sender, TREASURY, "rejectWithdrawal", withdrawal_id)

    async def return_withdrawal(self, sender: Address, withdrawal_id: int) -> Receipt:
        return await self.write(sender, TREASURY, "returnWithdrawal", withdrawal_id)

    async def attest_reserve(self, sender: Address, amount: int, statement_hash: bytes) -> Receipt:
        return await self.write(sender, TREASURY, "attestReserve", amount, statement_hash)

    async def withdrawal_of(self, withdrawal_id: int) -> Withdrawal:
        holder, requested_at, state, *rest = await self.read(
            TREASURY, "withdrawalOf", withdrawal_id
        )
        return Withdrawal(holder, requested_at, WithdrawalState(state), *rest)

    async def reserve(self) -> Reserve:
        amount, attested_at = await self.read(TREASURY, "reserve")
        return Reserve(
            amount=amount,
            attested_at=attested_at,
            supply=await self.read(PAYMENT, "totalSupply"),
            threshold=await self.read(TREASURY, "threshold"),
            daily_limit=await self.read(TREASURY, "dailyLimit"),
            left_today=await self.read(TREASURY, "leftToday"),
        )

    async def _approve(self, sender: Address, spender: str, amount: int) -> None:
        """Lets a contract take payment tokens, where it may not take as many."""
        address = self.contracts[spender].address
        if await self.read(PAYMENT, "allowance", sender, address) < amount:
            await self.write(sender, PAYMENT, "approve", address, UNLIMITED)

    # Terms

    async def publish_terms(
        self, sender: Address, first_window: int, terms: Sequence[Terms]
    ) -> list[Receipt]:
        receipts = []
        published = 0
        for batch in _batches("publishTerms", terms):
            rows = [(each.grid_floor, each.grid_ceiling, each.penalty_rate) for each in batch]
            receipts.append(
                await self.write(
                    sender,
                    MARKET,
                    "publishTerms",
                    first_window + published,
                    rows,
                    items=len(rows),
                )
            )
            published += len(rows)
        return receipts

    async def terms_of(self, window: int) -> Terms:
        return Terms(*await self.read(MARKET, "termsOf", window))

    async def treasury(self) -> Address:
        treasury: Address = await self.read(MARKET, "treasury")
        return treasury

    # Offers

    async def make_offer(
        self, sender: Address, window: int, energy_wh: int, floor_price: int
    ) -> Receipt:
        return await self.write(sender, MARKET, "makeOffer", window, energy_wh, floor_price)

    async def cancel_offer(self, sender: Address, offer_id: int) -> Receipt:
        return await self.write(sender, MARKET, "cancelOffer", offer_id)

    async def offers(self, window: int) -> list[Offer]:
        found: list[Offer] = []
        while True:
            page, total = await self.read(MARKET, "getOffers", window, len(found), MAX_PAGE)
            found.extend(Offer(*offer) for offer in page)
            if not page or len(found) >= total:
                return found

    async def offer(self, offer_id: int) -> Offer:
        return Offer(*await self.read(MARKET, "offerOf", offer_id))

    # The call auction

    @property
    def auction_address(self) -> Address:
        return self.contracts[AUCTION].address

    async def place_order(
        self,
        sender: Address,
        side: Side,
        energy_wh: int,
        limit_price: int,
        window: int,
        expires_at: int,
    ) -> Receipt:
        return await self.write(
            sender,
            AUCTION,
            "placeOrder",
            int(side),
            energy_wh,
            limit_price,
            window,
            expires_at,
        )

    async def cancel_order(self, sender: Address, order_id: int) -> Receipt:
        return await self.write(sender, AUCTION, "cancelOrder", order_id)

    async def release_orders(self, sender: Address, order_ids: Sequence[int]) -> list[Receipt]:
        return [
            await self.write(sender, AUCTION, "releaseOrders", list(batch), items=len(batch))
            for batch in _batches("releaseOrders", order_ids)
        ]

    async def order(self, order_id: int) -> Order:
        return _order(await self.read(AUCTION, "orderOf", order_id))

    async def orders(self, window: int) -> list[Order]:
        book = await self.book_of(window)
        if book.buys + book.sells == 0:
            return []
        orders = await self._live_orders(window)
        if book.state is not BookState.OPEN and len(orders) != book.buys + book.sells:
            # Only a chain that went another way can have hidden an order of a closed book.
            self._order_finder.forget()
            orders = await self._live_orders(window)
        return orders

    async def _live_orders(self, window: int) -> list[Order]:
        windows = range(await self._oldest_in_book_of(window), window + 1)
        found: list[Order] = []
        for page in _slices(await self._order_finder.placed_for(windows), MAX_PAGE):
            found.extend(map(_order, await self.read(AUCTION, "getOrders", list(page))))
        self._order_finder.drop(windows, (order.id for order in found if order.energy_wh == 0))
        return [order for order in found if order.energy_wh > 0 and order.window in windows]

    async def book_of(self, window: int) -> Book:
        if AUCTION not in self.contracts:  # they were deployed when there was none
            return Book(0, 0, BookState.CLOSED)
        buys, sells, state = await self.read(AUCTION, "bookOf", window)
        return Book(buys, sells, BookState(state))

    async def clear(self, sender: Address, window: int) -> list[Receipt]:
        """Goes on where somebody else has begun."""
        if (await self.book_of(window)).state is BookState.CLEARING:
            buy_ids, sell_ids = await self._order_finder.lists_of_clearing(window)
        else:
            book = await self.orders(window)
            buy_ids, sell_ids = ([order.id for order in queue_of(book, side)] for side in Side)
        receipts: list[Receipt] = []
        while not (receipts and receipts[-1].result):
            receipts.append(
                await self.write(
                    sender,
                    AUCTION,
                    "clear",
                    window,
                    buy_ids,
                    sell_ids,
                    items=len(buy_ids) + len(sell_ids),
                )
            )
        return receipts

    async def pricing_rule_of(self, window: int) -> PricingRule:
        return PricingRule(await self.read(AUCTION, "pricingRuleOf", window))

    async def set_pricing_rule(self, sender: Address, rule: PricingRule) -> Receipt:
        """By a decision of the members whose keys are here, which `sender` proposes."""
        return await decide(self, sender, AUCTION, "setPricingRule", int(rule))

    async def _oldest_in_book_of(self, window: int) -> int:
        """The first window whose orders can have been carried on to a book: without a gap."""
        oldest = window
        while oldest > window - MAX_LIFE and await self._is_cleared(oldest - 1):
            oldest -= 1
        return oldest

    async def _is_cleared(self, window: int) -> bool:
        if window not in self._cleared:
            if (await self.book_of(window)).state is not BookState.CLEARED:
                return False
            self._cleared.add(window)
        return True

    # Agreements

    def sign_agreement(self, agreement: Agreement) -> SignedAgreement:
        return sign_agreement(self.market_domain, agreement, self.keys.key_of(agreement.buyer))

    def verify_agreement(self, signed: SignedAgreement) -> bool:
        return is_agreement_signed(self.market_domain, signed)

    def agreement_id(self, agreement: Agreement) -> bytes:
        return agreement_digest(self.market_domain, agreement)

    async def allow_transactions(
        self, sender: Address, agreements: Sequence[SignedAgreement]
    ) -> list[Receipt]:
        return [
            await self.write(
                sender,
                MARKET,
                "allowTransactions",
                [_agreement_row(signed.agreement) for signed in batch],
                [signed.signature for signed in batch],
                items=len(batch),
            )
            for batch in _batches("allowTransactions", agreements)
        ]

    async def make_transactions(
        self, sender: Address, agreements: Sequence[Agreement]
    ) -> list[Receipt]:
        return [
            await self.write(
                sender,
                MARKET,
                "makeTransactions",
                [_agreement_row(agreement) for agreement in batch],
                items=len(batch),
            )
            for batch in _batches("makeTransactions", agreements)
        ]

    async def agreement_state(self, agreement_id: bytes) -> AgreementState:
        return AgreementState(await self.read(MARKET, "agreementState", agreement_id))

    # Readings and positions

    def sign_reading(self, reading: Reading) -> SignedReading:
        return sign_reading(self.registry_domain, reading, self.keys.key_of(reading.meter))

    async def submit_readings(
        self, sender: Address, readings: Sequence[SignedReading]
    ) -> list[Receipt]:
        return [
            await self.write(
                sender,
                REGISTRY,
                "submitReadings",
                [_reading_row(signed.reading) for signed in batch],
                [signed.signature for signed in batch],
                items=len(batch),
            )
            for batch in _batches("submitReadings", readings)
        ]

    async def reading_of(self, owner: Address, window: int) -> RecordedReading:
        return RecordedReading(*await self.read(REGISTRY, "readingOf", owner, window))

    async def audit_threshold(self) -> int:
        return int(await self.read(REGISTRY, "threshold"))

    async def doubt_reading(self, sender: Address, owner: Address, window: int) -> Receipt:
        return await self.write(sender, REGISTRY, "doubtReading", owner, window)

    async def confirm_reading(self, sender: Address, owner: Address, window: int) -> Receipt:
        return await self.write(sender, REGISTRY, "confirmReading", owner, window)

    async def correct_reading(self, sender: Address, correction: Correction) -> Receipt:
        return await self.write(sender, REGISTRY, "correctReading", _correction_row(correction))

    async def close_positions(
        self, sender: Address, participants: Sequence[Address], window: int
    ) -> list[Receipt]:
        return [
            await self.write(
                sender, MARKET, "closePositions", list(batch), window, items=len(batch)
            )
            for batch in _batches("closePositions", participants)
        ]

    async def position_of(self, participant: Address, window: int) -> Position:
        return Position(*await self.read(MARKET, "positionOf", participant, window))

    async def lapses_of(self, participant: Address, first_window: int, windows: int) -> Lapses:
        return Lapses(*await self.read(MARKET, "lapsesOf", participant, first_window, windows))

    async def send(
        self, sender: Address, contract: str, function: str, data: bytes, gas: int
    ) -> Receipt:
        """Sends encoded input to a contract; the receipt is that of `function`."""
        call = Call(self.contracts[contract].address, data, gas, contract=contract)
        mined = await self._sender(sender).send(call)
        events = self.contracts.events(mined.logs)
        receipt = Receipt(
            function=function,
            sender=sender,
            transaction_hash=mined.hash,
            block_number=mined.block_number,
            gas_used=mined.gas_used,
            result=_result(function, events),
            events=events,
        )
        if self.on_receipt is not None:
            self.on_receipt(receipt)
        return receipt

    def _sender(self, address: Address) -> Sender:
        sender = self._senders.get(address)
        if sender is None:
            sender = Sender(
                self.rpc,
                self.keys.key_of(address),
                chain_id=self.deployment.chain_id,
                errors=self.contracts.errors,
                gas_price=self._gas_price,
            )
            # The same account in another spelling shares its sender.
            sender = self._senders.setdefault(sender.address, sender)
            self._senders[address] = sender
        return sender

    def _domain(self, name: str, contract: str) -> Domain:
        return Domain(name, self.deployment.chain_id, self.contracts[contract].address)


def _agreement_row(agreement: Agreement) -> tuple[object, ...]:
    return (
        agreement.offer_id,
        agreement.seller,
        agreement.buyer,
        agreement.window,
        agreement.energy_wh,
        agreement.price,
        agreement.deadline,
        agreement.salt,
    )


def _reading_row(reading: Reading) -> tuple[object, ...]:
    return (
        reading.meter,
        reading.window,
        reading.exported_wh,
        reading.imported_wh,
        reading.losses_wh,
        reading.data_root,
    )


def _correction_row(correction: Correction) -> tuple[object, ...]:
    return (
        correction.owner,
        correction.window,
        correction.exported_wh,
        correction.imported_wh,
        correction.losses_wh,
        correction.data_root,
    )


def _order(row: tuple[Any, ...]) -> Order:
    order_id, owner, side, *rest = row
    return Order(order_id, owner, Side(side), *rest)


def _batches(function: str, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return _slices(items, bound_of(function).items(MAX_BATCH))


def _slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


# Functions that are called until something has happened -> the event of its happening.
_LAST_STEPS: Mapping[str, str] = {
    "clear": "BookCleared",
    "confirmDeposit": "DepositMinted",
    "confirmPayout": "WithdrawalPaid",
    "rejectWithdrawal": "WithdrawalReturned",
    "confirmReading": "ReadingReleased",
    "correctReading": "ReadingCorrected",
}


def _result(function: str, events: Sequence[Event]) -> object:
    """What a function returned, as far as its events tell; a transaction returns nothing."""
    match function:
        case "makeOffer":
            return _first(events, "OfferMade", "offerId")
        case "allowTransaction":
            return _first(events, "TransactionAllowed", "agreementId")
        case "allowTransactions":
            return tuple(
                event.arguments["agreementId"]
                for event in events
                if event.name == "TransactionAllowed"
            )
        case "placeOrder":
            return _first(events, "OrderPlaced", "orderId")
        case "requestWithdrawal":
            return _first(events, "WithdrawalRequested", "withdrawalId")
        case "propose":
            return _first(events, "ProposalCreated", "proposalId")
        case "payClaim":
            return _first(events, "ClaimPaid", "amount")
    last = _LAST_STEPS.get(function)
    return None if last is None else any(event.name == last for event in events)


def _first(events: Sequence[Event], name: str, argument: str) -> object:
    return next((event.arguments[argument] for event in events if event.name == name), None)


async def _usual_gas_price(rpc: Rpc, chain_id: int) -> int:
    latest = await rpc.read("eth_getBlockByNumber", "latest", False)
    has_base_fee = latest.get("baseFeePerGas") is not None
    if chain_id in DEVELOPMENT_CHAINS and not has_base_fee:
        return 0
    proposed = await rpc.eth.gas_price
    # The base fee may rise until the transaction is in a block.
    return 2 * proposed if has_base_fee else proposed
