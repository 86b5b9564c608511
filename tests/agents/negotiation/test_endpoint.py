import pytest
from mango import AgentAddress

from app.agents.negotiation.endpoint import address_of, endpoint_of, sender_of


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        (AgentAddress(("127.0.0.1", 5555), "H01"), "mango+tcp://127.0.0.1:5555/H01"),
        (AgentAddress("street", "H01"), "mango+local://street/H01"),
    ],
)
def test_an_endpoint_leads_back_to_its_address(address: AgentAddress, endpoint: str) -> None:
    assert endpoint_of(address) == endpoint
    assert address_of(endpoint) == address


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://127.0.0.1:5555/H01",
        "mango+tcp://127.0.0.1/H01",
        "mango+tcp://127.0.0.1:0/H01",
        "mango+tcp://127.0.0.1:65536/H01",
        "mango+tcp://127.0.0.1:5555/",
        "mango+tcp://127.0.0.1:5555/H01/more",
        "mango+tcp://user@host:5555/H01",
        "mango+local://street/H 01",
        "mango+tcp://127.0.0.1:5555/H01\n",
    ],
)
def test_what_is_no_endpoint_of_ours_leads_nowhere(endpoint: str) -> None:
    assert address_of(endpoint) is None


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"sender_id": "H01"},
        {"sender_id": 5, "sender_addr": "street"},
        {"sender_id": "H01", "sender_addr": ["127.0.0.1"]},
        {"sender_id": "H01", "sender_addr": ["127.0.0.1", "5555"]},
        {"sender_id": "H01", "sender_addr": ["127.0.0.1", True]},
        {"sender_id": "H01", "sender_addr": ["127.0.0.1", 0]},
        {"sender_id": "H01", "sender_addr": [5, 5555]},
        {"sender_id": "H01", "sender_addr": {"host": "x"}},
    ],
)
def test_an_envelope_without_a_proper_sender_has_none(meta: dict[str, object]) -> None:
    assert sender_of(meta) is None


def test_a_sender_over_tcp_is_the_same_whether_a_list_or_a_tuple() -> None:
    listed, tupled = (
        sender_of({"sender_id": "H01", "sender_addr": pair})
        for pair in (["127.0.0.1", 5555], ("127.0.0.1", 5555))
    )
    assert listed == tupled == AgentAddress(("127.0.0.1", 5555), "H01")
