// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    CostStatement,
    Handle,
    ISigmaVerifier,
    Rounding,
    SigmaProof
} from "../interfaces/ISigmaVerifier.sol";
import {Costs} from "../libraries/Costs.sol";
import {Bn254, Point} from "./libraries/Bn254.sol";
import {Sum, Sums} from "./libraries/Sums.sol";
import {Transcript} from "./libraries/Transcript.sol";

/// @dev Each equation says image = sum of secret times base. With responses z and challenge e the
/// verifier computes T = sum of z base - e image of each, and draws the challenge again from them.
contract SigmaVerifier is ISigmaVerifier {
    bytes32 private constant POSSESSION_TAG = keccak256("peerwatt/possession/1");
    bytes32 private constant PRODUCT_TAG = keccak256("peerwatt/product/1");
    bytes32 private constant HANDLE_TAG = keccak256("peerwatt/handle/1");

    /// @inheritdoc ISigmaVerifier
    function verifyPossession(
        Point calldata key,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool) {
        if (!_isWellFormed(proof, 1)) return false;
        Bn254.requirePoint(key);

        Sum memory t = Sums.startWith(Bn254.blindingBase(), proof.responses[0]);
        t.addProduct(key, Bn254.N - proof.challenge);
        bytes32 state = Transcript.begin(POSSESSION_TAG, context, abi.encode(key));
        return _closes(state, abi.encode(t.total()), proof);
    }

    /// @inheritdoc ISigmaVerifier
    function verifyProduct(
        Point calldata first,
        Point calldata second,
        Point calldata third,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool) {
        return _verifyProduct(first, second, third, context, proof);
    }

    /// @inheritdoc ISigmaVerifier
    function verifyCost(
        CostStatement calldata statement,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool) {
        Point memory remainder = statement.remainder;
        Bn254.requirePoint(statement.cost);
        Bn254.requirePoint(remainder);

        Sum memory product = Sums.startWith(statement.cost, Costs.WH_PER_KWH);
        product.add(statement.rounding == Rounding.DOWN ? remainder : Bn254.negate(remainder));
        return _verifyProduct(statement.energy, statement.price, product.total(), context, proof);
    }

    /// @inheritdoc ISigmaVerifier
    function verifyHandles(
        Handle[] calldata handles,
        Point calldata auditor,
        bytes32 context,
        SigmaProof calldata proof
    ) external view returns (bool) {
        uint256 count = handles.length;
        if (!_isWellFormed(proof, 2 * count)) return false;
        Bn254.requirePoint(auditor);

        bytes memory statement = abi.encode(auditor);
        bytes memory answers;
        for (uint256 i = 0; i < count; ++i) {
            statement = bytes.concat(statement, abi.encode(handles[i]));
            answers = bytes.concat(
                answers,
                _handleAnswer(
                    handles[i],
                    auditor,
                    proof.responses[2 * i],
                    proof.responses[2 * i + 1],
                    proof.challenge
                )
            );
        }
        return _closes(Transcript.begin(HANDLE_TAG, context, statement), answers, proof);
    }

    /// @dev The first hides v = secret 0, with blinding = secret 1, and the third is v times the
    /// second, with blinding = secret 2.
    function _verifyProduct(
        Point memory first,
        Point memory second,
        Point memory third,
        bytes32 context,
        SigmaProof calldata proof
    ) private view returns (bool) {
        if (!_isWellFormed(proof, 3)) return false;
        Bn254.requirePoint(first);
        Bn254.requirePoint(second);
        Bn254.requirePoint(third);

        uint256 minusChallenge = Bn254.N - proof.challenge;
        Sum memory t1 = Sums.startWith(Bn254.valueBase(), proof.responses[0]);
        t1.addProduct(Bn254.blindingBase(), proof.responses[1]);
        t1.addProduct(first, minusChallenge);
        Sum memory t2 = Sums.startWith(second, proof.responses[0]);
        t2.addProduct(Bn254.blindingBase(), proof.responses[2]);
        t2.addProduct(third, minusChallenge);
        bytes32 state = Transcript.begin(PRODUCT_TAG, context, abi.encode(first, second, third));
        return _closes(state, abi.encode(t1.total(), t2.total()), proof);
    }

    /// @dev The commitment hides a value with a blinding, and the handle is the blinding times the
    /// auditors' key.
    function _handleAnswer(
        Handle calldata handle,
        Point calldata auditor,
        uint256 value,
        uint256 blinding,
        uint256 challenge
    ) private view returns (bytes memory) {
        Bn254.requirePoint(handle.commitment);
        Bn254.requirePoint(handle.point);

        Sum memory t1 = Sums.startWith(Bn254.valueBase(), value);
        t1.addProduct(Bn254.blindingBase(), blinding);
        t1.addProduct(handle.commitment, Bn254.N - challenge);
        Sum memory t2 = Sums.startWith(auditor, blinding);
        t2.addProduct(handle.point, Bn254.N - challenge);
        return abi.encode(t1.total(), t2.total());
    }

    /// @dev Whether there is a response for each secret. Reverts if one is no scalar.
    function _isWellFormed(SigmaProof calldata proof, uint256 secrets) private pure returns (bool) {
        if (proof.responses.length != secrets) return false;
        Bn254.requireScalar(proof.challenge);
        for (uint256 i = 0; i < secrets; ++i) Bn254.requireScalar(proof.responses[i]);
        return true;
    }

    function _closes(
        bytes32 state,
        bytes memory answers,
        SigmaProof calldata proof
    ) private pure returns (bool) {
        return Transcript.challenge(Transcript.absorb(state, answers)) == proof.challenge;
    }
}
