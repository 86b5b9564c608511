// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Certified meters and what they have read
/// @notice A meter is a key that signs. An auditor certifies it for one owner until a date, and an
/// owner has one meter. Anyone may submit what a meter has signed, as it proves itself.
interface IMeterRegistry {
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

    /// @notice A reading as the market uses it; all zero while there is none.
    struct RecordedReading {
        bool recorded;
        bool isStorage;
        uint64 exportedWh;
        uint64 importedWh;
        uint64 lossesWh;
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

    error ZeroAddress();
    error MeterTaken(address meter, address owner);
    error CertificateInPast(uint40 validUntil);
    error MeterUnknown(address meter);
    error MeterExpired(address meter, uint40 validUntil);
    error ReadingTooEarly(uint64 window, uint256 windowEnd);
    error ReadingTooLate(uint64 window, uint256 lastMoment);
    error ReadingTooLarge(uint64 energyWh, uint64 maximum);
    error ReadingConflict(address owner, uint64 window);
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
    ) external view returns (bool recorded, uint256 exportedWh);

    /// @notice The digest that a meter signs.
    function hashReading(Reading calldata reading) external view returns (bytes32);

    /// @notice Largest number of readings in one call.
    // solhint-disable-next-line func-name-mixedcase
    function MAX_BATCH() external view returns (uint256);
}
