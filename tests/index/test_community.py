"""What members, treasurers and auditors have done, as the index tells it, and as the chain does."""

import secrets
from math import ceil
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from app.chain.keys import AUDITORS, TREASURERS, development_address
from app.chain.keys import household_address as household
from app.chain.keys import meter_address as meter
from app.index import audits, consortium, schema, statements, store, treasury
from app.index.market_index import MarketIndex
from app.index.paging import Cut
from app.index.records import AuditRecord, ProposalRecord
from app.index.statements import DAY_SECONDS
from app.ledger.chain import TREASURY
from app.ledger.consortium import Consortium, Proposal, ProposedCall, Support
from app.ledger.types import Agreement, Correction, Reading
from app.market.bank import PAYOUT_TIME
from app.market.windows import commit_start, hold_end, window_end, window_start
from tests.index.chain import PRICE, Chain, rows_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEMBERS = [household(number) for number in range(4)]
AUDITOR, SECOND_AUDITOR = map(development_address, AUDITORS)
TREASURER, SECOND_TREASURER = map(development_address, TREASURERS)
BATCH = b"\xba" * 32


async def propose(chain: Chain, *calls: ProposedCall, description: str = "") -> Proposal:
    """By household 0. The vote begins in the next second."""
    await chain.advance_to(chain.ledger.now() + 1)
    members = Consortium(chain.ledger)
    words = description or secrets.token_hex(8)
    receipt = await members.propose(MEMBERS[0], calls, words)
    return await members.proposal(int(str(receipt.result)))


async def decide(chain: Chain, *calls: ProposedCall) -> Proposal:
    """Proposes, lets all vote for it, and executes."""
    members = Consortium(chain.ledger)
    proposal = await propose(chain, *calls)
    await chain.advance_to(proposal.vote_start + 1)
    for each in MEMBERS:
        await members.vote(each, proposal.id, Support.FOR)
    await chain.advance_to(proposal.vote_end + 1)
    await members.queue(MEMBERS[0], proposal)
    await chain.advance_to(await members.executable_at(proposal.id))
    await members.execute(MEMBERS[0], proposal)
    return proposal


def admission(number: int) -> ProposedCall:
    return ProposedCall("Membership", "admit", (household(number), number.to_bytes(32)))


def expulsion(number: int) -> ProposedCall:
    return ProposedCall("Membership", "expel", (household(number),))


async def proposal_in(chain: Chain, index: MarketIndex, proposal_id: int) -> ProposalRecord:
    await chain.catch_up(index)
    now = chain.ledger.now()
    found = await index.read(lambda each: consortium.proposal(each, proposal_id, now=now))
    assert found is not None
    return found


async def audit_in(chain: Chain, index: MarketIndex, window: int) -> AuditRecord:
    await chain.catch_up(index)
    now = chain.ledger.now()
    found = await index.read(lambda each: audits.audit(each, household(0), window, now=now))
    assert found is not None
    return found


async def settled_by(chain: Chain, agreement: Agreement) -> None:
    """Settles an agreement and closes its positions."""
    await chain.ledger.make_transactions(household(1), [agreement])
    pair = [household(0), household(1)]
    await chain.ledger.close_positions(household(0), pair, agreement.window)


async def delivered(chain: Chain, energy_wh: int = 900, exported_wh: int = 900) -> Agreement:
    """Household 0 sells to household 1; both meters are read, and nothing is settled yet."""
    ledger = chain.ledger
    offer_id = await chain.offer()
    window = offer_id >> 32
    agreement = Agreement(
        offer_id, household(0), household(1), window, energy_wh, PRICE, window_start(window), 11
    )
    await chain.advance_to(commit_start(window))
    await ledger.allow_transactions(household(0), [ledger.sign_agreement(agreement)])
    await chain.advance_to(window_end(window))
    readings = [Reading(meter(0), window, exported_wh, 0), Reading(meter(1), window, 0, 1_003)]
    await ledger.submit_readings(household(0), [ledger.sign_reading(each) for each in readings])
    return agreement


async def check(chain: Chain, index: MarketIndex, proposal: Proposal, state: str) -> ProposalRecord:
    """Index and contract agree on how a proposal stands."""
    members = Consortium(chain.ledger)
    found = await proposal_in(chain, index, proposal.id)
    assert found.state == state
    assert (await members.state_of(proposal.id)).name.lower() == state
    tally = await members.tally_of(proposal.id)
    votes = (found.votes_against, found.votes_for, found.votes_abstain, found.quorum)
    assert votes == (tally.against, tally.for_, tally.abstain, tally.quorum)
    return found


async def test_a_proposal_is_in_the_state_that_the_contract_says(chain: Chain, url: URL) -> None:
    members = Consortium(chain.ledger)
    number = 50 if url.get_backend_name() == "sqlite" else 49  # each joins once
    async with chain.indexed(url) as index:
        proposal = await propose(chain, admission(number))
        await check(chain, index, proposal, "pending")
        await chain.advance_to(proposal.vote_start + 1)
        await check(chain, index, proposal, "active")
        await members.vote(MEMBERS[0], proposal.id, Support.FOR, "Come in\x00!")
        await members.vote(MEMBERS[1], proposal.id, Support.ABSTAIN)
        await members.vote(MEMBERS[2], proposal.id, Support.FOR)
        await chain.advance_to(proposal.vote_end)
        await check(chain, index, proposal, "active")
        ballots = await index.read(lambda each: consortium.ballots(each, [proposal.id]))
        assert [each.reason for each in ballots] == ["Come in\N{REPLACEMENT CHARACTER}!", "", ""]
        await chain.advance_to(proposal.vote_end + 1)
        await check(chain, index, proposal, "succeeded")
        await members.queue(MEMBERS[3], proposal)
        found = await check(chain, index, proposal, "queued")
        assert found.eta == await members.executable_at(proposal.id)
        await chain.advance_to(found.eta)
        await members.execute(MEMBERS[3], proposal)
        await check(chain, index, proposal, "executed")
        steps = await index.read(lambda each: consortium.steps(each, [proposal.id]))
        assert [each.step for each in steps] == ["queued", "executed"]


async def test_what_fails_is_in_the_state_that_the_contract_says(chain: Chain, url: URL) -> None:
    members = Consortium(chain.ledger)
    async with chain.indexed(url) as index:
        withdrawn = await propose(chain, admission(51))
        await members.cancel(MEMBERS[0], withdrawn)
        await check(chain, index, withdrawn, "canceled")
        missed, rejected = await propose(chain, admission(51)), await propose(chain, admission(52))
        await chain.advance_to(rejected.vote_start + 1)
        await members.vote(MEMBERS[0], missed.id, Support.FOR)
        for each, support in zip(MEMBERS, Support, strict=False):
            await members.vote(each, rejected.id, support)
        await check(chain, index, rejected, "active")
        await chain.advance_to(rejected.vote_end + 1)
        await check(chain, index, missed, "defeated")
        await check(chain, index, rejected, "defeated")


async def test_who_joins_after_the_vote_has_begun_does_not_count(chain: Chain, sqlite: URL) -> None:
    members = Consortium(chain.ledger)
    async with chain.indexed(sqlite) as index:
        before = await index.read(consortium.member_count)
        # Two of them are executed long after the vote on the third has begun.
        first, quorum, third = [
            await propose(chain, *calls)
            for calls in (
                [admission(53)],
                [ProposedCall("Consortium", "updateQuorumNumerator", (25,))],
                [expulsion(53)],
            )
        ]
        await chain.advance_to(third.vote_start + 1)
        for proposal in (first, quorum):
            for each in MEMBERS:
                await members.vote(each, proposal.id, Support.FOR)
        await chain.advance_to(third.vote_end + 1)
        for proposal in (first, quorum):
            await members.queue(MEMBERS[0], proposal)
        await chain.advance_to(await members.executable_at(quorum.id))
        for proposal in (first, quorum):
            await members.execute(MEMBERS[0], proposal)
        found = await proposal_in(chain, index, third.id)
        assert (found.members, found.quorum) == (before, ceil(before * 0.5))
        assert found.quorum == (await members.tally_of(third.id)).quorum
        assert await index.read(consortium.member_count) == before + 1
        assert await index.read(lambda each: consortium.rule(each, "Consortium", "quorum_percent"))
        later = await propose(chain, expulsion(53))
        await chain.advance_to(later.vote_start + 1)
        found = await proposal_in(chain, index, later.id)
        assert (found.members, found.quorum) == (before + 1, ceil((before + 1) * 0.25))
        assert found.quorum == (await members.tally_of(later.id)).quorum
    await decide(chain, ProposedCall("Consortium", "updateQuorumNumerator", (50,)), expulsion(53))


async def test_members_come_and_go(chain: Chain, url: URL) -> None:
    members = Consortium(chain.ledger)
    async with chain.indexed(url) as index:
        await decide(chain, admission(54))
        admitted_at = chain.ledger.now()
        await chain.catch_up(index)
        found = await index.read(lambda each: consortium.member(each, household(54)))
        assert found is not None
        assert (found.is_member, found.until, found.votes, found.at) == (True, None, 1, admitted_at)
        assert found.household_id == f"0x{54:064x}"
        await decide(chain, expulsion(54))
        expelled_at = chain.ledger.now()
        await chain.catch_up(index)
        found = await index.read(lambda each: consortium.member(each, household(54)))
        assert found is not None
        assert (found.is_member, found.until, found.votes) == (False, expelled_at, 0)
        await decide(chain, admission(54))
        await chain.catch_up(index)
        listed = await index.read(lambda each: consortium.members(each, Cut(), is_member=True))
        accounts = [each.account for each in listed.items]
        assert sorted(accounts) == sorted(each.account for each in await members.members())
        assert accounts[0] == household(54)
        once = await index.read(lambda each: consortium.members(each, Cut(), is_member=False))
        assert household(54) not in [each.account for each in once.items]
        assert await index.read(consortium.member_count) == len(accounts)
    await decide(chain, expulsion(54))


async def test_roles_change_hands(chain: Chain, sqlite: URL) -> None:
    async with chain.indexed(sqlite) as index:
        before = await index.read(consortium.holders)
        assert before[3] == (TREASURER, SECOND_TREASURER)
        assert before[4] == (chain.ledger.contracts[TREASURY].address,)
        await decide(
            chain,
            ProposedCall("Authority", "revokeRole", (3, TREASURER)),
            ProposedCall("Authority", "grantRole", (3, household(60), 0)),
        )
        await chain.catch_up(index)
        assert (await index.read(consortium.holders))[3] == (SECOND_TREASURER, household(60))
        await decide(
            chain,
            ProposedCall("Authority", "revokeRole", (3, household(60))),
            ProposedCall("Authority", "grantRole", (3, TREASURER, 0)),
            ProposedCall("Authority", "grantRole", (2**63 + 5, TREASURER, 0)),
        )
        await chain.catch_up(index)
        assert (await index.read(consortium.holders))[3] == (SECOND_TREASURER, TREASURER)


async def test_strange_proposals_do_not_stop_the_index(chain: Chain, url: URL) -> None:
    raw = ProposedCall(household(70), "", (b"\xde\xad\xbe\xef",), 2**255)
    words = f"\N{SNOWMAN} 'or' {secrets.token_hex(8)}"
    proposal = await propose(chain, raw, admission(55), description=f"\x00{words}")
    async with chain.indexed(url) as index:
        found = await proposal_in(chain, index, proposal.id)
        assert found.description == f"\N{REPLACEMENT CHARACTER}{words}"
        assert found.wei == (str(2**255), "0")
        assert found.calldatas[0] == "0xdeadbeef"
        assert found.targets[0] == household(70)


async def test_lists_of_proposals_come_in_pages(chain: Chain, url: URL) -> None:
    made = [(await propose(chain, admission(number))).id for number in (56, 57, 58)]
    async with chain.indexed(url) as index:
        now = chain.ledger.now()
        first = await index.read(lambda each: consortium.proposals(each, Cut(2), now=now))
        assert [each.proposal_id for each in first.items] == made[:0:-1]
        rest = await index.read(
            lambda each: consortium.proposals(each, Cut(1, after=first.next), now=now)
        )
        assert [each.proposal_id for each in rest.items] == made[:1]
        pending = await index.read(
            lambda each: consortium.proposals(each, Cut(), now=now, state="pending")
        )
        assert [each.proposal_id for each in pending.items] == made[:1:-1]


async def test_deposits_wait_for_the_second_treasurer(chain: Chain, url: URL) -> None:
    ledger, reference, holder = chain.ledger, secrets.token_bytes(32), household(61)
    await ledger.confirm_deposit(TREASURER, holder, 7, reference)
    await ledger.confirm_deposit(SECOND_TREASURER, holder, 8, reference)
    async with chain.indexed(url) as index:
        waiting = await index.read(lambda each: treasury.deposits(each, Cut(), holder=holder))
        assert [(each.amount, each.minted, each.void) for each in waiting.items][:2] == [
            (8, False, False),
            (7, False, False),
        ]
        await ledger.confirm_deposit(SECOND_TREASURER, holder, 7, reference)
        await chain.catch_up(index)
        done = await index.read(lambda each: treasury.deposits(each, Cut(2), holder=holder))
        assert [(each.amount, each.minted, each.void) for each in done.items] == [
            (8, False, True),
            (7, True, False),
        ]
        said = await index.read(lambda each: treasury.deposit_confirmations(each, done.items))
        text = f"0x{reference.hex()}"
        assert [each.treasurer for each in said[text, holder, 7]] == [TREASURER, SECOND_TREASURER]
        assert [each.treasurer for each in said[text, holder, 8]] == [SECOND_TREASURER]
        minted = await index.read(
            lambda each: treasury.deposits(each, Cut(), holder=holder, minted=True)
        )
        assert {each.amount for each in minted.items} == {7}


async def test_withdrawals_end_in_one_of_three_ways(chain: Chain, url: URL) -> None:
    ledger, holder = chain.ledger, household(62)
    reference = secrets.token_bytes(32)
    for each in (TREASURER, SECOND_TREASURER):
        await ledger.confirm_deposit(each, holder, 30, reference)
    ids = []
    for amount in (5, 6, 7, 8):
        receipt = await ledger.request_withdrawal(holder, amount, BATCH)
        ids.append(int(str(receipt.result)))
    paid_under = secrets.token_bytes(32)
    for each in (TREASURER, SECOND_TREASURER):
        await ledger.confirm_payout(each, ids[0], paid_under)
        await ledger.reject_withdrawal(each, ids[1])
    await ledger.reject_withdrawal(TREASURER, ids[3])
    async with chain.indexed(url) as index:
        found = await index.read(lambda each: treasury.withdrawals(each, Cut(4), holder=holder))
        states = {each.amount: each.state for each in found.items}
        assert states == {5: "paid", 6: "returned", 7: "requested", 8: "requested"}
        paid = await index.read(lambda each: treasury.withdrawal(each, ids[0]))
        assert paid is not None
        assert (paid.reference, paid.payout_hash) == (f"0x{paid_under.hex()}", f"0x{BATCH.hex()}")
        payouts = await index.read(lambda each: treasury.payout_confirmations(each, ids))
        assert [each.treasurer for each in payouts[ids[0]]] == [TREASURER, SECOND_TREASURER]
        refusals = await index.read(lambda each: treasury.rejections(each, ids))
        assert {one: len(said) for one, said in refusals.items()} == {ids[1]: 2, ids[3]: 1}
        await chain.advance_to(ledger.now() + PAYOUT_TIME)
        await ledger.return_withdrawal(household(63), ids[2])
        await chain.catch_up(index)
        open_ones = await index.read(
            lambda each: treasury.withdrawals(each, Cut(), holder=holder, state="requested")
        )
        assert [each.withdrawal_id for each in open_ones.items] == [ids[3]]
        await ledger.return_withdrawal(household(63), ids[3])


async def test_the_largest_attestation_is_kept_whole(chain: Chain, url: URL) -> None:
    reserve = (await chain.ledger.reserve()).amount
    await chain.ledger.attest_reserve(SECOND_AUDITOR, 2**256 - 1, BATCH)
    async with chain.indexed(url) as index:
        seen = await index.read(treasury.latest_attestation)
        assert seen is not None
        assert (seen.reserve, seen.auditor) == (2**256 - 1, SECOND_AUDITOR)
    await chain.ledger.attest_reserve(AUDITOR, reserve, BATCH)


async def test_a_doubt_is_confirmed_and_raised_again(chain: Chain, url: URL) -> None:
    ledger = chain.ledger
    agreement = await delivered(chain)
    window, owner = agreement.window, household(0)
    async with chain.indexed(url) as index:
        await ledger.doubt_reading(AUDITOR, owner, window)
        held = await audit_in(chain, index, window)
        assert (held.state, held.until, held.auditor) == ("held", hold_end(window), AUDITOR)
        await ledger.confirm_reading(AUDITOR, owner, window)
        await ledger.confirm_reading(SECOND_AUDITOR, owner, window)
        assert (await audit_in(chain, index, window)).state == "confirmed"
        await ledger.doubt_reading(SECOND_AUDITOR, owner, window)
        again = await audit_in(chain, index, window)
        assert again.state == "held"
        wrong = Correction(owner, window, 1_200, 0, 0, BATCH)
        await ledger.correct_reading(AUDITOR, wrong)
        right = Correction(owner, window, 800, 0, 0, BATCH)
        for each in (AUDITOR, SECOND_AUDITOR):
            await ledger.correct_reading(each, right)
        await chain.catch_up(index)
        both = await index.read(
            lambda each: audits.audits(
                each, Cut(), now=ledger.now(), participant=owner, window=window
            )
        )
        assert [each.state for each in both.items] == ["corrected", "confirmed"]
        latest, first = map(audits.place_of, both.items)
        confirmed = await index.read(lambda each: audits.confirmations(each, both.items))
        assert [each.auditor for each in confirmed[first]] == [AUDITOR, SECOND_AUDITOR]
        assert confirmed[latest] == []
        said = await index.read(lambda each: audits.corrections(each, both.items))
        assert [each.exported_wh for each in said[latest]] == [1_200, 800, 800]
        assert said[first] == []
        await settled_by(chain, agreement)
        await chain.catch_up(index)
        burned = await index.read(lambda each: store.dump(each, schema.retractions))
        assert burned[-1][-2:] == (owner, 100)


async def test_a_doubt_lapses(chain: Chain, sqlite: URL) -> None:
    agreement = await delivered(chain)
    window = agreement.window
    await chain.ledger.doubt_reading(AUDITOR, household(0), window)
    async with chain.indexed(sqlite) as index:
        await chain.advance_to(hold_end(window) - 1)
        assert (await audit_in(chain, index, window)).state == "held"
        reading = await chain.ledger.reading_of(household(0), window)
        assert reading.held
        await chain.advance_to(hold_end(window))
        assert (await audit_in(chain, index, window)).state == "lapsed"
        assert not (await chain.ledger.reading_of(household(0), window)).held
        lapsed = await index.read(
            lambda each: audits.audits(each, Cut(1), now=chain.ledger.now(), state="lapsed")
        )
        assert [each.window for each in lapsed.items] == [window]
    await settled_by(chain, agreement)


async def test_a_statement_is_what_the_account_has(chain: Chain, url: URL) -> None:
    """Over windows that went well, that fell short, and that were corrected; and past midnight."""
    ledger = chain.ledger
    await settled_by(chain, await delivered(chain))
    short = await delivered(chain, energy_wh=901, exported_wh=613)
    await settled_by(chain, short)
    corrected = await delivered(chain)
    await ledger.doubt_reading(AUDITOR, household(0), corrected.window)
    for each in (AUDITOR, SECOND_AUDITOR):
        right = Correction(household(0), corrected.window, 777, 3, 0, BATCH)
        await ledger.correct_reading(each, right)
    await settled_by(chain, corrected)
    await ledger.withdraw(household(1), 1_234)
    await chain.advance_to(ledger.now() + DAY_SECONDS)
    await settled_by(chain, await delivered(chain))
    async with chain.indexed(url) as index:
        began = await index.read(statements.first_day)
        assert began is not None
        last = ledger.now() // DAY_SECONDS
        for account in (household(0), household(1)):
            days = await index.read(
                lambda each, account=account: statements.statement(each, account, began, last)
            )
            assert [each.day for each in days] == list(range(began, last + 1))
            has = await ledger.account_of(account)
            assert sum(each.balance_change for each in days) == has.free + has.locked - has.debt
        sold = await index.read(lambda each: statements.statement(each, household(0), began, last))
        # 613 of 901 Wh came: what lacked cost the buyer's way to the grid, and a penalty.
        assert sum(each.penalties for each in sold) > 0
        assert sum(each.compensation_paid for each in sold) > 0
        windows = range(short.window, corrected.window + 1)
        readings = [await ledger.reading_of(household(0), each) for each in windows]
        day = next(each for each in sold if each.day == window_end(short.window) // DAY_SECONDS)
        assert day.exported_wh >= sum(each.exported_wh for each in readings)


async def test_what_was_undone_is_gone(chain: Chain, url: URL, tmp_path: Path) -> None:
    snapshot = await chain.snapshot()
    agreement = await delivered(chain)
    async with chain.indexed(url) as index:
        await chain.ledger.doubt_reading(AUDITOR, household(0), agreement.window)
        await decide(chain, admission(59))
        reference = secrets.token_bytes(32)
        for each in (TREASURER, SECOND_TREASURER):
            await chain.ledger.confirm_deposit(each, household(0), 9, reference)
        await chain.ledger.request_withdrawal(household(0), 9, BATCH)
        await chain.catch_up(index)
        assert await index.read(lambda each: consortium.member(each, household(59))) is not None

        await chain.set_back(snapshot)
        await chain.offer()
        await chain.catch_up(index)
        assert await index.read(lambda each: consortium.member(each, household(59))) is None
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        assert await rows_of(index) == await chain.rows(fresh)
