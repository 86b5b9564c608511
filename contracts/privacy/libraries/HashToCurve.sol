// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Bn254, Point} from "./Bn254.sol";
import {Precompiles} from "./Precompiles.sol";
import {Sum, Sums} from "./Sums.sol";

/// @title Points whose logarithm nobody knows
/// @notice `tagBase` is a hash to the curve by RFC 9380, with the map of Shallue and van de
/// Woestijne (section 6.6.1), suite BN254G1_XMD:KECCAK-256_SVDW_RO_. `keyBase` is
/// try-and-increment, which is cheaper: some inputs take longer, but they are public.
library HashToCurve {
    bytes private constant TAG_BASE_TAG = "peerwatt/tag base/1/BN254G1_XMD:KECCAK-256_SVDW_RO_";
    bytes32 private constant KEY_BASE_TAG = keccak256("peerwatt/key base/1");
    uint256 private constant KEY_BASE_TRIES = 256;

    /// @dev keccak-256 takes in so many bytes at once; RFC 9380 begins with a block of zeros.
    uint256 private constant HASH_BLOCK = 136;

    /// @dev Two numbers of 48 bytes, so that their reduction into the field is unbiased.
    uint16 private constant UNIFORM_BYTES = 96;

    /// @dev Constants of the map, RFC 9380 section 6.6.1, for y^2 = x^3 + 3 and Z = 1.
    uint256 private constant Z = 1;
    uint256 private constant C1 = 4;
    uint256 private constant C2 = (Bn254.P - 1) / 2;
    uint256 private constant C3 = 8815841940592487685674414971303048083897117035520822607866;
    uint256 private constant C4 =
        7296080957279758407415468581752425029565437052432607887563012631548408736189;

    /// @notice No base was found, which no input is known to bring about.
    error NoKeyBase(uint256 x, uint256 y);

    /// @notice The base of all key images in a context.
    function tagBase(bytes32 context) internal view returns (Point memory) {
        (uint256 first, uint256 second) = _fieldElements(context);

        Sum memory sum = Sums.startWith(_mapToCurve(first));
        sum.add(_mapToCurve(second));
        return sum.total();
    }

    /// @notice The base of the key image of a note with the one-time key `key`.
    /// @dev The first i for which the lowest 254 bits of keccak(tag, key, i) are the x of a point;
    /// of its two points that with even y.
    function keyBase(Point memory key) internal view returns (Point memory) {
        uint256[4] memory words = [uint256(KEY_BASE_TAG), key.x, key.y, 0];
        for (uint256 i = 0; i < KEY_BASE_TRIES; ++i) {
            words[3] = i;
            uint256 x = _hash(words) & ((1 << 254) - 1);
            if (x >= Bn254.P) continue;
            (bool found, uint256 y) = _yOf(x);
            if (found) return Point(x, y % 2 == 0 ? y : Bn254.P - y);
        }
        revert NoKeyBase(key.x, key.y);
    }

    /// @dev Without the copy that `abi.encode` would make for every try.
    function _hash(uint256[4] memory words) private pure returns (uint256 hash) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            hash := keccak256(words, 0x80)
        }
    }

    /// @dev hash_to_field of RFC 9380 by expand_message_xmd, sections 5.2 and 5.3.1.
    function _fieldElements(bytes32 context) private pure returns (uint256 first, uint256 second) {
        bytes memory suffix = bytes.concat(TAG_BASE_TAG, bytes1(uint8(TAG_BASE_TAG.length)));
        bytes32 b0 = keccak256(
            bytes.concat(new bytes(HASH_BLOCK), context, bytes2(UNIFORM_BYTES), bytes1(0), suffix)
        );
        bytes32 b1 = keccak256(bytes.concat(b0, bytes1(0x01), suffix));
        bytes32 b2 = keccak256(bytes.concat(b0 ^ b1, bytes1(0x02), suffix));
        bytes32 b3 = keccak256(bytes.concat(b0 ^ b2, bytes1(0x03), suffix));

        // The first 48 of the 96 bytes are b1 and the upper half of b2.
        first = _reduce(uint256(b1), uint256(b2) >> 128);
        second = _reduce(
            (uint256(b2) << 128) | (uint256(b3) >> 128),
            uint256(b3) & type(uint128).max
        );
    }

    /// @dev (upper 2^128 + lower) modulo P.
    function _reduce(uint256 upper, uint256 lower) private pure returns (uint256) {
        return addmod(mulmod(upper, 1 << 128, Bn254.P), lower, Bn254.P);
    }

    /// @dev RFC 9380, appendix F.1.
    function _mapToCurve(uint256 u) private view returns (Point memory) {
        uint256 p = Bn254.P;
        uint256 square = mulmod(mulmod(u, u, p), C1, p);
        uint256 plus = addmod(1, square, p);
        uint256 minus = addmod(1, p - square, p);
        uint256 inverse = Precompiles.inverse(mulmod(minus, plus, p), p);
        uint256 shift = mulmod(mulmod(u, minus, p), mulmod(inverse, C3, p), p);

        uint256 x = addmod(C2, p - shift, p);
        (bool found, uint256 y) = _yOf(x);
        if (!found) {
            x = addmod(C2, shift, p);
            (found, y) = _yOf(x);
        }
        if (!found) {
            uint256 factor = mulmod(mulmod(plus, plus, p), inverse, p);
            x = addmod(Z, mulmod(C4, mulmod(factor, factor, p), p), p);
            (found, y) = _yOf(x);
        }
        return Point(x, y % 2 == u % 2 ? y : p - y);
    }

    /// @dev One of the two y of the points with this x, if there are any.
    function _yOf(uint256 x) private view returns (bool found, uint256 y) {
        uint256 square = addmod(mulmod(mulmod(x, x, Bn254.P), x, Bn254.P), 3, Bn254.P);
        y = Precompiles.squareRoot(square);
        found = mulmod(y, y, Bn254.P) == square;
    }
}
