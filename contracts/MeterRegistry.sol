// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Confirmations} from "./governance/Confirmations.sol";
import {IEnergyMarket} from "./interfaces/IEnergyMarket.sol";
import {IEnergyToken} from "./interfaces/IEnergyToken.sol";
import {IMeterRegistry} from "./interfaces/IMeterRegistry.sol";
import {Readings} from "./libraries/Readings.sol";
import {Windows} from "./libraries/Windows.sol";

contract MeterRegistry is IMeterRegistry, Confirmations, EIP712 {
    using Readings for Readings.Block;

    /// @inheritdoc IMeterRegistry
    uint256 public constant MAX_BATCH = 100;

    bytes32 private constant READING_TYPEHASH = keccak256(
        "Reading(address meter,uint64 window,uint64 exportedWh,uint64 importedWh,"
        "uint64 lossesWh,bytes32 dataRoot)"
    );

    IEnergyToken public immutable energyToken;

    /// @dev One slot, which is all that recording a reading has to look up.
    struct MeterRecord {
        address owner;
        uint40 validUntil;
        MeterKind kind;
    }

    mapping(address meter => MeterRecord) private _meters;
    mapping(address owner => address meter) private _meterOf;

    mapping(address owner => mapping(uint256 number => Readings.Block)) private _readings;
    mapping(address owner => mapping(uint64 window => uint64)) private _lossesWh;

    /// @dev What was injected for an export that auditors have corrected to less.
    mapping(address owner => mapping(uint64 window => uint64)) private _retractedWh;

    constructor(
        address authority,
        IEnergyToken energyToken_,
        uint256 threshold_
    ) AccessManaged(authority) Confirmations(threshold_) EIP712("Peerwatt MeterRegistry", "1") {
        energyToken = energyToken_;
    }

    // Certificates

    /// @inheritdoc IMeterRegistry
    function certify(
        address meter,
        address owner,
        MeterKind kind,
        uint40 validUntil
    ) external restricted {
        require(meter != address(0) && owner != address(0), ZeroAddress());
        require(validUntil > block.timestamp, CertificateInPast(validUntil));
        address holder = _meters[meter].owner;
        require(holder == address(0) || holder == owner, MeterTaken(meter, holder));

        address formerMeter = _meterOf[owner];
        if (formerMeter != address(0) && formerMeter != meter) _revoke(formerMeter, owner);
        _meterOf[owner] = meter;
        _meters[meter] = MeterRecord({owner: owner, validUntil: validUntil, kind: kind});
        emit MeterCertified(meter, owner, kind, validUntil);
    }

    /// @inheritdoc IMeterRegistry
    function revoke(address meter) external restricted {
        address owner = _meters[meter].owner;
        require(owner != address(0), MeterUnknown(meter));

        _revoke(meter, owner);
    }

    // Readings

    /// @inheritdoc IMeterRegistry
    function submitReading(Reading calldata reading, bytes calldata signature) external {
        _submit(reading, signature);
    }

    /// @inheritdoc IMeterRegistry
    function submitReadings(Reading[] calldata readings, bytes[] calldata signatures) external {
        uint256 length = readings.length;
        require(length == signatures.length, LengthMismatch(length, signatures.length));
        require(length <= MAX_BATCH, BatchTooLarge(length, MAX_BATCH));

        for (uint256 i = 0; i < length; ++i) {
            _submit(readings[i], signatures[i]);
        }
    }

    // Audits

    /// @inheritdoc IMeterRegistry
    function doubtReading(address owner, uint64 window) external restricted {
        uint256 from = Windows.start(window);
        uint256 until = Windows.holdEnd(window);
        require(from <= block.timestamp && block.timestamp < until, AuditTime(window, from, until));
        Readings.Block storage stored = _readings[owner][Readings.blockOf(window)];
        Readings.Entry memory entry = stored.get(window);
        require(!entry.doubted, ReadingDoubted(owner, window));
        _requireUnused(owner, window);

        entry.doubted = true;
        stored.set(window, entry);
        emit ReadingHeld(owner, window, msg.sender, until);
    }

    /// @inheritdoc IMeterRegistry
    function confirmReading(
        address owner,
        uint64 window
    ) external restricted returns (bool released) {
        Readings.Block storage stored = _readings[owner][Readings.blockOf(window)];
        Readings.Entry memory entry = _held(stored, owner, window);
        // What was confirmed before it was corrected, or recorded, was something else.
        uint64 lossesWh = _lossesWh[owner][window];
        released = _confirm(keccak256(abi.encode("reading", owner, window, entry, lossesWh)));
        emit ReadingConfirmed(owner, window, msg.sender);
        if (!released) return false;

        _release(stored, entry, owner, window);
    }

    /// @inheritdoc IMeterRegistry
    function correctReading(
        Correction calldata correction
    ) external restricted returns (bool corrected) {
        address owner = correction.owner;
        uint64 window = correction.window;
        Readings.Block storage stored = _readings[owner][Readings.blockOf(window)];
        Readings.Entry memory entry = _held(stored, owner, window);
        require(entry.recorded, ReadingUnknown(owner, window));
        _checkEnergy(
            _meterOf[owner],
            entry.isStorage,
            correction.exportedWh,
            correction.importedWh,
            correction.lossesWh
        );
        corrected = _confirm(keccak256(abi.encode("correction", correction)));
        emit CorrectionConfirmed(owner, window, msg.sender, correction);
        if (!corrected) return false;

        if (!entry.isStorage) {
            _adjustInjection(owner, window, entry.exportedWh, correction.exportedWh);
        }
        entry.exportedWh = correction.exportedWh;
        entry.importedWh = correction.importedWh;
        entry.corrected = true;
        _lossesWh[owner][window] = correction.lossesWh;
        _release(stored, entry, owner, window);
        emit ReadingCorrected(
            owner,
            window,
            correction.exportedWh,
            correction.importedWh,
            correction.lossesWh,
            correction.dataRoot
        );
    }

    // Views

    /// @inheritdoc IMeterRegistry
    function certificateOf(address owner) external view returns (Certificate memory) {
        address meter = _meterOf[owner];
        MeterRecord memory record = _meters[meter];
        return Certificate({meter: meter, validUntil: record.validUntil, kind: record.kind});
    }

    /// @inheritdoc IMeterRegistry
    function ownerOf(address meter) external view returns (address) {
        return _meters[meter].owner;
    }

    /// @inheritdoc IMeterRegistry
    function isCertified(address owner) external view returns (bool) {
        return block.timestamp < _meters[_meterOf[owner]].validUntil;
    }

    /// @inheritdoc IMeterRegistry
    function readingOf(
        address owner,
        uint64 window
    ) external view returns (RecordedReading memory reading) {
        Readings.Entry memory entry = _readings[owner][Readings.blockOf(window)].get(window);
        reading.recorded = entry.recorded;
        reading.isStorage = entry.isStorage;
        reading.held = _isHeld(entry, window);
        reading.exportedWh = entry.exportedWh;
        reading.importedWh = entry.importedWh;
        if (entry.isStorage) reading.lossesWh = _lossesWh[owner][window];
        else if (entry.corrected) reading.retractedWh = _retractedWh[owner][window];
    }

    /// @inheritdoc IMeterRegistry
    function exportOf(
        address owner,
        uint64 window
    ) external view returns (bool recorded, bool held, uint256 exportedWh) {
        Readings.Entry memory entry = _readings[owner][Readings.blockOf(window)].get(window);
        return (entry.recorded, _isHeld(entry, window), entry.exportedWh);
    }

    /// @inheritdoc IMeterRegistry
    function hashReading(Reading calldata reading) external view returns (bytes32) {
        return _hash(reading);
    }

    // How a reading is recorded

    function _submit(Reading calldata reading, bytes calldata signature) private {
        uint64 window = reading.window;
        MeterRecord memory record = _meters[reading.meter];
        address owner = record.owner;
        require(owner != address(0), MeterUnknown(reading.meter));
        bool isStorage = record.kind == MeterKind.STORAGE;

        _checkTime(window, reading.meter, record.validUntil);
        _checkEnergy(
            reading.meter,
            isStorage,
            reading.exportedWh,
            reading.importedWh,
            reading.lossesWh
        );
        (address signer, , ) = ECDSA.tryRecover(_hash(reading), signature);
        require(signer == reading.meter, SignatureInvalid(reading.meter));

        Readings.Block storage stored = _readings[owner][Readings.blockOf(window)];
        Readings.Entry memory entry = stored.get(window);
        if (_isRecorded(entry, owner, reading, isStorage)) return;

        entry.recorded = true;
        entry.isStorage = isStorage;
        entry.exportedWh = reading.exportedWh;
        entry.importedWh = reading.importedWh;
        stored.set(window, entry);
        if (reading.lossesWh > 0) _lossesWh[owner][window] = reading.lossesWh;
        emit ReadingRecorded(
            owner,
            window,
            reading.meter,
            reading.exportedWh,
            reading.importedWh,
            reading.lossesWh,
            reading.dataRoot
        );

        if (!isStorage && reading.exportedWh > 0) energyToken.inject(owner, reading.exportedWh);
    }

    function _checkTime(uint64 window, address meter, uint40 validUntil) private view {
        uint256 end = Windows.end(window);
        uint256 graceEnd = Windows.graceEnd(window);
        require(block.timestamp >= end, ReadingTooEarly(window, end));
        require(block.timestamp < graceEnd, ReadingTooLate(window, graceEnd - 1));
        require(validUntil >= end, MeterExpired(meter, validUntil));
    }

    function _checkEnergy(
        address meter,
        bool isStorage,
        uint64 exportedWh,
        uint64 importedWh,
        uint64 lossesWh
    ) private pure {
        uint64 maximum = Readings.MAX_WH;
        uint256 largest = Math.max(Math.max(exportedWh, importedWh), lossesWh);
        require(largest <= maximum, ReadingTooLarge(uint64(largest), maximum));
        require(isStorage || lossesWh == 0, LossesNotStorage(meter, lossesWh));
    }

    /// @dev Whether exactly this is recorded already; another one for the window is a conflict.
    /// What auditors have corrected stands.
    function _isRecorded(
        Readings.Entry memory entry,
        address owner,
        Reading calldata reading,
        bool isStorage
    ) private view returns (bool) {
        if (!entry.recorded) return false;
        if (entry.corrected) return true;
        require(
            entry.isStorage == isStorage &&
                entry.exportedWh == reading.exportedWh &&
                entry.importedWh == reading.importedWh &&
                _lossesWh[owner][reading.window] == reading.lossesWh,
            ReadingConflict(owner, reading.window)
        );
        return true;
    }

    // How a reading is held, and released

    function _isHeld(Readings.Entry memory entry, uint64 window) private view returns (bool) {
        return entry.doubted && block.timestamp < Windows.holdEnd(window);
    }

    function _held(
        Readings.Block storage stored,
        address owner,
        uint64 window
    ) private view returns (Readings.Entry memory entry) {
        entry = stored.get(window);
        require(_isHeld(entry, window), ReadingNotHeld(owner, window));
    }

    function _release(
        Readings.Block storage stored,
        Readings.Entry memory entry,
        address owner,
        uint64 window
    ) private {
        entry.doubted = false;
        stored.set(window, entry);
        emit ReadingReleased(owner, window);
    }

    /// @dev What was injected too much is burned when the position closes, as the owner may have
    /// given it away.
    function _adjustInjection(
        address owner,
        uint64 window,
        uint64 formerWh,
        uint64 exportedWh
    ) private {
        uint64 injectedWh = formerWh + _retractedWh[owner][window];
        uint64 missingWh = exportedWh > injectedWh ? exportedWh - injectedWh : 0;

        _retractedWh[owner][window] = injectedWh + missingWh - exportedWh;
        if (missingWh > 0) energyToken.inject(owner, missingWh);
    }

    /// @dev What some of the window's sales were settled by stays as it is.
    function _requireUnused(address owner, uint64 window) private view {
        IEnergyMarket.Position memory position = IEnergyMarket(energyToken.market()).positionOf(
            owner,
            window
        );
        require(position.soldWh == 0 && !position.closed, ReadingUsed(owner, window));
    }

    function _revoke(address meter, address owner) private {
        delete _meters[meter];
        delete _meterOf[owner];
        emit MeterRevoked(meter, owner);
    }

    function _hash(Reading calldata reading) private view returns (bytes32) {
        // All fields are static, so the struct's own encoding is the one that EIP-712 wants.
        return _hashTypedDataV4(keccak256(abi.encode(READING_TYPEHASH, reading)));
    }
}
