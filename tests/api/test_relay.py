"""Users who keep their key to themselves: here it is one that the gateway does not have."""

import secrets
from dataclasses import dataclass

import pytest
import pytest_asyncio
from coincurve import PrivateKey
from eth_account import Account
from eth_account.messages import encode_typed_data

from app.chain.keys import AUDITORS, development_address
from app.ledger.types import MeterKind
from app.market.typed_data import address_of
from app.market.windows import commit_start, window_end, window_start
from tests.api.market import NOON, PRICE, YEAR, Household, Market

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class Wallet:
    """A user with a wallet of its own: it signs what the gateway shows it, and nothing else."""

    key: PrivateKey
    meter: PrivateKey

    @property
    def account(self) -> str:
        return address_of(self.key.public_key)

    def sign(self, typed_data: dict[str, object]) -> str:
        message = encode_typed_data(full_message=typed_data)
        return "0x" + bytes(Account.sign_message(message, self.key.secret).signature).hex()

    def sign_as_meter(self, typed_data: dict[str, object]) -> str:
        return Wallet(self.meter, self.meter).sign(typed_data)


async def request(market: Market, wallet: Wallet, action: str, **body: object):
    """What the gateway gives to sign, signed."""
    shown = await market.post(f"/typed-data/{action}", {"from": wallet.account} | body, 200)
    return {"request": shown["request"], "signature": wallet.sign(shown["typed_data"])}


async def relayed(market: Market, wallet: Wallet, action: str, **body: object):
    return await market.post("/relay", await request(market, wallet, action, **body))


@pytest_asyncio.fixture(loop_scope="session")
async def wallet(market: Market) -> Wallet:
    """A user who has joined and deposited by signatures alone."""
    wallet = Wallet(PrivateKey(secrets.token_bytes(32)), PrivateKey(secrets.token_bytes(32)))
    meter = address_of(wallet.meter.public_key)
    await market.ledger.certify(
        development_address(AUDITORS[0]), meter, wallet.account, MeterKind.HOUSEHOLD, NOON + YEAR
    )
    await market.mint(wallet.account, 50_000_000)
    await relayed(
        market,
        wallet,
        "publish-info",
        endpoint="tcp://mine",
        household_id="0x" + "00" * 32,
        meter=meter,
    )
    await deposit(market, wallet, 40_000_000)
    return wallet


async def deposit(market: Market, wallet: Wallet, amount: int):
    deadline = market.now() + 3_600
    permit = await market.post(
        "/typed-data/permit",
        {"owner": wallet.account, "amount": amount, "deadline": deadline},
        200,
    )
    return await relayed(
        market,
        wallet,
        "deposit-with-permit",
        amount=amount,
        permit_deadline=deadline,
        permit_signature=wallet.sign(permit["typed_data"]),
    )


async def test_a_user_joins_and_deposits_without_gas(market: Market, wallet: Wallet) -> None:
    joined = await market.get(f"/participants/{wallet.account}")
    assert joined["development"] is False
    balance = await market.get(f"/balances/{wallet.account}")
    assert (balance["free"], balance["payment_tokens"]) == (40_000_000, 10_000_000)
    sent = await market.get("/transactions", account=wallet.account)
    assert [each["function"] for each in sent["items"]] == ["depositWithPermit", "publishInfo"]
    assert {each["sender"] for each in sent["items"]} == {market.services.relayer.account}
    assert {each["signer"] for each in sent["items"]} == {wallet.account}


async def test_a_user_sells_from_offer_to_payment(
    market: Market, wallet: Wallet, buyer: Household
) -> None:
    window = market.next_window()
    offered = await relayed(
        market, wallet, "make-offer", window=window, energy_wh=900, floor_price=PRICE
    )
    assert (offered["signer"], offered["function"]) == (wallet.account, "makeOffer")
    (offer,) = (await market.get("/offers", seller=wallet.account))["items"]
    agreement = {
        "offer_id": offer["offer_id"],
        "seller": wallet.account,
        "buyer": buyer.account,
        "window": window,
        "energy_wh": 900,
        "price": PRICE,
        "deadline": window_start(window),
        "salt": "1",
    }
    signed = await market.post(
        "/agreements/signatures", {"from": buyer.account, "agreement": agreement}, 200
    )
    await market.advance_to(commit_start(window))
    agreements = [{"agreement": signed["agreement"], "signature": signed["signature"]}]
    await relayed(market, wallet, "allow-transactions", agreements=agreements)
    found = await market.get(f"/agreements/{signed['agreement_id']}")
    assert found["salt"] == "1"  # read from inside the relayed request

    await market.advance_to(window_end(window))
    meter = address_of(wallet.meter.public_key)
    reading = {"meter": meter, "window": window, "exported_wh": 900, "imported_wh": 0}
    shown = await market.post("/typed-data/reading", reading, 200)
    own = reading | {"signature": wallet.sign_as_meter(shown["typed_data"])}
    theirs = await market.post(
        "/readings/signatures",
        {"from": buyer.meter, "window": window, "exported_wh": 0, "imported_wh": 900},
        200,
    )
    await market.post("/readings", {"readings": [own, theirs]})
    await relayed(market, wallet, "make-transactions", agreement_ids=[signed["agreement_id"]])
    settlement = await market.get(f"/settlements/{signed['agreement_id']}")
    assert settlement["paid"] == PRICE * 900 // 1_000
    await relayed(market, wallet, "close-positions", window=window, participants=[wallet.account])
    (position,) = (await market.get("/positions", participant=wallet.account))["items"]
    assert position["net_wh"] == 0
    await relayed(market, wallet, "withdraw", amount=1_000)
    balance = await market.get(f"/balances/{wallet.account}")
    assert balance["payment_tokens"] == 10_001_000


async def test_a_user_buys_with_its_own_signature(market: Market, wallet: Wallet) -> None:
    seller = await market.household()
    offer_id = await market.offer(seller)
    window = offer_id >> 32
    agreement = {
        "offer_id": offer_id,
        "seller": seller.account,
        "buyer": wallet.account,
        "window": window,
        "energy_wh": 5,
        "price": PRICE,
        "deadline": window_start(window),
    }
    shown = await market.post("/typed-data/agreement", agreement, 200)
    signed = {"agreement": agreement, "signature": wallet.sign(shown["typed_data"])}
    await market.advance_to(commit_start(window))
    written = await market.post("/agreements", {"from": seller.account, "agreements": [signed]})
    assert written["agreement_ids"] == [shown["agreement_id"]]


async def test_a_user_takes_an_offer_back(market: Market, wallet: Wallet) -> None:
    window = market.next_window()
    await relayed(market, wallet, "make-offer", window=window, energy_wh=9, floor_price=PRICE)
    (offer, *_) = (await market.get("/offers", seller=wallet.account))["items"]
    await relayed(market, wallet, "cancel-offer", offer_id=offer["offer_id"])
    found = await market.get(f"/offers/{offer['offer_id']}")
    assert found["state"] == "cancelled"


async def test_a_user_orders_in_the_auction_and_takes_it_back(
    market: Market, wallet: Wallet
) -> None:
    order = {"side": "buy", "window": market.next_window(), "energy_wh": 9, "limit_price": PRICE}
    placed = await relayed(market, wallet, "place-order", **order)
    assert (placed["signer"], placed["function"]) == (wallet.account, "placeOrder")
    (found,) = (await market.get("/orders", owner=wallet.account))["items"]
    assert (found["side"], found["energy_wh"], found["state"]) == ("buy", 9, "open")
    assert found["transaction_hash"] == placed["transactions"][0]["hash"]
    await relayed(market, wallet, "cancel-order", order_id=found["order_id"])
    (found,) = (await market.get("/orders", owner=wallet.account))["items"]
    assert found["state"] == "cancelled"


async def test_what_the_auction_refuses_costs_nothing(market: Market, wallet: Wallet) -> None:
    order = {"side": "sell", "window": 1, "energy_wh": 9, "limit_price": PRICE}
    body = await request(market, wallet, "place-order", **order)
    head = (await market.index.reader.head()).number
    problem = await market.post("/relay", body, 409)
    assert (problem["error"], problem["contract"]) == ("WindowClosed", "CallAuction")
    assert (await market.index.reader.head()).number == head


async def test_a_function_of_the_market_is_not_relayed_to_the_auction(
    market: Market, wallet: Wallet
) -> None:
    body = await request(market, wallet, "withdraw", amount=1)
    to = market.ledger.contracts["CallAuction"].address
    problem = await market.post("/relay", body | {"request": body["request"] | {"to": to}}, 422)
    assert problem["errors"][0]["field"] == "body.request.data"


async def test_a_request_counts_once(market: Market, wallet: Wallet) -> None:
    body = await request(market, wallet, "withdraw", amount=1)
    await market.post("/relay", body)
    problem = await market.post("/relay", body, 409)
    assert "nonce" in problem["detail"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"deadline": 1}, 403),  # no longer what was signed
        ({"gas": 700_000}, 403),
        ({"nonce": "99"}, 403),
        ({"gas": 20_999}, 422),
        ({"gas": 30_000_000}, 422),
        ({"value": 1}, 422),
        ({"deadline": 2**48}, 422),
        ({"to": "0x" + "11" * 20}, 422),
        ({"data": "0x12"}, 422),
        ({"data": "0x" + "12" * 70_000}, 422),
        ({"data": "0x1234567890"}, 422),
        ({"nonce": -1}, 422),
        ({"relayer": "me"}, 422),
    ],
)
async def test_what_was_changed_or_makes_no_sense_is_refused(
    market: Market, wallet: Wallet, change: dict[str, object], status: int
) -> None:
    body = await request(market, wallet, "withdraw", amount=1)
    head = (await market.index.reader.head()).number
    await market.post("/relay", body | {"request": body["request"] | change}, status)
    assert (await market.index.reader.head()).number == head


async def test_somebody_elses_signature_is_refused(market: Market, wallet: Wallet) -> None:
    other = Wallet(PrivateKey(secrets.token_bytes(32)), wallet.meter)
    shown = await market.post("/typed-data/withdraw", {"from": wallet.account, "amount": 1}, 200)
    body = {"request": shown["request"], "signature": other.sign(shown["typed_data"])}
    await market.post("/relay", body, 403)


@pytest.mark.parametrize("signature", ["0x", "0x" + "00" * 65, "0x" + "ff" * 65])
async def test_no_signature_is_refused(market: Market, wallet: Wallet, signature: str) -> None:
    body = await request(market, wallet, "withdraw", amount=1) | {"signature": signature}
    response = await market.http.post("/api/v1/relay", json=body)
    assert response.status_code in (403, 422)


async def test_what_has_expired_is_refused(market: Market, wallet: Wallet) -> None:
    body = await request(market, wallet, "withdraw", amount=1, deadline=market.now() - 1)
    problem = await market.post("/relay", body, 409)
    assert "expired" in problem["detail"]


async def test_what_the_market_refuses_costs_nothing(market: Market, wallet: Wallet) -> None:
    body = await request(market, wallet, "make-offer", window=1, energy_wh=1, floor_price=PRICE)
    head = (await market.index.reader.head()).number
    problem = await market.post("/relay", body, 409)
    assert problem["error"] == "WindowClosed"
    assert (await market.index.reader.head()).number == head


async def test_only_what_participants_do_is_relayed(market: Market, wallet: Wallet) -> None:
    body = await request(market, wallet, "withdraw", amount=1)
    data = market.ledger.contracts["EnergyMarket"].encode("pause")
    body["request"]["data"] = "0x" + data.hex() + "00" * 4
    problem = await market.post("/relay", body, 422)
    assert problem["errors"][0]["field"] == "body.request.data"


async def test_a_large_batch_is_not_relayed(market: Market, wallet: Wallet) -> None:
    body = {"from": wallet.account, "window": 1, "participants": [wallet.account] * 100}
    problem = await market.post("/typed-data/close-positions", body, 422)
    assert "split" in problem["detail"]
