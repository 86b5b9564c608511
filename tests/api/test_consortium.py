"""Members decide together, over HTTP and on the contract."""

import secrets
from typing import Any

import pytest
import pytest_asyncio
from coincurve import PrivateKey

from app.chain.keys import household_address
from app.ledger.consortium import Consortium, ProposedCall
from app.market.typed_data import address_of
from tests.api.market import Household, Market
from tests.api.test_relay import Wallet, relayed

pytestmark = pytest.mark.asyncio(loop_scope="session")

THRESHOLD = {"contract": "Treasury", "function": "setThreshold", "arguments": {"count": 2}}


def admission(account: str, household_id: int) -> dict[str, Any]:
    return {
        "contract": "Membership",
        "function": "admit",
        "arguments": {"account": account, "householdId": f"0x{household_id:064x}"},
    }


def new_household() -> int:
    """A household's id that nobody has."""
    return secrets.randbits(31) + 1_000


async def call_of(market: Market, proposal_id: str) -> dict[str, Any]:
    (call,) = (await market.get(f"/consortium/proposals/{proposal_id}"))["calls"]
    return dict(call)


async def state_on_chain(market: Market, proposal_id: str) -> str:
    return (await Consortium(market.ledger).state_of(int(proposal_id))).name.lower()


@pytest.fixture
def stranger() -> str:
    """A development account that is no member."""
    return household_address(95)


@pytest_asyncio.fixture(loop_scope="session")
async def own_key(market: Market, members: list[str]) -> Wallet:
    """A member whose key the gateway does not have."""
    wallet = Wallet(PrivateKey(secrets.token_bytes(32)), PrivateKey(secrets.token_bytes(32)))
    await market.decide(members, admission(wallet.account, new_household()))
    return wallet


async def test_the_rules_are_told(market: Market, auditors: list[str], operator: str) -> None:
    found = await market.get("/consortium")
    assert found["rules"] == {
        "voting_delay_s": 0,
        "voting_period_s": 6 * 3_600,
        "execution_delay_s": 3_600,
        "quorum_percent": 50,
    }
    consortium = market.ledger.contracts["Consortium"].address
    assert found["roles"]["auditor"] == [*auditors, consortium]
    assert found["roles"]["operator"] == [operator, consortium]
    assert found["roles"]["admin"] == [consortium]
    assert found["thresholds"] == {"auditors": 2, "treasurers": 2}
    assert found["term_limits"] == {
        "min_grid_floor": 10_000,
        "max_grid_ceiling": 1_000_000,
        "max_penalty_rate": 500_000,
    }
    assert found["members"] == len(await Consortium(market.ledger).members())
    assert (found["paused"], found["paused_until"]) == (False, None)


async def test_a_household_is_admitted(market: Market, members: list[str]) -> None:
    newcomer, number = address_of(PrivateKey(secrets.token_bytes(32)).public_key), new_household()
    before = (await market.get("/consortium"))["members"]
    async with market.feed() as feed:
        proposal_id = await market.propose(members[0], admission(newcomer, number))
        told, _ = await feed.until("consortium_proposal")
        assert told["proposal_id"] == proposal_id
        url = f"/consortium/proposals/{proposal_id}"
        found = await market.get(url)
        assert (found["state"], found["eta"]) == ("active", None)
        assert found["calls"] == [
            admission(newcomer, number)
            | {
                "value": "0",
                "sentence": f"Admit {newcomer[:6]}..{newcomer[-4:]} as household {number}",
            }
        ]
        words = "The more the merrier"
        votes = (
            (members[0], {"support": "for", "reason": words}),
            (members[1], {"support": "for"}),
            (members[2], {"support": "for"}),
            (members[3], {"support": "against"}),
        )
        for voter, vote in votes:
            await market.post(f"{url}/votes", {"from": voter} | vote)
        await feed.until("ballot", lambda ballot: ballot["voter"] == members[3])
        found = await market.get(url)
        assert found["votes"] == {
            "for": 3,
            "against": 1,
            "abstain": 0,
            "quorum": -(-before // 2),
            "members": before,
        }
        assert [(each["voter"], each["support"], each["reason"]) for each in found["ballots"]] == [
            (members[0], "for", words),
            (members[1], "for", ""),
            (members[2], "for", ""),
            (members[3], "against", ""),
        ]
        await market.advance_to(found["vote_end"] + 1)
        await market.queue(proposal_id, members[3])
        await market.post(f"{url}/execution", {"from": members[3]})
        await feed.until("membership", lambda each: each["account"] == newcomer)
    found = await market.get(url)
    assert found["state"] == "executed"
    assert [each["step"] for each in found["transactions"]] == ["proposed", "queued", "executed"]
    latest = (await market.get("/consortium/members", limit=1))["items"][0]
    assert (latest["account"], latest["is_member"], latest["votes"]) == (newcomer, True, 1)
    assert latest["since"] == found["transactions"][-1]["at"]
    assert latest["development"] is False


async def test_every_state_is_that_of_the_contract(market: Market, members: list[str]) -> None:
    async def states(proposal_id: str) -> set[str]:
        found = await market.get(f"/consortium/proposals/{proposal_id}")
        return {found["state"], await state_on_chain(market, proposal_id)}

    await market.advance_to(market.now() + 1)
    body = {"from": members[0], "calls": [THRESHOLD]}
    made = await market.post("/consortium/proposals", body | {"description": secrets.token_hex(8)})
    taken_back = made["proposal_id"]
    assert await states(taken_back) == {"pending"}
    url = f"/consortium/proposals/{taken_back}"
    await market.post(f"{url}/cancellation", {"from": members[0]})
    assert await states(taken_back) == {"canceled"}

    wanted, missed = [await market.propose(members[0], THRESHOLD) for _ in range(2)]
    assert await states(wanted) == {"active"}
    await market.pass_vote(wanted, *members)
    assert await states(wanted) == {"succeeded"}
    await market.advance_to(market.now() + 5)
    assert await states(missed) == {"defeated"}
    await market.queue(wanted, members[0])
    assert await states(wanted) == {"queued"}
    defeated = await market.get("/consortium/proposals", state="defeated", limit=200)
    assert missed in [each["id"] for each in defeated["items"]]
    assert {each["state"] for each in defeated["items"]} == {"defeated"}


async def test_a_signed_ballot_is_relayed(
    market: Market, members: list[str], own_key: Wallet
) -> None:
    proposal_id = await market.propose(members[0], THRESHOLD)
    url = f"/consortium/proposals/{proposal_id}/votes"
    ballot = {"voter": own_key.account, "proposal_id": proposal_id, "support": "abstain"}
    shown = await market.post("/typed-data/vote", ballot, 200)
    vote = {"voter": own_key.account, "support": "abstain"}
    signature = own_key.sign(shown["typed_data"])

    by_another = Wallet(own_key.meter, own_key.meter).sign(shown["typed_data"])
    problem = await market.post(url, vote | {"signature": by_another}, 403)
    assert problem["error"] == "GovernorInvalidSignature"
    assert "/api/v1/typed-data/vote" in problem["hint"]
    problem = await market.post(url, vote | {"support": "for", "signature": signature}, 403)
    assert problem["error"] == "GovernorInvalidSignature"

    written = await market.post(url, vote | {"signature": signature})
    (sent,) = written["transactions"]
    assert (sent["function"], sent["sender"]) == ("castVoteBySig", market.services.relayer.account)
    found = await market.get(f"/consortium/proposals/{proposal_id}")
    assert [(each["voter"], each["support"]) for each in found["ballots"]] == [
        (own_key.account, "abstain")
    ]
    spent = await market.ledger.rpc.read("eth_blockNumber")
    await market.post(url, vote | {"signature": signature}, 403)
    assert await market.ledger.rpc.read("eth_blockNumber") == spent  # refused before it is sent


async def test_a_signed_proposal_is_relayed(
    market: Market, members: list[str], own_key: Wallet
) -> None:
    await market.advance_to(market.now() + 1)
    sent = await relayed(
        market, own_key, "propose", description=secrets.token_hex(8), calls=[THRESHOLD]
    )
    assert (sent["signer"], sent["function"]) == (own_key.account, "propose")
    (latest,) = (await market.get("/consortium/proposals", limit=1))["items"]
    assert latest["proposer"] == own_key.account
    await market.advance_to(market.now() + 1)
    await market.pass_vote(latest["id"], *members)
    await relayed(market, own_key, "queue-proposal", proposal_id=latest["id"])
    found = await market.get(f"/consortium/proposals/{latest['id']}")
    await market.advance_to(found["eta"])
    await relayed(market, own_key, "execute-proposal", proposal_id=latest["id"])
    found = await market.get(f"/consortium/proposals/{latest['id']}")
    assert found["state"] == "executed"


async def test_outsiders_have_no_say(market: Market, members: list[str], stranger: str) -> None:
    body = {"from": stranger, "description": "Mine", "calls": [THRESHOLD]}
    problem = await market.post("/consortium/proposals", body, 403)
    assert problem["error"] == "GovernorInsufficientProposerVotes"
    assert "members propose" in problem["hint"]
    proposal_id = await market.propose(members[0], THRESHOLD)
    url = f"/consortium/proposals/{proposal_id}"
    problem = await market.post(f"{url}/votes", {"from": stranger, "support": "for"}, 403)
    assert (problem["error"], problem["arguments"]) == ("NotMember", {"account": stranger})
    assert "by vote" in problem["hint"]
    problem = await market.post(f"{url}/cancellation", {"from": stranger}, 409)
    assert problem["error"] == "GovernorUnableToCancel"
    unknown = "0x" + "77" * 20
    for path, more in (("votes", {"support": "for"}), ("queue", {}), ("execution", {})):
        problem = await market.post(f"{url}/{path}", {"from": unknown} | more, 403)
        assert "no development account" in problem["detail"]


async def test_steps_out_of_turn_are_refused(market: Market, members: list[str]) -> None:
    proposal_id = await market.propose(members[0], THRESHOLD)
    url = f"/consortium/proposals/{proposal_id}"
    vote = {"from": members[0], "support": "for"}
    await market.post(f"{url}/votes", vote)
    problem = await market.post(f"{url}/votes", vote | {"support": "against"}, 409)
    assert problem["error"] == "GovernorAlreadyCastVote"
    for step in ("queue", "execution"):
        problem = await market.post(f"{url}/{step}", {"from": members[0]}, 409)
        assert problem["error"] == "GovernorUnexpectedProposalState"
        assert "`state`" in problem["hint"]
    await market.pass_vote(proposal_id, *members[1:])
    problem = await market.post(f"{url}/votes", vote, 409)
    assert problem["error"] == "GovernorUnexpectedProposalState"
    problem = await market.post(f"{url}/execution", {"from": members[0]}, 409)
    assert problem["error"] == "NotQueued"
    await market.post(f"{url}/queue", {"from": members[0]})
    problem = await market.post(f"{url}/execution", {"from": members[0]}, 409)
    assert problem["error"] == "GovernorUnmetDelay"


async def test_a_vote_waits_for_its_moment(market: Market, members: list[str]) -> None:
    body = {"from": members[0], "description": secrets.token_hex(8), "calls": [THRESHOLD]}
    await market.advance_to(market.now() + 1)
    made = await market.post("/consortium/proposals", body)
    url = f"/consortium/proposals/{made['proposal_id']}/votes"
    vote = {"from": members[1], "support": "for"}
    problem = await market.post(url, vote, 409)
    assert problem["error"] == "GovernorUnexpectedProposalState"
    async with market.time_passing(speed=600):
        await market.post(url, vote, 201, {"Prefer": "wait=20"})


async def test_what_nobody_has_proposed(market: Market, members: list[str]) -> None:
    for number in ("1", str(2**256 - 1)):
        problem = await market.get(f"/consortium/proposals/{number}", 404)
        assert "lists them all" in problem["hint"]
        body = {"from": members[0]}
        await market.post(f"/consortium/proposals/{number}/queue", body, 404)
        await market.post(f"/consortium/proposals/{number}/execution", body, 404)
        await market.post(f"/consortium/proposals/{number}/cancellation", body, 404)
        await market.post(f"/consortium/proposals/{number}/votes", body | {"support": "for"}, 404)
    for number in (str(2**256), "-1", "0x1", "a", "1" * 79):
        problem = await market.get(f"/consortium/proposals/{number}", 422)
        assert problem["errors"][0]["field"] == "path.proposal_id"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"description": ""}, "body.description"),
        ({"description": "x" * 2_001}, "body.description"),
        ({"description": "a\0b"}, "body.description"),
        ({"calls": []}, "body.calls"),
        ({"calls": [THRESHOLD] * 11}, "body.calls"),
        ({"calls": [THRESHOLD | {"value": 1}]}, "body.calls.0.value"),
        ({"calls": [THRESHOLD | {"contract": "Nothing"}]}, "body.calls.0.contract"),
        ({"calls": [THRESHOLD, THRESHOLD | {"function": "gone"}]}, "body.calls.1.function"),
        ({"calls": [THRESHOLD | {"arguments": {}}]}, "body.calls.0.arguments.count"),
        (
            {"calls": [THRESHOLD | {"arguments": {"count": 2, "more": 1}}]},
            "body.calls.0.arguments.more",
        ),
        (
            {"calls": [THRESHOLD | {"arguments": {"count": -1}}]},
            "body.calls.0.arguments.count",
        ),
        (
            {"calls": [THRESHOLD | {"arguments": {"count": str(2**256)}}]},
            "body.calls.0.arguments.count",
        ),
        (
            {"calls": [THRESHOLD | {"arguments": {"count": True}}]},
            "body.calls.0.arguments.count",
        ),
    ],
)
async def test_a_bad_proposal_is_named(
    market: Market, members: list[str], change: dict[str, Any], field: str
) -> None:
    body = {"from": members[0], "description": "Bad", "calls": [THRESHOLD]} | change
    problem = await market.post("/consortium/proposals", body, 422)
    assert problem["errors"][0]["field"] == field
    assert problem["errors"][0]["rule"]


@pytest.mark.parametrize(
    ("contract", "function", "arguments", "field"),
    [
        ("Membership", "admit", {"account": "0x12", "householdId": "0x" + "00" * 32}, "account"),
        (
            "Membership",
            "admit",
            {"account": "0x5E661b79FE2D3F6cE70F5AAC07d8Cd9abb2743F1", "householdId": "0x"},
            "account",
        ),
        ("Membership", "admit", {"account": "0x" + "11" * 20, "householdId": "0x1"}, "householdId"),
        ("Membership", "setDelegationAllowed", {"allowed": "yes"}, "allowed"),
        ("EnergyMarket", "setDefaultTerms", {"terms": [1, 2, 3]}, "terms"),
        ("EnergyMarket", "setDefaultTerms", {"terms": {"gridFloor": 1}}, "terms.gridCeiling"),
        (
            "EnergyMarket",
            "publishTerms",
            {"firstWindow": 1, "terms": [{"gridFloor": 1, "gridCeiling": 2, "penaltyRate": "x"}]},
            "terms.0.penaltyRate",
        ),
        ("EnergyMarket", "publishTerms", {"firstWindow": 2**64, "terms": []}, "firstWindow"),
        ("EnergyMarket", "publishTerms", {"firstWindow": 1, "terms": {}}, "terms"),
        ("Authority", "labelRole", {"roleId": 1, "label": 5}, "label"),
        ("Authority", "execute", {"target": "0x" + "11" * 20, "data": "0x123"}, "data"),
    ],
)
async def test_a_bad_argument_is_named(
    market: Market,
    members: list[str],
    contract: str,
    function: str,
    arguments: dict[str, Any],
    field: str,
) -> None:
    call = {"contract": contract, "function": function, "arguments": arguments}
    body = {"from": members[0], "description": "Bad", "calls": [call]}
    problem = await market.post("/consortium/proposals", body, 422)
    assert problem["errors"][0]["field"] == f"body.calls.0.arguments.{field}"


@pytest.mark.parametrize(
    "vote",
    [
        {"support": "for"},
        {"from": household_address(0), "support": "for", "signature": "0x" + "00" * 65},
        {"voter": household_address(0), "support": "for"},
        {
            "voter": household_address(0),
            "support": "for",
            "signature": "0x" + "00" * 65,
            "reason": "why",
        },
    ],
)
async def test_a_vote_is_cast_in_one_way(market: Market, vote: dict[str, Any]) -> None:
    problem = await market.post("/consortium/proposals/1/votes", vote, 422)
    assert problem["errors"][0]["field"] == "body"
    assert "`from`" in problem["errors"][0]["rule"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"support": "yes"}, "body.support"),
        ({"support": 1}, "body.support"),
        ({"reason": "x" * 501}, "body.reason"),
        ({"from": "0x1"}, "body.from"),
    ],
)
async def test_a_bad_vote_is_named(
    market: Market, members: list[str], change: dict[str, Any], field: str
) -> None:
    vote = {"from": members[0], "support": "for"} | change
    problem = await market.post("/consortium/proposals/1/votes", vote, 422)
    assert problem["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            {
                "contract": "EnergyMarket",
                "function": "setTermLimits",
                "arguments": {
                    "limits": {
                        "minGridFloor": 10_000,
                        "maxGridCeiling": 1_000_000,
                        "maxPenaltyRate": 62_500,
                    }
                },
            },
            "Let the operator set a grid price of no less than 0.01 a kWh and no more than "
            "1.00 a kWh, and a penalty of no more than 0.0625 a kWh",
        ),
        (
            {"contract": "EnergyMarket", "function": "unpause", "arguments": {}},
            "End the pause of trade",
        ),
        (
            {
                "contract": "Authority",
                "function": "grantRole",
                "arguments": {
                    "roleId": 3,
                    "account": "0x6813ae1FC15E995230C05D4480d50219Bb635F15",
                    "executionDelay": 0,
                },
            },
            "Give the role of treasurer to 0x6813..5F15",
        ),
        (
            {
                "contract": "Consortium",
                "function": "setVotingPeriod",
                "arguments": {"newVotingPeriod": 21_600},
            },
            "Let votes last 6 hours",
        ),
        (
            {
                "contract": "Treasury",
                "function": "setDailyLimit",
                "arguments": {"amount": str(2**200)},
            },
            None,
        ),
        (
            {
                "contract": "PaymentToken",
                "function": "transfer",
                "arguments": {
                    "to": "0x6813ae1FC15E995230C05D4480d50219Bb635F15",
                    "value": 5,
                },
            },
            "Call PaymentToken.transfer(to = 0x6813ae1FC15E995230C05D4480d50219Bb635F15, "
            "value = 5)",
        ),
    ],
)
async def test_calls_come_back_as_they_were_proposed(
    market: Market, members: list[str], call: dict[str, Any], sentence: str | None
) -> None:
    found = await call_of(market, await market.propose(members[0], call))
    assert {name: found[name] for name in call} == call
    if sentence is not None:
        assert found["sentence"] == sentence


async def test_calls_that_no_abi_explains_are_shown_as_they_are(
    market: Market, members: list[str]
) -> None:
    target = "0x6813ae1FC15E995230C05D4480d50219Bb635F15"
    await market.advance_to(market.now() + 1)
    raw = ProposedCall(target, "", (b"\xde\xad\xbe\xef\x01",), 7)
    made = await Consortium(market.ledger).propose(members[0], [raw], secrets.token_hex(8))
    assert await call_of(market, str(made.result)) == {
        "contract": target,
        "function": "",
        "arguments": {"input": "0xdeadbeef01"},
        "value": "7",
        "sentence": "Call 0x6813..5F15 with the input 0xdeadbeef01, and send 7 wei with it",
    }


async def test_members_pause_and_go_on(
    market: Market, members: list[str], operator: str, seller: Household
) -> None:
    await market.ledger.write(operator, "EnergyMarket", "pause")
    found = await market.get("/consortium")
    assert (found["paused"], found["paused_until"]) == (True, market.now() + 3 * 86_400)
    offer = {
        "from": seller.account,
        "window": market.next_window(),
        "energy_wh": 5,
        "floor_price": 100_000,
    }
    problem = await market.post("/offers", offer, 409)
    assert problem["error"] == "EnforcedPause"
    assert "/api/v1/consortium" in problem["hint"]
    unpause = {"contract": "EnergyMarket", "function": "unpause"}
    await market.decide(members, unpause)
    assert (await market.get("/consortium"))["paused"] is False
    await market.post("/offers", offer | {"window": market.next_window()})


async def test_lists_come_in_pages(market: Market, members: list[str]) -> None:
    made = [await market.propose(members[0], THRESHOLD) for _ in range(3)]
    first = await market.get("/consortium/proposals", limit=2)
    assert [each["id"] for each in first["items"]] == made[:0:-1]
    rest = await market.get("/consortium/proposals", limit=1, cursor=first["next"])
    assert [each["id"] for each in rest["items"]] == made[:1]
    oldest = await market.get("/consortium/members", order="oldest", limit=4)
    assert [each["account"] for each in oldest["items"]] == members
    assert [each["household_id"] for each in oldest["items"]] == [
        f"0x{number:064x}" for number in range(1, 5)
    ]
    for query in ({"state": "new"}, {"cursor": "x"}, {"limit": 0}, {"sort": "id"}):
        (name,) = query
        problem = await market.get("/consortium/proposals", 422, **query)
        assert problem["errors"][0]["field"] == f"query.{name}"
