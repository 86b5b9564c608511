// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IEnergyToken} from "./interfaces/IEnergyToken.sol";
import {IMeterRegistry} from "./interfaces/IMeterRegistry.sol";
import {Readings} from "./libraries/Readings.sol";
import {Windows} from "./libraries/Windows.sol";

contract MeterRegistry is IMeterRegistry, AccessManaged, EIP712 {
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

    constructor(
        address authority,
        IEnergyToken energyToken_
    ) AccessManaged(authority) EIP712("Peerwatt MeterRegistry", "1") {
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
        (reading.recorded, reading.isStorage, reading.exportedWh, reading.importedWh) = _readings[
            owner
        ][Readings.blockOf(window)].get(window);
        if (reading.isStorage) reading.lossesWh = _lossesWh[owner][window];
    }

    /// @inheritdoc IMeterRegistry
    function exportOf(
        address owner,
        uint64 window
    ) external view returns (bool recorded, uint256 exportedWh) {
        (recorded, , exportedWh, ) = _readings[owner][Readings.blockOf(window)].get(window);
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
        _checkEnergy(reading, isStorage);
        (address signer, , ) = ECDSA.tryRecover(_hash(reading), signature);
        require(signer == reading.meter, SignatureInvalid(reading.meter));

        Readings.Block storage stored = _readings[owner][Readings.blockOf(window)];
        if (_isRecorded(stored, owner, reading, isStorage)) return;

        stored.set(window, isStorage, reading.exportedWh, reading.importedWh);
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

    function _checkEnergy(Reading calldata reading, bool isStorage) private pure {
        uint64 maximum = Readings.MAX_WH;
        uint256 largest = Math.max(
            Math.max(reading.exportedWh, reading.importedWh),
            reading.lossesWh
        );
        require(largest <= maximum, ReadingTooLarge(uint64(largest), maximum));
        require(
            isStorage || reading.lossesWh == 0,
            LossesNotStorage(reading.meter, reading.lossesWh)
        );
    }

    /// @dev Whether exactly this is recorded already; another one for the window is a conflict.
    function _isRecorded(
        Readings.Block storage stored,
        address owner,
        Reading calldata reading,
        bool isStorage
    ) private view returns (bool) {
        (bool recorded, bool wasStorage, uint64 exportedWh, uint64 importedWh) = stored.get(
            reading.window
        );
        if (!recorded) return false;
        require(
            wasStorage == isStorage &&
                exportedWh == reading.exportedWh &&
                importedWh == reading.importedWh &&
                _lossesWh[owner][reading.window] == reading.lossesWh,
            ReadingConflict(owner, reading.window)
        );
        return true;
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
