// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISpendVerifier, SpendSignature} from "../interfaces/ISpendVerifier.sol";
import {Bn254, Point} from "./libraries/Bn254.sol";
import {HashToCurve} from "./libraries/HashToCurve.sol";
import {Note, Notes} from "./libraries/Notes.sol";
import {Sum, Sums} from "./libraries/Sums.sol";
import {Transcript} from "./libraries/Transcript.sol";

contract SpendVerifier is ISpendVerifier {
    /// @dev What all notes of the ring share in the computation.
    /// @param difference Minus the pseudo commitment, which each commitment is added to.
    struct Spend {
        bytes32 start;
        uint256 muP;
        uint256 muC;
        Point aggregate;
        Point minusPseudo;
    }

    bytes32 private constant CLSAG_TAG = keccak256("peerwatt/clsag/1");
    uint256 private constant MIN_RING = 2;

    /// @inheritdoc ISpendVerifier
    function verify(
        Note[] calldata ring,
        bytes32 context,
        bytes32 message,
        SpendSignature calldata signature
    ) external view returns (bool) {
        uint256 size = ring.length;
        require(size >= MIN_RING, RingTooSmall(size));
        if (signature.responses.length != size) return false;
        Bn254.requireScalar(signature.challenge);

        Spend memory spend = _begin(ring, context, message, signature);
        uint256 c = signature.challenge;
        for (uint256 k = 0; k < size; ++k) {
            c = _next(spend, ring[k], signature.responses[k], c);
        }
        return c == signature.challenge;
    }

    function _begin(
        Note[] calldata ring,
        bytes32 context,
        bytes32 message,
        SpendSignature calldata signature
    ) private view returns (Spend memory spend) {
        Point memory image = signature.image;
        Point memory blindingImage = signature.blindingImage;
        Point memory pseudo = signature.pseudo;
        Bn254.requirePoint(image);
        Bn254.requirePoint(blindingImage);
        Bn254.requirePoint(pseudo);

        spend.start = Transcript.begin(
            CLSAG_TAG,
            context,
            abi.encode(message, Notes.hashAll(ring), image, blindingImage, pseudo)
        );
        spend.muP = Transcript.challenge(keccak256(abi.encode(spend.start, 1)));
        spend.muC = Transcript.challenge(keccak256(abi.encode(spend.start, 2)));
        Sum memory aggregate = Sums.startWith(image, spend.muP);
        aggregate.addProduct(blindingImage, spend.muC);
        spend.aggregate = aggregate.total();
        spend.minusPseudo = Bn254.negate(pseudo);
    }

    /// @dev c_{k+1} = keccak(start, s G + c (mu_P P + mu_C (C - C')), s Hp(P) + c W) mod N
    function _next(
        Spend memory spend,
        Note memory note,
        uint256 s,
        uint256 c
    ) private view returns (uint256) {
        Bn254.requirePoint(note.key);
        Bn254.requirePoint(note.commitment);
        Bn254.requireScalar(s);

        Sum memory difference = Sums.startWith(note.commitment);
        difference.add(spend.minusPseudo);
        Sum memory left = Sums.startWith(Bn254.blindingBase(), s);
        left.addProduct(note.key, mulmod(c, spend.muP, Bn254.N));
        left.addProduct(difference.total(), mulmod(c, spend.muC, Bn254.N));
        Sum memory right = Sums.startWith(HashToCurve.keyBase(note.key), s);
        right.addProduct(spend.aggregate, c);
        return
            Transcript.challenge(
                keccak256(abi.encode(spend.start, left.x, left.y, right.x, right.y))
            );
    }
}
