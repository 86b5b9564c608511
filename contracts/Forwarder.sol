// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC2771Forwarder} from "@openzeppelin/contracts/metatx/ERC2771Forwarder.sol";

/// @title Relays what a user has signed
/// @notice Lets a gateway pay the gas of a request that it can neither alter nor repeat.
contract Forwarder is ERC2771Forwarder {
    constructor() ERC2771Forwarder("Peerwatt Forwarder") {}
}
