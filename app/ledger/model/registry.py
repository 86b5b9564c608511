"""The model of `MeterRegistry`: certified meters and what they have read."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.ledger.model.authority import Role
from app.ledger.model.contract import ZERO_ADDRESS, Contract, World
from app.ledger.model.genesis import Genesis
from app.ledger.model.tokens import EnergyToken
from app.ledger.types import Address, MeterKind, Reading, RecordedReading
from app.market.typed_data import (
    REGISTRY_NAME,
    Domain,
    reading_digest,
    recover,
)
from app.market.windows import grace_end, window_end

MAX_BATCH = 100
MAX_READING_WH = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """An owner's meter; `valid_until` is the first second at which it is certified no longer."""

    meter: Address = ZERO_ADDRESS
    valid_until: int = 0
    kind: MeterKind = MeterKind.HOUSEHOLD


_NO_CERTIFICATE = Certificate()
_NO_READING = RecordedReading()


class MeterRegistry(Contract):
    """Model of the contract `MeterRegistry`. Every refusal is a ContractRevertedError."""

    name = "MeterRegistry"

    def __init__(self, world: World, genesis: Genesis, energy_token: EnergyToken) -> None:
        super().__init__(world, genesis.contracts.meter_registry)
        self._energy_token = energy_token
        self._domain = Domain(REGISTRY_NAME, genesis.chain_id, self.address)
        self._certificates: dict[Address, Certificate] = {}
        self._owners: dict[Address, Address] = {}
        self._readings: dict[tuple[Address, int], RecordedReading] = {}

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
        return self._readings.get((owner, window), _NO_READING)

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
        self._check_energy(reading, is_storage)
        signer = recover(self.hash_reading(reading), signature)
        self._require(signer == reading.meter, "SignatureInvalid", meter=reading.meter)

        row = RecordedReading(
            True, is_storage, reading.exported_wh, reading.imported_wh, reading.losses_wh
        )
        recorded = self.reading_of(owner, reading.window)
        if recorded.recorded:
            self._require(recorded == row, "ReadingConflict", owner=owner, window=reading.window)
            return

        self._journal.put(self._readings, (owner, reading.window), row)
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

    def _check_energy(self, reading: Reading, is_storage: bool) -> None:
        largest_wh = max(reading.exported_wh, reading.imported_wh, reading.losses_wh)
        self._require(
            largest_wh <= MAX_READING_WH,
            "ReadingTooLarge",
            energyWh=largest_wh,
            maximum=MAX_READING_WH,
        )
        self._require(
            is_storage or reading.losses_wh == 0,
            "LossesNotStorage",
            meter=reading.meter,
            lossesWh=reading.losses_wh,
        )
