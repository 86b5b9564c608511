"""Readings that auditors doubt."""

from typing import Annotated, Self

from pydantic import Field

from app.api.schemas.common import (
    AddressText,
    Answer,
    Hash,
    MeteredWh,
    OnChain,
    PageFilter,
    Transactions,
    WindowNumber,
    Write,
)
from app.index.records import (
    AuditRecord,
    AuditState,
    CorrectionRecord,
    ReadingConfirmationRecord,
)


class AuditFilter(PageFilter):
    """Which audits."""

    participant: AddressText | None = None
    window: WindowNumber | None = None
    state: AuditState | None = None


class CorrectionAnswer(Answer):
    """What auditors have read in the raw batch, and who of them says exactly this."""

    exported_wh: int
    imported_wh: int
    losses_wh: int
    data_root: Annotated[str, Field(description="Hash of the batch that they read")]
    confirmations: list[str]


class AuditAnswer(OnChain):
    """A reading that an auditor doubts. `held`: nothing is settled by it until `until`.
    `confirmed`, `corrected`: enough auditors have said so. `lapsed`: they did not in time, and the
    reading counts as it is.
    """

    participant: str
    window: int
    auditor: Annotated[str, Field(description="Who doubts it")]
    held_at: int
    until: int
    state: AuditState
    confirmations: Annotated[list[str], Field(description="The auditors who find it right")]
    correction: Annotated[
        CorrectionAnswer | None,
        Field(description="What counts in its place; while it is held, what was said last"),
    ]
    corrections: Annotated[
        list[CorrectionAnswer], Field(description="All that auditors say in its place")
    ]

    @classmethod
    def of(
        cls,
        record: AuditRecord,
        confirmed: list[ReadingConfirmationRecord],
        corrected: list[CorrectionRecord],
    ) -> Self:
        """An audit with what auditors have said."""
        by_content: dict[tuple[int, int, int, str], list[str]] = {}
        for each in corrected:
            content = (each.exported_wh, each.imported_wh, each.losses_wh, each.data_root)
            by_content[content] = [*by_content.pop(content, []), each.auditor]
        corrections = [
            CorrectionAnswer(
                exported_wh=exported_wh,
                imported_wh=imported_wh,
                losses_wh=losses_wh,
                data_root=data_root,
                confirmations=auditors,
            )
            for (exported_wh, imported_wh, losses_wh, data_root), auditors in by_content.items()
        ]
        is_open_or_corrected = record.state in ("held", "corrected")
        return cls(
            block=record.block,
            log_index=record.log_index,
            transaction_hash=record.transaction_hash,
            at=record.at,
            participant=record.participant,
            window=record.window,
            auditor=record.auditor,
            held_at=record.at,
            until=record.until,
            state=record.state,
            confirmations=[each.auditor for each in confirmed],
            correction=corrections[-1] if corrections and is_open_or_corrected else None,
            corrections=corrections,
        )


class DoubtReading(Write):
    """An auditor holds up what is settled by a reading, or by its absence."""

    participant: AddressText
    window: WindowNumber


class ConfirmReading(Write):
    """An auditor finds a held reading right."""


class CorrectReading(Write):
    """An auditor says what the raw batch shows in place of a held reading."""

    exported_wh: MeteredWh
    imported_wh: MeteredWh
    losses_wh: MeteredWh = 0
    data_root: Annotated[Hash, Field(description="Hash of the batch that was read")]


class AuditWritten(Transactions):
    """The audit, and how it stands after this."""

    participant: str
    window: int
    state: AuditState
