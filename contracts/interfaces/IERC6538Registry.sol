// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title ERC-6538: the stealth meta-address of each registrant
/// @dev Names are the standard's.
interface IERC6538Registry {
    event StealthMetaAddressSet(
        address indexed registrant,
        uint256 indexed schemeId,
        bytes stealthMetaAddress
    );
    event NonceIncremented(address indexed registrant, uint256 newNonce);

    // solhint-disable-next-line func-name-mixedcase
    error ERC6538Registry__InvalidSignature();

    /// @notice Sets the caller's meta-address for a scheme.
    function registerKeys(uint256 schemeId, bytes calldata stealthMetaAddress) external;

    /// @notice Sets a registrant's meta-address by its signature: EIP-712, of a key or of a
    /// contract (EIP-1271).
    function registerKeysOnBehalf(
        address registrant,
        uint256 schemeId,
        bytes calldata signature,
        bytes calldata stealthMetaAddress
    ) external;

    /// @notice Voids what the caller has signed and nobody has used yet.
    function incrementNonce() external;

    function stealthMetaAddressOf(
        address registrant,
        uint256 schemeId
    ) external view returns (bytes memory);

    /// @notice What the registrant's next signature has to name.
    function nonceOf(address registrant) external view returns (uint256);

    // solhint-disable-next-line func-name-mixedcase
    function DOMAIN_SEPARATOR() external view returns (bytes32);

    // solhint-disable-next-line func-name-mixedcase
    function ERC6538REGISTRY_ENTRY_TYPE_HASH() external view returns (bytes32);
}
