from mango import MessagePackage

from app.agents.negotiation.communication import UnreliableLines
from app.agents.negotiation.ontology import CallForProposal, Header, Message, NotUnderstood, Party
from app.agents.negotiation.post import Packed


def message(sequence: int, conversation: str = "c", sent_by: Party = Party.BUYER) -> Message:
    header = Header(conversation, sequence, sent_by, "0xb", "0xs", 1, 1, 0)
    return Message(header, CallForProposal(1))


def packages(messages: list[Message]) -> list[MessagePackage]:
    return [MessagePackage(None, "", 0, each) for each in messages]


def fates(lines: UnreliableLines, messages: list[Message]) -> list[tuple[bool, float]]:
    results = lines.calculate_communication(0, packages(messages)).package_results
    return [(result.reached, result.delay_s) for result in results]


MESSAGES = [message(number) for number in range(1_000)]


def test_good_lines_lose_and_delay_nothing() -> None:
    assert set(fates(UnreliableLines(1), MESSAGES)) == {(True, 0)}


def test_the_shares_of_lost_and_late_messages_are_about_what_was_asked_for() -> None:
    seen = fates(UnreliableLines(1, loss=0.3, delay=5, late=0.2, late_delay=100), MESSAGES)

    assert 250 < sum(not reached for reached, _ in seen) < 350
    assert 150 < sum(delay == 105 for _, delay in seen) < 250
    assert {delay for _, delay in seen} == {5, 105}


def test_a_messages_fate_does_not_depend_on_the_others() -> None:
    lines = UnreliableLines(1, loss=0.5)

    assert fates(lines, MESSAGES[::-1]) == fates(lines, MESSAGES)[::-1]


def test_seed_conversation_and_sender_make_a_difference() -> None:
    kinds = [
        (1, "c", Party.BUYER),
        (2, "c", Party.BUYER),
        (1, "d", Party.BUYER),
        (1, "c", Party.SELLER),
    ]
    seen = {
        tuple(
            fates(
                UnreliableLines(seed, loss=0.5),
                [message(number, conversation, sent_by) for number in range(50)],
            )
        )
        for seed, conversation, sent_by in kinds
    }
    assert len(seen) == len(kinds)


def test_complaints_are_lost_like_other_messages() -> None:
    lines = UnreliableLines(1, loss=0.5)
    complaints = [MessagePackage(None, "", 0, NotUnderstood(f"c{n}", "x")) for n in range(200)]
    results = lines.calculate_communication(0, complaints).package_results

    assert 60 < sum(result.reached for result in results) < 140


def test_packed_messages_get_lost_as_often() -> None:
    packed = [Packed("mailbox", number, {}) for number in range(1_000)]
    results = UnreliableLines(1, loss=0.3).calculate_communication(
        0, [MessagePackage(None, "", 0, each) for each in packed]
    )

    assert 250 < sum(not result.reached for result in results.package_results) < 350
