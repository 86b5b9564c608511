// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IRingVerifier, RingSignature} from "../interfaces/IRingVerifier.sol";
import {Bn254, Point} from "./libraries/Bn254.sol";
import {HashToCurve} from "./libraries/HashToCurve.sol";
import {Sum, Sums} from "./libraries/Sums.sol";
import {Transcript} from "./libraries/Transcript.sol";

contract RingVerifier is IRingVerifier {
    bytes32 private constant LSAG_TAG = keccak256("peerwatt/lsag/1");
    uint256 private constant MIN_RING = 2;

    /// @inheritdoc IRingVerifier
    function tagBase(bytes32 context) external view returns (Point memory) {
        return HashToCurve.tagBase(context);
    }

    /// @inheritdoc IRingVerifier
    function verify(
        Point[] calldata ring,
        bytes32 context,
        bytes32 message,
        Point calldata base,
        RingSignature calldata signature
    ) external view returns (bool) {
        uint256 size = ring.length;
        require(size >= MIN_RING, RingTooSmall(size));
        if (signature.responses.length != size) return false;
        Point memory image = signature.image;
        Bn254.requirePoint(base);
        Bn254.requirePoint(image);
        Bn254.requireScalar(signature.challenge);

        bytes32 start = Transcript.begin(
            LSAG_TAG,
            context,
            abi.encode(message, Transcript.hashPoints(ring), base, image)
        );
        uint256 c = signature.challenge;
        for (uint256 k = 0; k < size; ++k) {
            c = _next(start, ring[k], base, image, signature.responses[k], c);
        }
        return c == signature.challenge;
    }

    /// @dev c_{k+1} = keccak(start, s G + c P_k, s B + c I) mod N
    function _next(
        bytes32 start,
        Point memory key,
        Point memory base,
        Point memory image,
        uint256 s,
        uint256 c
    ) private view returns (uint256) {
        Bn254.requirePoint(key);
        Bn254.requireScalar(s);

        Sum memory left = Sums.startWith(Bn254.blindingBase(), s);
        left.addProduct(key, c);
        Sum memory right = Sums.startWith(base, s);
        right.addProduct(image, c);
        return Transcript.challenge(keccak256(abi.encode(start, left.x, left.y, right.x, right.y)));
    }
}
