// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @dev Infinity is (0, 0), as the precompiles have it.
struct Point {
    uint256 x;
    uint256 y;
}

/// @title The group that proofs live in
/// @notice G1 of bn254 (alt_bn128), y^2 = x^3 + 3, through the precompiles of EIP-196. Its order is
/// prime and its cofactor 1: a point on the curve is in the group.
/// @dev A precompile that is given a point off the curve burns all gas that it is given. So every
/// point from outside is checked before (`requirePoint`), and no call is given more than a limit.
library Bn254 {
    uint256 internal constant P =
        21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint256 internal constant N =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    uint256 internal constant VALUE_BASE_X =
        3562634001799322244156516673968306533623855311430735021393858594493440715335;
    uint256 internal constant VALUE_BASE_Y =
        9842265066329644444138663767364055602305013230544658722680526575858573038734;

    uint256 internal constant REFUND_BASE_X =
        9035704445586753637575042385177397750330700426589068562047919398722091746016;
    uint256 internal constant REFUND_BASE_Y =
        3830422968436939572169948645764413368363430465096523899893176806112882344007;

    error PointInvalid(uint256 x, uint256 y);
    error ScalarTooLarge(uint256 scalar);
    error PrecompileFailed();

    /// @notice G = (1, 2), the base of blindings and keys.
    function blindingBase() internal pure returns (Point memory) {
        return Point(1, 2);
    }

    /// @notice H, the base of committed values, whose logarithm nobody knows.
    function valueBase() internal pure returns (Point memory) {
        return Point(VALUE_BASE_X, VALUE_BASE_Y);
    }

    /// @notice The base of what an agreement says of a refund's blinding. With G in its place, the
    /// note less that would be its amount times H, and everybody could search for it.
    function refundBase() internal pure returns (Point memory) {
        return Point(REFUND_BASE_X, REFUND_BASE_Y);
    }

    function negate(Point memory point) internal pure returns (Point memory) {
        return Point(point.x, point.y == 0 ? 0 : P - point.y);
    }

    function equals(Point memory left, Point memory right) internal pure returns (bool) {
        return left.x == right.x && left.y == right.y;
    }

    function isInfinity(Point memory point) internal pure returns (bool) {
        return point.x == 0 && point.y == 0;
    }

    /// @notice Whether this is a point other than infinity, with coordinates in the field.
    function isOnCurve(Point memory point) internal pure returns (bool) {
        uint256 x = point.x;
        uint256 y = point.y;
        if (x >= P || y >= P) return false;
        return mulmod(y, y, P) == addmod(mulmod(mulmod(x, x, P), x, P), 3, P);
    }

    function requirePoint(Point memory point) internal pure {
        require(isOnCurve(point), PointInvalid(point.x, point.y));
    }

    /// @notice Checks points that lie one after another in the call's input, without copies.
    /// @param at Where the first begins.
    function requirePointsAt(uint256 at, uint256 count) internal pure {
        unchecked {
            for (uint256 end = at + count * 0x40; at < end; at += 0x40) {
                uint256 x;
                uint256 y;
                // solhint-disable-next-line no-inline-assembly
                assembly ("memory-safe") {
                    x := calldataload(at)
                    y := calldataload(add(at, 0x20))
                }
                bool isPoint =
                    x < P &&
                        y < P &&
                        mulmod(y, y, P) == addmod(mulmod(mulmod(x, x, P), x, P), 3, P);
                require(isPoint, PointInvalid(x, y));
            }
        }
    }

    /// @notice Checks scalars that lie one after another in the call's input.
    function requireScalarsAt(uint256 at, uint256 count) internal pure {
        unchecked {
            for (uint256 end = at + count * 0x20; at < end; at += 0x20) {
                uint256 scalar;
                // solhint-disable-next-line no-inline-assembly
                assembly ("memory-safe") {
                    scalar := calldataload(at)
                }
                requireScalar(scalar);
            }
        }
    }

    /// @dev So that each proof has one form only.
    function requireScalar(uint256 scalar) internal pure {
        require(scalar < N, ScalarTooLarge(scalar));
    }
}
