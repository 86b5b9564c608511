"""What an auditor finds when it has seen the raw data behind a doubted reading. Pure."""

from dataclasses import dataclass

from app.agents.devices.batches import check_batch, data_root, read_batch
from app.agents.governance.detection import Installation, credible_wh, suspect_batch
from app.agents.governance.sun import Sun
from app.errors import InputError
from app.ledger.types import Address, Correction, Reading


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reading is confirmed, or corrected, or neither: then it stays held, and `faults` say why.

    A hold that nobody ends runs out by itself; the members decide what becomes of the meter.
    """

    confirms: bool
    correction: Correction | None = None
    faults: tuple[str, ...] = ()


def judge(
    content: bytes, anchored: Reading, owner: Address, installation: Installation, sun: Sun
) -> Verdict:
    """Judges a reading by the raw data that its owner shows.

    Data that is not what the meter has hashed, or does not balance, proves nothing. Where it is
    genuine, what counts is its sum, less what no such installation can have fed in.
    """
    try:
        batch = read_batch(content)
    except InputError as error:
        return Verdict(confirms=False, faults=(str(error),))
    if data_root(content) != anchored.data_root or (batch.meter, batch.window) != (
        anchored.meter,
        anchored.window,
    ):
        return Verdict(confirms=False, faults=check_batch(content, anchored).faults)
    broken = [number for number, step in enumerate(batch.steps) if not step.is_balanced]
    if broken:
        return Verdict(confirms=False, faults=tuple(f"step {n} does not balance" for n in broken))

    credible = credible_wh(batch, installation, sun)
    losses = batch.lost_wh if installation.is_storage else 0
    correct = (credible, batch.imported_wh, losses)
    if correct == (anchored.exported_wh, anchored.imported_wh, anchored.losses_wh):
        return Verdict(confirms=True)
    suspicions = suspect_batch(batch, installation, sun)
    return Verdict(
        confirms=False,
        correction=Correction(
            owner, anchored.window, credible, batch.imported_wh, losses, anchored.data_root
        ),
        faults=tuple(each.rule.value for each in suspicions),
    )
