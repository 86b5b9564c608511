// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title ERC-5192: tokens that stay with their holder
interface IERC5192 {
    /// @notice The token can be transferred no more.
    event Locked(uint256 tokenId);

    /// @notice The token can be transferred again.
    event Unlocked(uint256 tokenId);

    /// @notice Whether the token can be transferred. Reverts where there is none.
    function locked(uint256 tokenId) external view returns (bool);
}
