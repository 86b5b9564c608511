// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IRangeVerifier, RangeClaim, RangeProof} from "../interfaces/IRangeVerifier.sol";
import {Bn254, Point} from "./libraries/Bn254.sol";
import {Precompiles} from "./libraries/Precompiles.sol";
import {Sum} from "./libraries/Sums.sol";
import {Transcript} from "./libraries/Transcript.sol";

/// @notice Bulletproofs (Bünz et al. 2018, section 4.2 with the argument of section 3). Each value
/// has a width of its own, and the halving stops at four numbers. Symbols are those of the paper:
///
/// | symbol | meaning |
/// | --- | --- |
/// | V_j | commitments, v_j H + r_j G; `g` and `h` in the paper |
/// | A, S | commitments to the bits, and to what masks them |
/// | t, T1, T2 | the inner product, and commitments to its coefficients |
/// | tau_x, mu | what blinds them |
/// | a, b | what is left of the vectors |
/// | L, R | cross terms of each round |
/// | y, z, x, w, x_k | challenges |
///
/// Every proof gives two equations that must come out at infinity: that of the vectors, and that of
/// t. Equation i of all counts rho^i times, where rho is a challenge over everything, and their sum
/// is computed at once: so each generator is multiplied once, however many proofs there are.
contract RangeVerifier is IRangeVerifier {
    /// @dev What the verifier draws for a proof, and what follows from it.
    /// @param yInverse 1 / y.
    /// @param rounds The challenges x_k, and
    /// @param inverses 1 / x_k.
    /// @param last The last state of the transcript.
    struct Challenges {
        uint256 y;
        uint256 yInverse;
        uint256 z;
        uint256 x;
        uint256 w;
        uint256[] rounds;
        uint256[] inverses;
        bytes32 last;
    }

    /// @dev The scalars of what all proofs share, while they add up, and the sum of all else.
    struct Total {
        uint256[] g;
        uint256[] h;
        uint256 u;
        uint256 value;
        uint256 blinding;
        Sum sum;
    }

    /// @dev What a proof's share in the scalars of the generators is made of, in the loops' order.
    /// @param a Where the vector a is in the call's input, and
    /// @param b the vector b.
    /// @param aFolds Of the challenges, and
    /// @param bFolds of their inverses, times minus the proof's weight.
    /// @param shift z^{2+j} 2^n for bit n of value j, times the weight.
    /// @param yPower y^-i
    /// @param order N: a number from memory is cheaper in a loop than a long constant.
    struct Share {
        uint256 a;
        uint256 b;
        uint256[] aFolds;
        uint256[] bFolds;
        uint256 z;
        uint256 minusZ;
        uint256 shift;
        uint256 yPower;
        uint256 yInverse;
        uint256 order;
    }

    /// @dev Where the parts of a proof are in it, in bytes: it begins with A.
    uint256 private constant S_AT = 0x40;
    uint256 private constant T1_AT = 0x80;
    uint256 private constant T2_AT = 0xc0;
    uint256 private constant SCALARS_AT = 0x100;
    uint256 private constant A_AT = 0x160;
    uint256 private constant B_AT = 0x1e0;

    /// @dev A, S, T1, T2; and tau_x, mu, t, a, b.
    uint256 private constant PROOF_POINTS = 4;
    uint256 private constant PROOF_SCALARS = 11;

    /// @dev L and R of a round, and where R is in it.
    uint256 private constant ROUND_POINTS = 2;
    uint256 private constant R_AT = 0x40;
    uint256 private constant ROUND_BYTES = 0x80;

    bytes32 private constant RANGE_TAG = keccak256("peerwatt/range/1");
    bytes32 private constant BATCH_TAG = keccak256("peerwatt/range batch/1");
    uint256 private constant REST = 4;
    uint256 private constant MAX_LENGTH = 128;
    uint256 private constant MAX_BITS = 64;
    uint256 private constant POINT_BYTES = 64;

    /// @dev What the table must be, so that nobody can deploy one whose logarithms are known.
    bytes32 private constant GENERATORS_HASH =
        0x8c8b2ee431b1c760c864e6ce86451132f71048a0a5d732919c864ccc5334e098;

    /// @notice Where the generators are.
    address public immutable generators;

    error GeneratorsForeign(address generators);

    constructor(address generators_) {
        require(generators_.codehash == GENERATORS_HASH, GeneratorsForeign(generators_));

        generators = generators_;
    }

    /// @inheritdoc IRangeVerifier
    function verify(RangeClaim[] calldata claims) external view returns (bool) {
        uint256 count = claims.length;
        Challenges[] memory drawn = new Challenges[](count);
        bytes memory states;
        uint256 longest = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 length = _requireClaim(claims[i]);
            if (REST << claims[i].proof.rounds.length != length) return false;
            if (length > longest) longest = length;
            drawn[i] = _draw(claims[i]);
            states = bytes.concat(states, drawn[i].last);
        }

        uint256 rho = Transcript.challenge(Transcript.begin(BATCH_TAG, 0, states));
        Total memory total;
        total.g = new uint256[](longest);
        total.h = new uint256[](longest);
        uint256 weight = 1;
        for (uint256 i = 0; i < count; ++i) {
            _addVectors(total, claims[i], drawn[i], weight);
            weight = mulmod(weight, rho, Bn254.N);
            _addT(total, claims[i], drawn[i], weight);
            weight = mulmod(weight, rho, Bn254.N);
        }
        return _isInfinity(total);
    }

    // What a claim must be

    /// @return length Of the vectors: all widths together.
    function _requireClaim(RangeClaim calldata claim) private pure returns (uint256 length) {
        uint256[] calldata bits = claim.bits;
        Point[] calldata commitments = claim.commitments;
        uint256 values = bits.length;
        require(values == commitments.length, LengthMismatch(values, commitments.length));
        for (uint256 j = 0; j < values; ++j) {
            uint256 width = bits[j];
            require(0 < width && width <= MAX_BITS, WidthInvalid(width));
            length += width;
        }
        require(
            REST <= length && length <= MAX_LENGTH && length & (length - 1) == 0,
            VectorLengthInvalid(length)
        );
        Bn254.requirePointsAt(_at(commitments), values);
        RangeProof calldata proof = claim.proof;
        Bn254.requirePointsAt(_at(proof), PROOF_POINTS);
        Bn254.requireScalarsAt(_at(proof) + SCALARS_AT, PROOF_SCALARS);
        Bn254.requirePointsAt(_at(proof.rounds), ROUND_POINTS * proof.rounds.length);
    }

    // Challenges

    function _draw(RangeClaim calldata claim) private view returns (Challenges memory c) {
        RangeProof calldata proof = claim.proof;
        bytes32 state = Transcript.begin(
            RANGE_TAG,
            claim.context,
            abi.encode(Transcript.hashNumbers(claim.bits), Transcript.hashPoints(claim.commitments))
        );
        uint256 at = _at(proof);
        state = Transcript.absorbAt(state, at, 4);
        c.y = Transcript.challenge(state);
        state = Transcript.absorbAt(state, 0, 0);
        c.z = Transcript.challenge(state);
        state = Transcript.absorbAt(state, at + T1_AT, 4);
        c.x = Transcript.challenge(state);
        state = Transcript.absorbAt(state, at + SCALARS_AT, 3);
        c.w = Transcript.challenge(state);
        uint256 rounds = proof.rounds.length;
        uint256 roundsAt = _at(proof.rounds);
        c.rounds = new uint256[](rounds);
        for (uint256 k = 0; k < rounds; ++k) {
            state = Transcript.absorbAt(state, roundsAt + k * ROUND_BYTES, 4);
            c.rounds[k] = Transcript.challenge(state);
        }
        c.last = Transcript.absorbAt(state, at + A_AT, 2 * REST);
        _invert(c);
    }

    /// @dev All at once, by one exponentiation (Montgomery 1987). A challenge of zero, which nobody
    /// will ever see, leaves inverses of zero, and no proof verifies.
    function _invert(Challenges memory c) private view {
        uint256 rounds = c.rounds.length;
        c.inverses = new uint256[](rounds);
        uint256 product = c.y;
        for (uint256 k = 0; k < rounds; ++k) {
            c.inverses[k] = product;
            product = mulmod(product, c.rounds[k], Bn254.N);
        }
        uint256 inverse = Precompiles.inverse(product, Bn254.N);
        for (uint256 k = rounds; k > 0; --k) {
            c.inverses[k - 1] = mulmod(c.inverses[k - 1], inverse, Bn254.N);
            inverse = mulmod(inverse, c.rounds[k - 1], Bn254.N);
        }
        c.yInverse = inverse;
    }

    // Sums

    /// @dev Adds `weight` times: A + x S - mu G - z sum G_i + sum (z + y^-i shift_i) H_i
    /// + w (t - <a, b>) U + sum (x_k L_k + R_k / x_k) - what a and b are of the folded generators.
    function _addVectors(
        Total memory total,
        RangeClaim calldata claim,
        Challenges memory c,
        uint256 weight
    ) private view {
        RangeProof calldata proof = claim.proof;
        _addGenerators(total, claim, c, weight);

        uint256 inner = proof.t;
        for (uint256 i = 0; i < REST; ++i) {
            inner = _minus(inner, mulmod(proof.a[i], proof.b[i], Bn254.N));
        }
        total.u = addmod(total.u, mulmod(weight, mulmod(c.w, inner, Bn254.N), Bn254.N), Bn254.N);
        total.blinding = _minus(total.blinding, mulmod(weight, proof.mu, Bn254.N));
        uint256 at = _at(proof);
        total.sum.addProductAt(at, weight);
        total.sum.addProductAt(at + S_AT, mulmod(weight, c.x, Bn254.N));
        at = _at(proof.rounds);
        uint256 rounds = c.rounds.length;
        for (uint256 k = 0; k < rounds; ++k) {
            total.sum.addProductAt(at, mulmod(weight, c.rounds[k], Bn254.N));
            total.sum.addProductAt(at + R_AT, mulmod(weight, c.inverses[k], Bn254.N));
            at += ROUND_BYTES;
        }
    }

    /// @dev Generator i has, `weight` times,
    /// G_i: - z - a_{i mod 4} fold_{i / 4}
    /// H_i: z + y^-i (z^{2+j} 2^n - b_{i mod 4} / fold_{i / 4}) for bit n of value j.
    function _addGenerators(
        Total memory total,
        RangeClaim calldata claim,
        Challenges memory c,
        uint256 weight
    ) private pure {
        uint256 at = _at(claim.proof);
        uint256 minusWeight = _minus(0, weight);
        Share memory share;
        share.order = Bn254.N;
        share.a = at + A_AT;
        share.b = at + B_AT;
        share.aFolds = _folds(c.rounds, minusWeight);
        share.bFolds = _folds(c.inverses, minusWeight);
        share.z = mulmod(weight, c.z, Bn254.N);
        share.minusZ = _minus(0, share.z);
        share.yPower = 1;
        share.yInverse = c.yInverse;
        _addToG(total.g, share);
        uint256 zPower = share.z;
        uint256[] calldata bits = claim.bits;
        uint256 values = bits.length;
        uint256 first = 0;
        for (uint256 j = 0; j < values; ++j) {
            zPower = mulmod(zPower, c.z, Bn254.N);
            share.shift = zPower;
            uint256 end = first + bits[j];
            _addToH(total.h, share, first, end);
            first = end;
        }
    }

    /// @dev By hand, as it runs for every bit. There are a fourth as many folds as entries of this
    /// proof, and no sum of three numbers below N overflows.
    function _addToG(uint256[] memory g, Share memory share) private pure {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let n := mload(add(share, 0x120))
            let folds := mload(add(share, 0x40))
            let end := mul(mload(folds), 0x80)
            g := add(g, 0x20)
            folds := add(folds, 0x20)
            for {
                let i := 0
            } lt(i, end) {
                i := add(i, 0x20)
            } {
                let term := calldataload(add(mload(share), and(i, 0x60)))
                term := mulmod(term, mload(add(folds, and(shr(2, i), not(0x1f)))), n)
                let entry := add(g, i)
                mstore(entry, addmod(add(mload(entry), mload(add(share, 0xa0))), term, n))
            }
        }
    }

    /// @dev By hand, as above: `first` and `end` never exceed the array.
    function _addToH(
        uint256[] memory h,
        Share memory share,
        uint256 first,
        uint256 end
    ) private pure {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let n := mload(add(share, 0x120))
            let folds := add(mload(add(share, 0x60)), 0x20)
            let shift := mload(add(share, 0xc0))
            let yPower := mload(add(share, 0xe0))
            h := add(h, 0x20)
            end := mul(end, 0x20)
            for {
                let i := mul(first, 0x20)
            } lt(i, end) {
                i := add(i, 0x20)
            } {
                let term := calldataload(add(mload(add(share, 0x20)), and(i, 0x60)))
                term := mulmod(term, mload(add(folds, and(shr(2, i), not(0x1f)))), n)
                term := mulmod(yPower, add(shift, term), n)
                let entry := add(h, i)
                mstore(entry, addmod(add(mload(entry), mload(add(share, 0x80))), term, n))
                shift := addmod(shift, shift, n)
                yPower := mulmod(yPower, mload(add(share, 0x100)), n)
            }
            mstore(add(share, 0xc0), shift)
            mstore(add(share, 0xe0), yPower)
        }
    }

    /// @dev Adds `weight` times: sum z^{2+j} V_j + (delta - t) H - tau_x G + x T1 + x^2 T2.
    function _addT(
        Total memory total,
        RangeClaim calldata claim,
        Challenges memory c,
        uint256 weight
    ) private view {
        RangeProof calldata proof = claim.proof;
        uint256 value = mulmod(weight, _minus(_delta(c, claim.bits), proof.t), Bn254.N);
        total.value = addmod(total.value, value, Bn254.N);
        total.blinding = _minus(total.blinding, mulmod(weight, proof.tauX, Bn254.N));
        uint256 scalar = mulmod(weight, mulmod(c.z, c.z, Bn254.N), Bn254.N);
        uint256 at = _at(claim.commitments);
        uint256 end = at + claim.commitments.length * POINT_BYTES;
        for (; at < end; at += POINT_BYTES) {
            total.sum.addProductAt(at, scalar);
            scalar = mulmod(scalar, c.z, Bn254.N);
        }
        scalar = mulmod(weight, c.x, Bn254.N);
        at = _at(proof);
        total.sum.addProductAt(at + T1_AT, scalar);
        total.sum.addProductAt(at + T2_AT, mulmod(scalar, c.x, Bn254.N));
    }

    /// @dev (z - z^2) sum y^i - sum z^{3+j} (2^bits[j] - 1)
    function _delta(
        Challenges memory c,
        uint256[] calldata bits
    ) private pure returns (uint256 delta) {
        uint256 z = c.z;
        uint256 zPower = mulmod(z, z, Bn254.N);
        uint256 powers = _sumOfPowers(c.y, c.rounds.length + 2);
        delta = mulmod(_minus(z, zPower), powers, Bn254.N);
        uint256 values = bits.length;
        for (uint256 j = 0; j < values; ++j) {
            zPower = mulmod(zPower, z, Bn254.N);
            delta = _minus(delta, mulmod(zPower, (1 << bits[j]) - 1, Bn254.N));
        }
    }

    function _isInfinity(Total memory total) private view returns (bool) {
        Sum memory sum = total.sum;
        sum.addProduct(Bn254.valueBase(), total.value);
        sum.addProduct(Bn254.blindingBase(), total.blinding);
        uint256 length = total.g.length;
        uint256[] memory u = new uint256[](1);
        u[0] = total.u;
        sum.addProducts(_load(0, 1), u);
        sum.addProducts(_load(1, length), total.g);
        sum.addProducts(_load(1 + MAX_LENGTH, length), total.h);
        return sum.isInfinity();
    }

    /// @return points The address in memory of so many points of the table.
    function _load(uint256 first, uint256 count) private view returns (uint256 points) {
        bytes memory table = new bytes(count * POINT_BYTES);
        address source = generators;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            points := add(table, 0x20)
            extcodecopy(source, points, add(1, mul(first, POINT_BYTES)), mload(table))
        }
    }

    // Where things are in the call's input

    function _at(RangeProof calldata proof) private pure returns (uint256 at) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            at := proof
        }
    }

    function _at(Point[] calldata points) private pure returns (uint256 at) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            at := points.offset
        }
    }

    function _at(Point[2][] calldata rounds) private pure returns (uint256 at) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            at := rounds.offset
        }
    }

    // Numbers modulo N

    /// @dev For each q, `weight` times the product of the challenges of the rounds whose bit is set
    /// in q; the first round has the highest bit.
    function _folds(
        uint256[] memory rounds,
        uint256 weight
    ) private pure returns (uint256[] memory folds) {
        uint256 length = rounds.length;
        folds = new uint256[](1 << length);
        folds[0] = weight;
        uint256 size = 1;
        for (uint256 k = length; k > 0; --k) {
            uint256 challenge = rounds[k - 1];
            unchecked {
                for (uint256 q = 0; q < size; ++q) {
                    folds[size + q] = mulmod(folds[q], challenge, Bn254.N);
                }
            }
            size *= 2;
        }
    }

    /// @dev 1 + y + y^2 + ... up to y^(2^doublings - 1), as (1 + y) (1 + y^2) (1 + y^4) ...
    function _sumOfPowers(uint256 y, uint256 doublings) private pure returns (uint256 sum) {
        sum = 1;
        for (uint256 k = 0; k < doublings; ++k) {
            sum = mulmod(sum, addmod(1, y, Bn254.N), Bn254.N);
            y = mulmod(y, y, Bn254.N);
        }
    }

    /// @dev Unchecked: the right one is below N.
    function _minus(uint256 left, uint256 right) private pure returns (uint256) {
        unchecked {
            return addmod(left, Bn254.N - right, Bn254.N);
        }
    }
}
