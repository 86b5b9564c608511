// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {IERC6538Registry} from "../interfaces/IERC6538Registry.sol";

contract ERC6538Registry is IERC6538Registry {
    /// @inheritdoc IERC6538Registry
    bytes32 public constant ERC6538REGISTRY_ENTRY_TYPE_HASH = keccak256(
        "Erc6538RegistryEntry(uint256 schemeId,bytes stealthMetaAddress,uint256 nonce)"
    );

    bytes32 private constant DOMAIN_TYPE_HASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME_HASH = keccak256("ERC6538Registry");
    bytes32 private constant VERSION_HASH = keccak256("1.0");

    /// @inheritdoc IERC6538Registry
    mapping(address registrant => mapping(uint256 schemeId => bytes)) public stealthMetaAddressOf;

    /// @inheritdoc IERC6538Registry
    mapping(address registrant => uint256) public nonceOf;

    /// @inheritdoc IERC6538Registry
    function registerKeys(uint256 schemeId, bytes calldata stealthMetaAddress) external {
        _set(msg.sender, schemeId, stealthMetaAddress);
    }

    /// @inheritdoc IERC6538Registry
    function registerKeysOnBehalf(
        address registrant,
        uint256 schemeId,
        bytes calldata signature,
        bytes calldata stealthMetaAddress
    ) external {
        bytes32 entry = keccak256(
            abi.encode(
                ERC6538REGISTRY_ENTRY_TYPE_HASH,
                schemeId,
                keccak256(stealthMetaAddress),
                nonceOf[registrant]
            )
        );
        bytes32 digest = MessageHashUtils.toTypedDataHash(DOMAIN_SEPARATOR(), entry);
        ++nonceOf[registrant];
        require(
            SignatureChecker.isValidSignatureNow(registrant, digest, signature),
            ERC6538Registry__InvalidSignature()
        );

        _set(registrant, schemeId, stealthMetaAddress);
    }

    /// @inheritdoc IERC6538Registry
    function incrementNonce() external {
        uint256 nonce = ++nonceOf[msg.sender];
        emit NonceIncremented(msg.sender, nonce);
    }

    /// @inheritdoc IERC6538Registry
    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return
            keccak256(
                abi.encode(DOMAIN_TYPE_HASH, NAME_HASH, VERSION_HASH, block.chainid, address(this))
            );
    }

    function _set(address registrant, uint256 schemeId, bytes calldata stealthMetaAddress) private {
        stealthMetaAddressOf[registrant][schemeId] = stealthMetaAddress;
        emit StealthMetaAddressSet(registrant, schemeId, stealthMetaAddress);
    }
}
