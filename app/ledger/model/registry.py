"""The model of `MeterRegistry`: certified meters, what they have read, and who doubts it."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace

from app.ledger.model.authority import Role
from app.ledger.model.confirmations import Confirmations
from app.ledger.model.contract import ZERO_ADDRESS, World
from app.ledger.model.genesis import Genesis
from app.ledger.model.tokens import EnergyToken
from app.ledger.types import Address, Correction, MeterKind, Position, Reading, RecordedReading
from app.market.typed_data import (
    REGISTRY_NAME,
    Domain,
    reading_digest,
    recover,
)
from app.market.windows import grace_end, hold_end, window_end, window_start

MAX_BATCH = 100
MAX_READING_WH = 2**30 - 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """An owner's meter; `valid_until` is the first second at which it is certified no longer."""

    meter: Address = ZERO_ADDRESS
    valid_until: int = 0
    kind: MeterKind = MeterKind.HOUSEHOLD


# What was traded by an owner in a window: the market comes after the registry that asks it.
PositionOf = Callable[[Address, int], Position]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is known of an owner's window."""

    recorded: bool = False
    is_storage: bool = False
    exported_wh: int = 0
    imported_wh: int = 0
    losses_wh: int = 0
    doubted: bool = False
    corrected: bool = False


_NO_CERTIFICATE = Certificate()
_NO_ENTRY = _Entry()


class MeterRegistry(Confirmations):
    """Model of the contract `MeterRegistry`. Every refusal is a ContractRevertedError."""

    name = "MeterRegistry"

    def __init__(
        self, world: World, genesis: Genesis, energy_token: EnergyToken, position_of: PositionOf
    ) -> None:
        super().__init__(world, genesis.contracts.meter_registry, genesis.audit_threshold)
        self._energy_token = energy_token
        self._position_of = position_of
        self._domain = Domain(REGISTRY_NAME, genesis.chain_id, self.address)
        self._certificates: dict[Address, Certificate] = {}
        self._owners: dict[Address, Address] = {}
        self._entries: dict[tuple[Address, int], _Entry] = {}
        self._retracted_wh: dict[tuple[Address, int], int] = {}

    # Views

    def certificate_of(self, owner: Address) -> Certificate:
        """The owner's certificate, also when it has expired; meter 0x0 if there is none."""
        return self._certificates.get(owner, _NO_CERTIFICATE)

    def owner_of(self, meter: Address) -> Address:
        """Whose meter it is; 0x0 if it is not certified."""
        return self._owners.get(meter, ZERO_ADDRESS)

    def is_certified(self, owner: Address) -> bool:
        """Whether the owner has a certified meter now."""
        return self._now() < self.certificate_of(owner).valid_until

    def reading_of(self, owner: Address, window: int) -> RecordedReading:
        """What the owner's meter saw in a window; all zero while there is no reading."""
        entry = self._entry_of(owner, window)
        return RecordedReading(
            recorded=entry.recorded,
            is_storage=entry.is_storage,
            held=self._is_held(entry, window),
            exported_wh=entry.exported_wh,
            imported_wh=entry.imported_wh,
            losses_wh=entry.losses_wh,
            retracted_wh=self._retracted_wh.get((owner, window), 0),
        )

    def hash_reading(self, reading: Reading) -> bytes:
        """The EIP-712 digest (32 bytes) that a meter signs."""
        return reading_digest(self._domain, reading)

    # Certificates

    def certify(
        self, caller: Address, meter: Address, owner: Address, kind: MeterKind, valid_until: int
    ) -> None:
        """By an auditor. Errors: ZeroAddress, CertificateInPast, MeterTaken."""
        self._restrict(caller, Role.AUDITOR)
        self._require(ZERO_ADDRESS not in {meter, owner}, "ZeroAddress")
        self._require(valid_until > self._now(), "CertificateInPast", validUntil=valid_until)
        holder = self.owner_of(meter)
        self._require(holder in {ZERO_ADDRESS, owner}, "MeterTaken", meter=meter, owner=holder)

        former = self.certificate_of(owner).meter
        if former not in {ZERO_ADDRESS, meter}:
            self._end(former, owner)
        self._journal.put(self._owners, meter, owner)
        self._journal.put(
            self._certificates, owner, Certificate(meter, valid_until, MeterKind(kind))
        )
        self._emit("MeterCertified", meter=meter, owner=owner, kind=kind, validUntil=valid_until)

    def revoke(self, caller: Address, meter: Address) -> None:
        """By an auditor. Errors: MeterUnknown."""
        self._restrict(caller, Role.AUDITOR)
        owner = self.owner_of(meter)
        self._require(owner != ZERO_ADDRESS, "MeterUnknown", meter=meter)

        self._end(meter, owner)

    def _end(self, meter: Address, owner: Address) -> None:
        self._journal.put(self._owners, meter, ZERO_ADDRESS)
        self._journal.put(self._certificates, owner, _NO_CERTIFICATE)
        self._emit("MeterRevoked", meter=meter, owner=owner)

    # Readings

    def submit_reading(self, caller: Address, reading: Reading, signature: bytes) -> None:
        """By anyone. Errors: MeterUnknown, ReadingTooEarly, ReadingTooLate, MeterExpired,
        ReadingTooLarge, LossesNotStorage, SignatureInvalid, ReadingConflict.
        """
        self._submit(reading, signature)

    def submit_readings(
        self, caller: Address, readings: Sequence[Reading], signatures: Sequence[bytes]
    ) -> None:
        """All or none. Errors: LengthMismatch, BatchTooLarge, those of `submit_reading`."""
        self._require(
            len(readings) == len(signatures),
            "LengthMismatch",
            readings=len(readings),
            signatures=len(signatures),
        )
        self._require(
            len(readings) <= MAX_BATCH, "BatchTooLarge", length=len(readings), maximum=MAX_BATCH
        )

        for reading, signature in zip(readings, signatures, strict=True):
            self._submit(reading, signature)

    def _submit(self, reading: Reading, signature: bytes) -> None:
        owner = self.owner_of(reading.meter)
        self._require(owner != ZERO_ADDRESS, "MeterUnknown", meter=reading.meter)
        certificate = self.certificate_of(owner)
        is_storage = certificate.kind is MeterKind.STORAGE
        self._check_time(reading.window, certificate)
        self._check_energy(reading.meter, is_storage, reading)
        signer = recover(self.hash_reading(reading), signature)
        self._require(signer == reading.meter, "SignatureInvalid", meter=reading.meter)

        entry = self._entry_of(owner, reading.window)
        read = replace(
            entry,
            recorded=True,
            is_storage=is_storage,
            exported_wh=reading.exported_wh,
            imported_wh=reading.imported_wh,
            losses_wh=reading.losses_wh,
        )
        if entry.recorded:
            # What auditors have corrected stands.
            is_known = entry.corrected or entry == read
            self._require(is_known, "ReadingConflict", owner=owner, window=reading.window)
            return

        self._journal.put(self._entries, (owner, reading.window), read)
        self._emit(
            "ReadingRecorded",
            owner=owner,
            window=reading.window,
            meter=reading.meter,
            exportedWh=reading.exported_wh,
            importedWh=reading.imported_wh,
            lossesWh=reading.losses_wh,
            dataRoot=reading.data_root,
        )

        if not is_storage and reading.exported_wh > 0:
            self._energy_token.inject(self.address, owner, reading.exported_wh)

    def _check_time(self, window: int, certificate: Certificate) -> None:
        now, end, last = self._now(), window_end(window), grace_end(window) - 1
        self._require(now >= end, "ReadingTooEarly", window=window, windowEnd=end)
        self._require(now <= last, "ReadingTooLate", window=window, lastMoment=last)
        self._require(
            certificate.valid_until >= end,
            "MeterExpired",
            meter=certificate.meter,
            validUntil=certificate.valid_until,
        )

    def _check_energy(self, meter: Address, is_storage: bool, read: Reading | Correction) -> None:
        largest_wh = max(read.exported_wh, read.imported_wh, read.losses_wh)
        self._require(
            largest_wh <= MAX_READING_WH,
            "ReadingTooLarge",
            energyWh=largest_wh,
            maximum=MAX_READING_WH,
        )
        self._require(
            is_storage or read.losses_wh == 0,
            "LossesNotStorage",
            meter=meter,
            lossesWh=read.losses_wh,
        )

    # Audits

    def doubt_reading(self, caller: Address, owner: Address, window: int) -> None:
        """By an auditor. Errors, in this order: AuditTime, ReadingDoubted, ReadingUsed."""
        self._restrict(caller, Role.AUDITOR)
        start, until = window_start(window), hold_end(window)
        self._require(
            start <= self._now() < until,
            "AuditTime",
            window=window,
            **{"from": start, "until": until},
        )
        entry = self._entry_of(owner, window)
        self._require(not entry.doubted, "ReadingDoubted", owner=owner, window=window)
        self._require_unused(owner, window)

        self._journal.put(self._entries, (owner, window), replace(entry, doubted=True))
        self._emit("ReadingHeld", owner=owner, window=window, auditor=caller, until=until)

    def confirm_reading(self, caller: Address, owner: Address, window: int) -> bool:
        """By an auditor; returns whether it is held no longer. Errors, in this order:
        ReadingNotHeld, AlreadyConfirmed.
        """
        self._restrict(caller, Role.AUDITOR)
        entry = self._held(owner, window)
        released = self._confirm(caller, Role.AUDITOR, ("reading", owner, window))
        self._emit("ReadingConfirmed", owner=owner, window=window, auditor=caller)

        if released:
            self._release(owner, window, entry)
        return released

    def correct_reading(self, caller: Address, correction: Correction) -> bool:
        """By an auditor; returns whether the correction counts now. Errors, in this order:
        ReadingNotHeld, ReadingUnknown, ReadingTooLarge, LossesNotStorage, AlreadyConfirmed.
        """
        self._restrict(caller, Role.AUDITOR)
        owner, window = correction.owner, correction.window
        entry = self._held(owner, window)
        self._require(entry.recorded, "ReadingUnknown", owner=owner, window=window)
        self._check_energy(self.certificate_of(owner).meter, entry.is_storage, correction)
        corrected = self._confirm(caller, Role.AUDITOR, ("correction", correction))
        self._emit(
            "CorrectionConfirmed",
            owner=owner,
            window=window,
            auditor=caller,
            correction=astuple(correction),
        )
        if not corrected:
            return False

        if not entry.is_storage:
            self._adjust_injection(owner, window, entry.exported_wh, correction.exported_wh)
        right = replace(
            entry,
            exported_wh=correction.exported_wh,
            imported_wh=correction.imported_wh,
            losses_wh=correction.losses_wh,
            corrected=True,
        )
        self._release(owner, window, right)
        self._emit(
            "ReadingCorrected",
            owner=owner,
            window=window,
            exportedWh=correction.exported_wh,
            importedWh=correction.imported_wh,
            lossesWh=correction.losses_wh,
            dataRoot=correction.data_root,
        )
        return True

    def _adjust_injection(
        self, owner: Address, window: int, former_wh: int, exported_wh: int
    ) -> None:
        """What was injected too much is burned when the position closes."""
        injected_wh = former_wh + self._retracted_wh.get((owner, window), 0)
        missing_wh = max(0, exported_wh - injected_wh)

        retracted_wh = injected_wh + missing_wh - exported_wh
        self._journal.put(self._retracted_wh, (owner, window), retracted_wh)
        if missing_wh > 0:
            self._energy_token.inject(self.address, owner, missing_wh)

    def _release(self, owner: Address, window: int, entry: _Entry) -> None:
        self._journal.put(self._entries, (owner, window), replace(entry, doubted=False))
        self._emit("ReadingReleased", owner=owner, window=window)

    def _held(self, owner: Address, window: int) -> _Entry:
        entry = self._entry_of(owner, window)
        is_held = self._is_held(entry, window)
        self._require(is_held, "ReadingNotHeld", owner=owner, window=window)
        return entry

    def _is_held(self, entry: _Entry, window: int) -> bool:
        return entry.doubted and self._now() < hold_end(window)

    def _require_unused(self, owner: Address, window: int) -> None:
        """What some of the window's sales were settled by stays as it is."""
        position = self._position_of(owner, window)
        is_unused = position.sold_wh == 0 and not position.closed
        self._require(is_unused, "ReadingUsed", owner=owner, window=window)

    def _entry_of(self, owner: Address, window: int) -> _Entry:
        return self._entries.get((owner, window), _NO_ENTRY)
