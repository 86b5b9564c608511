import json
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from eth_utils.hexadecimal import encode_hex

from app.chain.abi import decode
from app.chain.contracts import Contract, Contracts
from app.chain.deployment import Deployment
from app.errors import ChainError, ConfigurationError, InputError

MARKET = "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707"
OTHER = "0x5FbDB2315678afecb367f032d93F642f64180aa3"

OFFER = {
    "name": "offer",
    "type": "tuple",
    "components": [
        {"name": "seller", "type": "address"},
        {"name": "energyWh", "type": "uint64"},
        {"name": "tags", "type": "bytes32[]"},
    ],
}
ABI = [
    {
        "type": "function",
        "name": "offerOf",
        "inputs": [{"name": "offerId", "type": "uint256"}],
        "outputs": [OFFER | {"name": ""}],
    },
    {
        "type": "function",
        "name": "put",
        "inputs": [OFFER, {"name": "window", "type": "uint64"}],
        "outputs": [],
    },
    {
        "type": "function",
        "name": "page",
        "inputs": [],
        "outputs": [
            OFFER | {"name": "offers", "type": "tuple[]"},
            {"name": "total", "type": "uint256"},
        ],
    },
    {
        "type": "function",
        "name": "put",
        "inputs": [{"name": "window", "type": "uint64"}],
        "outputs": [],
    },
    {
        "type": "event",
        "name": "InfoPublished",
        "anonymous": False,
        "inputs": [
            {"name": "participant", "type": "address", "indexed": True},
            {"name": "endpoint", "type": "string", "indexed": True},
            {"name": "netWh", "type": "int256", "indexed": False},
            {"name": "note", "type": "string", "indexed": False},
        ],
    },
    {"type": "event", "name": "Paused", "anonymous": False, "inputs": []},
    {"type": "constructor", "inputs": []},
]


@pytest.fixture
def market() -> Contract:
    return Contract("Market", MARKET, ABI)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "Market.json").write_text(json.dumps({"abi": ABI, "ast": {"huge": True}}))
    return tmp_path


@pytest.fixture
def published() -> dict[str, object]:
    """The log of an InfoPublished event."""
    return {
        "address": MARKET.lower(),
        "topics": [
            encode_hex(keccak(b"InfoPublished(address,string,int256,string)")),
            encode_hex(bytes(12) + bytes.fromhex(OTHER[2:])),
            encode_hex(keccak(b"tcp://home")),
        ],
        "data": encode_hex(encode(["int256", "string"], [-5, "Grüße"])),
        "logIndex": "0x3",
    }


def test_a_call_is_selector_and_arguments(market: Contract) -> None:
    data = market.encode("offerOf", 9)

    assert data == keccak(b"offerOf(uint256)")[:4] + (9).to_bytes(32, "big")


def test_structs_are_tuples_both_ways(market: Contract) -> None:
    offer = (OTHER, 500, (bytes(32), b"\x01" * 32))
    data = market.encode("put", offer, 12)

    assert data[:4] == keccak(b"put((address,uint64,bytes32[]),uint64)")[:4]
    assert market.read_input(data) == ("put", {"offer": offer, "window": 12})


def test_one_result_stands_alone_and_several_are_a_tuple(market: Contract) -> None:
    offer = (OTHER.lower(), 1, [])
    one = encode(["(address,uint64,bytes32[])"], [offer])
    page = encode(["(address,uint64,bytes32[])[]", "uint256"], [[offer], 7])

    assert market.decode("offerOf", one) == (OTHER, 1, ())
    assert market.decode("page", page) == (((OTHER, 1, ()),), 7)


def test_overloaded_functions_have_their_types_in_their_names(market: Contract) -> None:
    assert market.encode("put(uint64)", 3)[:4] == keccak(b"put(uint64)")[:4]


@pytest.mark.parametrize("value", [-1, 1 << 64, "3", 1.5, None])
def test_an_argument_that_does_not_fit_is_named(market: Contract, value: object) -> None:
    with pytest.raises(InputError) as caught:
        market.encode("put(uint64)", value)

    assert caught.value.field == "window"
    assert caught.value.value == value


def test_the_number_of_arguments_is_checked(market: Contract) -> None:
    with pytest.raises(InputError, match="takes 1 arguments"):
        market.encode("offerOf")


def test_an_unknown_function_is_a_wrong_build(market: Contract) -> None:
    with pytest.raises(ConfigurationError, match="Market has no function sell"):
        market.encode("sell")


def test_results_of_other_types_are_refused(market: Contract) -> None:
    with pytest.raises(ChainError, match="cannot read"):
        market.decode("offerOf", b"\x00" * 31)


def test_input_of_another_contract_is_not_read(market: Contract) -> None:
    assert market.read_input(b"\x01\x02\x03\x04") is None


def test_a_function_is_known_by_its_selector(market: Contract) -> None:
    assert market.function_at(market.encode("offerOf", 9)) == "offerOf"
    assert market.function_at(b"\x01\x02\x03\x04") == ""


def test_an_event_has_its_arguments_by_name(market: Contract, published: dict[str, object]) -> None:
    event = market.event(published)

    assert event is not None
    assert (event.contract, event.name, event.log_index) == ("Market", "InfoPublished", 3)
    assert event.arguments == {
        "participant": OTHER,
        "endpoint": keccak(b"tcp://home"),
        "netWh": -5,
        "note": "Grüße",
    }


@pytest.mark.parametrize("topics", [[], [encode_hex(keccak(b"Unheard()"))]])
def test_a_log_that_is_no_event_of_the_abi(
    market: Contract, published: dict[str, object], topics: list[str]
) -> None:
    assert market.event(published | {"topics": topics}) is None


def test_logs_of_other_contracts_are_passed_over(build: Path, published: dict[str, object]) -> None:
    contracts = Contracts.load(Deployment(1337, 1, {"Market": MARKET}), build)

    events = contracts.events([published | {"address": OTHER}, published])

    assert [event.name for event in events] == ["InfoPublished"]


def test_a_contract_is_found_by_name_and_address(build: Path) -> None:
    contracts = Contracts.load(Deployment(1337, 1, {"Market": MARKET}), build)

    assert list(contracts) == ["Market"]
    assert contracts.at(MARKET.lower()) is contracts["Market"]
    assert contracts.at(OTHER) is None


def test_a_missing_artifact_says_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="brownie compile"):
        Contracts.load(Deployment(1337, 1, {"Market": MARKET}), tmp_path)


def test_a_broken_artifact_is_named(build: Path) -> None:
    (build / "Market.json").write_text("{}")

    with pytest.raises(ConfigurationError, match=r"Market\.json"):
        Contracts.load(Deployment(1337, 1, {"Market": MARKET}), build)


def test_decoded_bytes_stay_bytes() -> None:
    assert decode(("bytes", "bytes32"), encode(["bytes", "bytes32"], [b"ab", b"c" * 32])) == (
        b"ab",
        b"c" * 32,
    )


def test_lengths_beyond_all_memory_are_no_data() -> None:
    huge = (32).to_bytes(32, "big") + b"\xff" * 32

    for kind in ("bytes", "uint256[]", "string"):
        with pytest.raises(ChainError, match="cannot read"):
            decode((kind,), huge)
