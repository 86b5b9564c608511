// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IConfirmations} from "./IConfirmations.sol";

/// @title Certified meters and what they have read
/// @notice A meter is a key that signs. An auditor certifies it for one owner until a date, and an
/// owner has one meter. Anyone may submit what a meter has signed, as it proves itself.
/// An auditor who doubts a reading holds up what is settled by it, for a bounded time, in which as
/// many auditors as the threshold confirm or correct it from the raw data batch.
interface IMeterRegistry is IConfirmations {
    /// @notice `HOUSEHOLD` meters the boundary between a home and the microgrid. `STORAGE` meters a
    /// battery inside the microgrid: what it takes in stays in the microgrid.
    enum MeterKind {
        HOUSEHOLD,
        STORAGE
    }

    /// @param meter The key of the meter, which signs.
    /// @param validUntil Second from which on the meter is certified no longer; 0: no meter.
    struct Certificate {
        address meter;
        uint40 validUntil;
        MeterKind kind;
    }

    /// @notice What one meter saw in one window. EIP-712 type
    /// `Reading(address meter,uint64 window,uint64 exportedWh,uint64 importedWh,uint64 lossesWh,`
    /// `bytes32 dataRoot)`.
    /// @param lossesWh Only for storages: energy that was lost inside, 0 otherwise.
    /// @param dataRoot Hash of the raw data batch of the window, which the owner keeps.
    struct Reading {
        address meter;
        uint64 window;
        uint64 exportedWh;
        uint64 importedWh;
        uint64 lossesWh;
        bytes32 dataRoot;
    }

    /// @notice What auditors read in the raw data batch in place of what the meter signed.
    /// @param dataRoot Hash of the batch that they read.
    struct Correction {
        address owner;
        uint64 window;
        uint64 exportedWh;
        uint64 importedWh;
        uint64 lossesWh;
        bytes32 dataRoot;
    }

    /// @notice A reading as the market uses it; all zero while there is none.
    /// @param held Whether an auditor doubts it: nothing is settled by it.
    /// @param retractedWh Tokens for an export that there was not, which the owner has to give
    /// back.
    struct RecordedReading {
        bool recorded;
        bool isStorage;
        bool held;
        uint64 exportedWh;
        uint64 importedWh;
        uint64 lossesWh;
        uint64 retractedWh;
    }

    event MeterCertified(
        address indexed meter,
        address indexed owner,
        MeterKind kind,
        uint40 validUntil
    );
    event MeterRevoked(address indexed meter, address indexed owner);
    event ReadingRecorded(
        address indexed owner,
        uint64 indexed window,
        address indexed meter,
        uint64 exportedWh,
        uint64 importedWh,
        uint64 lossesWh,
        bytes32 dataRoot
    );
    /// @param until When the reading holds nobody up any more, whatever the auditors do.
    event ReadingHeld(
        address indexed owner,
        uint64 indexed window,
        address indexed auditor,
        uint256 until
    );
    event ReadingConfirmed(address indexed owner, uint64 indexed window, address indexed auditor);
    event CorrectionConfirmed(
        address indexed owner,
        uint64 indexed window,
        address indexed auditor,
        Correction correction
    );
    event ReadingCorrected(
        address indexed owner,
        uint64 indexed window,
        uint64 exportedWh,
        uint64 importedWh,
        uint64 lossesWh,
        bytes32 dataRoot
    );
    event ReadingReleased(address indexed owner, uint64 indexed window);

    error ZeroAddress();
    error MeterTaken(address meter, address owner);
    error CertificateInPast(uint40 validUntil);
    error MeterUnknown(address meter);
    error MeterExpired(address meter, uint40 validUntil);
    error ReadingTooEarly(uint64 window, uint256 windowEnd);
    error ReadingTooLate(uint64 window, uint256 lastMoment);
    error ReadingTooLarge(uint64 energyWh, uint64 maximum);
    error ReadingConflict(address owner, uint64 window);
    error ReadingUnknown(address owner, uint64 window);
    error ReadingDoubted(address owner, uint64 window);
    error ReadingNotHeld(address owner, uint64 window);
    error ReadingUsed(address owner, uint64 window);
    error AuditTime(uint64 window, uint256 from, uint256 until);
    error LossesNotStorage(address meter, uint64 lossesWh);
    error SignatureInvalid(address meter);
    error LengthMismatch(uint256 readings, uint256 signatures);
    error BatchTooLarge(uint256 length, uint256 maximum);

    /// @notice Certifies `meter` for `owner` until `validUntil` (exclusive), or renews it. Another
    /// meter that the owner had is revoked. Restricted to the auditors.
    function certify(address meter, address owner, MeterKind kind, uint40 validUntil) external;

    /// @notice Ends a certificate at once. Restricted to the auditors.
    function revoke(address meter) external;

    /// @notice Records what a meter has signed, from the end of its window until two windows later,
    /// if the certificate covers the whole window. A household's export becomes energy tokens of
    /// its owner. The same reading again changes nothing.
    function submitReading(Reading calldata reading, bytes calldata signature) external;

    /// @notice `submitReading` for up to `MAX_BATCH` readings; all or none.
    function submitReadings(Reading[] calldata readings, bytes[] calldata signatures) external;

    /// @notice Holds up what is settled by a reading, or by its absence, until the auditors release
    /// it, and at most until six windows after the end of its window. From the window's beginning
    /// on, as long as nothing was settled by it. Restricted to the auditors; one is enough.
    function doubtReading(address owner, uint64 window) external;

    /// @notice Confirms a held reading as it is. When as many auditors as the threshold have, it
    /// holds nobody up any more. Restricted to the auditors.
    /// @return released Whether this confirmation was the last one needed.
    function confirmReading(address owner, uint64 window) external returns (bool released);

    /// @notice Corrects a held reading. When as many auditors as the threshold have confirmed
    /// exactly this, it replaces what the meter has signed. More export becomes energy tokens at
    /// once, tokens for less are burned when the owner's position closes. Restricted to the
    /// auditors.
    /// @return corrected Whether this confirmation was the last one needed.
    function correctReading(Correction calldata correction) external returns (bool corrected);

    /// @notice The meter that is certified for `owner`, also when the certificate has expired.
    function certificateOf(address owner) external view returns (Certificate memory);

    /// @notice The owner that `meter` is certified for; zero if it is not.
    function ownerOf(address meter) external view returns (address);

    /// @notice Whether `owner` has a certified meter at this moment.
    function isCertified(address owner) external view returns (bool);

    /// @notice What the owner's meter saw in a window.
    function readingOf(address owner, uint64 window) external view returns (RecordedReading memory);

    /// @notice What the owner's meter saw going out in a window, for those who need no more.
    function exportOf(
        address owner,
        uint64 window
    ) external view returns (bool recorded, bool held, uint256 exportedWh);

    /// @notice The digest that a meter signs.
    function hashReading(Reading calldata reading) external view returns (bytes32);

    /// @notice Largest number of readings in one call.
    // solhint-disable-next-line func-name-mixedcase
    function MAX_BATCH() external view returns (uint256);
}
