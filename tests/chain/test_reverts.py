"""What nodes and contracts say, in the words of real nodes."""

import pytest
from coincurve import PrivateKey
from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.hexadecimal import encode_hex

from app.chain.keys import Keystore
from app.chain.node import CHAIN_ID
from app.chain.reverts import ErrorTable
from app.chain.rpc import Rpc, RpcError
from app.errors import ChainError, ContractRevertedError, NonceError, OutOfFundsError
from app.market.typed_data import address_of
from tests.chain.conftest import ADDRESS, ERRORS
from tests.nodes import BROKEN, LOOP, create_contract, send_from_node

pytestmark = pytest.mark.asyncio(loop_scope="session")


def error_data(signature: str, *values: object) -> bytes:
    types = signature[signature.index("(") + 1 : -1]
    return keccak(signature.encode())[:4] + encode(types.split(",") if types else [], values)


def signed(key: bytes, **fields: object) -> str:
    transaction = {"to": ADDRESS, "value": 0, "gas": 21_000, "gasPrice": 0, "chainId": CHAIN_ID}
    transaction["to"] = bytes.fromhex(ADDRESS[2:])
    return encode_hex(Account.from_key(key).sign_transaction(transaction | fields).raw_transaction)


async def refusal(rpc: Rpc, errors: ErrorTable, raw: str) -> ChainError:
    with pytest.raises(RpcError) as caught:
        await rpc.call("eth_sendRawTransaction", raw)
    return errors.translate(caught.value)


async def called(rpc: Rpc, errors: ErrorTable, to: str, data: bytes) -> ContractRevertedError:
    with pytest.raises(RpcError) as caught:
        await rpc.read(
            "eth_call", {"to": to, "data": encode_hex(data), "gas": hex(90_000)}, "latest"
        )
    translated = errors.translate(caught.value, contract="Called")
    assert isinstance(translated, ContractRevertedError)
    return translated


async def test_a_used_nonce(rpc: Rpc, errors: ErrorTable, keys: Keystore, account: str) -> None:
    await send_from_node(rpc, {"from": account, "to": account})
    await send_from_node(rpc, {"from": account, "to": account})

    raw = signed(keys.key_of(account).secret, nonce=1)

    assert isinstance(await refusal(rpc, errors, raw), NonceError)


@pytest.mark.parametrize("fields", [{"value": 1}, {"gasPrice": 1}])
async def test_too_little_money(rpc: Rpc, errors: ErrorTable, fields: dict[str, int]) -> None:
    raw = signed(PrivateKey().secret, nonce=0, **fields)

    assert isinstance(await refusal(rpc, errors, raw), OutOfFundsError)


@pytest.mark.parametrize("gas", [20_000, 31_000_000])
async def test_a_gas_limit_that_no_block_takes(
    rpc: Rpc, errors: ErrorTable, keys: Keystore, account: str, gas: int
) -> None:
    error = await refusal(rpc, errors, signed(keys.key_of(account).secret, nonce=0, gas=gas))

    assert "gas" in error.message
    assert error.status == 502


async def test_a_custom_error_with_arguments(rpc: Rpc, errors: ErrorTable, echo: str) -> None:
    seller, caller = address_of(PrivateKey().public_key), address_of(PrivateKey().public_key)

    error = await called(
        rpc, errors, echo, error_data("NotSeller(address,address)", caller, seller)
    )

    assert error.error == "NotSeller"
    assert error.arguments == {"caller": caller, "seller": seller}
    assert error.contract == "Market"


async def test_a_custom_error_without_arguments(rpc: Rpc, errors: ErrorTable, echo: str) -> None:
    error = await called(rpc, errors, echo, error_data("EnforcedPause()"))

    assert (error.error, error.arguments) == ("EnforcedPause", {})


async def test_an_error_that_no_abi_knows_keeps_its_data(
    rpc: Rpc, errors: ErrorTable, echo: str
) -> None:
    error = await called(rpc, errors, echo, error_data("Unheard(uint256)", 5))

    assert error.error == encode_hex(keccak(b"Unheard(uint256)")[:4])
    assert error.arguments == {"data": encode(["uint256"], [5])}
    assert error.contract == "Called"


async def test_a_reason_in_words(rpc: Rpc, errors: ErrorTable, echo: str) -> None:
    error = await called(rpc, errors, echo, error_data("Error(string)", "not today"))

    assert (error.error, error.arguments) == ("Error", {"reason": "not today"})


async def test_a_panic(rpc: Rpc, errors: ErrorTable, echo: str) -> None:
    error = await called(rpc, errors, echo, error_data("Panic(uint256)", 0x11))

    assert (error.error, error.arguments) == ("Panic", {"code": 0x11})


async def test_a_revert_that_says_nothing(rpc: Rpc, errors: ErrorTable, echo: str) -> None:
    assert (await called(rpc, errors, echo, b"")).error == "Reverted"


async def test_no_gas_left(rpc: Rpc, errors: ErrorTable, deployer: str) -> None:
    loop = await create_contract(rpc, deployer, LOOP)

    assert (await called(rpc, errors, loop, b"")).error == "OutOfGas"


async def test_an_invalid_instruction(rpc: Rpc, errors: ErrorTable, deployer: str) -> None:
    broken = await create_contract(rpc, deployer, BROKEN)

    assert (await called(rpc, errors, broken, b"")).error == "InvalidOpcode"


async def test_data_that_is_too_short_for_its_error_is_kept(
    rpc: Rpc, errors: ErrorTable, echo: str
) -> None:
    error = await called(
        rpc, errors, echo, error_data("NotSeller(address,address)", ADDRESS, ADDRESS)[:20]
    )

    assert error.error == "NotSeller"
    assert set(error.arguments) == {"data"}


async def test_an_error_of_several_contracts_is_that_of_the_called_one() -> None:
    table = ErrorTable({"Market": ERRORS, "Registry": ERRORS})
    data = error_data("EnforcedPause()")

    assert table.revert(data, contract="Registry").contract == "Registry"
    assert table.revert(data, contract="Market").contract == "Market"


async def test_other_answers_stay_what_they_are(rpc: Rpc, errors: ErrorTable) -> None:
    with pytest.raises(RpcError) as caught:
        await rpc.read("eth_noSuchMethod")

    assert errors.translate(caught.value) is caught.value
