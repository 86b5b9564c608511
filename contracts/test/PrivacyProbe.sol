// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Point} from "../privacy/libraries/Bn254.sol";
import {HashToCurve} from "../privacy/libraries/HashToCurve.sol";
import {Note, Notes} from "../privacy/libraries/Notes.sol";
import {Precompiles} from "../privacy/libraries/Precompiles.sol";
import {Sum} from "../privacy/libraries/Sums.sol";
import {Transcript} from "../privacy/libraries/Transcript.sol";

/// @title What the libraries of private trading compute
/// @notice For tests only.
contract PrivacyProbe {
    function begin(
        bytes32 tag,
        bytes32 context,
        bytes calldata words
    ) external pure returns (bytes32) {
        return Transcript.begin(tag, context, words);
    }

    function absorb(bytes32 state, bytes calldata words) external pure returns (bytes32) {
        return Transcript.absorb(state, words);
    }

    function challenge(bytes32 state) external pure returns (uint256) {
        return Transcript.challenge(state);
    }

    function contextOf(bytes32 tag, bytes calldata words) external view returns (bytes32) {
        return Transcript.contextOf(tag, words);
    }

    function hashPoints(Point[] calldata points) external pure returns (bytes32) {
        return Transcript.hashPoints(points);
    }

    function hashNumbers(uint256[] calldata numbers) external pure returns (bytes32) {
        return Transcript.hashNumbers(numbers);
    }

    function hashNotes(Note[] calldata notes) external pure returns (bytes32) {
        return Notes.hashAll(notes);
    }

    function keyBase(Point calldata key) external view returns (Point memory) {
        return HashToCurve.keyBase(key);
    }

    function combine(
        Point[] calldata points,
        uint256[] calldata scalars
    ) external view returns (Point memory) {
        Sum memory sum;
        uint256 count = points.length;
        for (uint256 i = 0; i < count; ++i) sum.addProduct(points[i], scalars[i]);
        return sum.total();
    }

    function inverse(uint256 value, uint256 prime) external view returns (uint256) {
        return Precompiles.inverse(value, prime);
    }
}
