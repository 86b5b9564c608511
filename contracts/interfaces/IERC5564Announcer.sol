// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title ERC-5564: where payments to stealth addresses are announced
interface IERC5564Announcer {
    /// @param schemeId How the address was made: 1 is secp256k1 with view tags.
    /// @param ephemeralPubKey What the receiver needs to recognise it.
    /// @param metadata Its first byte is the view tag.
    event Announcement(
        uint256 indexed schemeId,
        address indexed stealthAddress,
        address indexed caller,
        bytes ephemeralPubKey,
        bytes metadata
    );

    /// @notice Announces a stealth address. By anyone.
    function announce(
        uint256 schemeId,
        address stealthAddress,
        bytes calldata ephemeralPubKey,
        bytes calldata metadata
    ) external;
}
