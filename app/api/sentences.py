"""What a call that members decide on does, in a sentence that a household understands."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.ledger.consortium import ProposedCall

Arguments = Mapping[str, Any]
Namer = Callable[[str], str]
"""How an account is called."""

ROLES = ("admin", "operator", "auditor", "treasurer", "minter")
"""Roles of the Authority by their ids."""

_RULES = {
    0: "in the middle between the two limits",
    1: "at one price for all",
    2: "at what the buyer bids",
}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def short(address: str) -> str:
    """An address as people can tell it from others."""
    return f"{address[:6]}..{address[-4:]}"


def household_name(household_id: str) -> str | None:
    """The name that a household's id stands for: printable text, filled up with zeros."""
    text = bytes.fromhex(household_id[2:]).rstrip(b"\0").decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() and text else None


def household_label(household_id: str) -> str:
    """What a household is called by its id: a name, a number, or the beginning of the id."""
    number = int(household_id, 16)
    name = household_name(household_id)
    if name is not None:
        return name
    return str(number) if number < 2**32 else short(household_id)


def sentence_of(call: ProposedCall, arguments: Arguments, name: Namer) -> str:
    """What a call does; `arguments` as JSON has them (see `app.api.calls`)."""
    write = _SENTENCES.get((call.contract, call.function))
    sentence = _plain(call, arguments) if write is None else write(arguments, name)
    return sentence if call.value == 0 else f"{sentence}, and send {call.value} wei with it"


def _plain(call: ProposedCall, arguments: Arguments) -> str:
    if not call.function:
        return f"Call {short(call.contract)} with the input {_cut(arguments['input'])}"
    listed = ", ".join(f"{name} = {_cut(str(value))}" for name, value in arguments.items())
    return f"Call {call.contract}.{call.function}({listed})"


def _cut(text: str) -> str:
    return text if len(text) <= 66 else f"{text[:60]}.."


def _per_kwh(price: object) -> str:
    return f"{_money(price)} a kWh"


def _money(amount: object) -> str:
    whole, rest = divmod(int(str(amount)), 1_000_000)
    digits = f"{rest:06d}".rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}"


def _span(seconds: object) -> str:
    """Seconds as a number of the largest unit that they are a whole number of."""
    total = int(str(seconds))
    size, unit = next(((size, unit) for size, unit in _UNITS if total % size == 0), _UNITS[-1])
    if total == 0:
        size, unit = _UNITS[-1]
    number = total // size
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _date(seconds: object) -> str:
    total = int(str(seconds))
    if total >= 253_402_300_800:  # after the year 9999
        return "for ever"
    return f"until {datetime.fromtimestamp(total, UTC):%Y-%m-%d}"


def _hour(window: object) -> str:
    seconds = int(str(window)) * 3_600
    if seconds >= 253_402_300_800:
        return f"window {window}"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _role(role_id: object) -> str:
    number = int(str(role_id))
    return ROLES[number] if number < len(ROLES) else f"role {number}"


def _terms(terms: Arguments) -> str:
    return (
        f"the grid pays {_per_kwh(terms['gridFloor'])} and asks {_per_kwh(terms['gridCeiling'])}, "
        f"and the penalty for energy that is not delivered is {_per_kwh(terms['penaltyRate'])}"
    )


def _limits(limits: Arguments) -> str:
    return (
        f"Let the operator set a grid price of no less than {_per_kwh(limits['minGridFloor'])} and "
        f"no more than {_per_kwh(limits['maxGridCeiling'])}, and a penalty of no more than "
        f"{_per_kwh(limits['maxPenaltyRate'])}"
    )


def _certify(a: Arguments, name: Namer) -> str:
    kind = "storage" if a["kind"] == 1 else "household"
    return (
        f"Certify the {kind} meter {short(a['meter'])} of {name(a['owner'])} "
        f"{_date(a['validUntil'])}"
    )


def _grant(a: Arguments, name: Namer) -> str:
    after = "" if a["executionDelay"] == 0 else f", who waits {_span(a['executionDelay'])}"
    return f"Give the role of {_role(a['roleId'])} to {name(a['account'])}{after}"


_SENTENCES: Mapping[tuple[str, str], Callable[[Arguments, Namer], str]] = {
    ("Membership", "admit"): lambda a, name: (
        f"Admit {name(a['account'])} as household {household_label(a['householdId'])}"
    ),
    ("Membership", "expel"): lambda a, name: f"Expel {name(a['member'])}",
    ("Membership", "setDelegationAllowed"): lambda a, _: (
        f"{'Allow' if a['allowed'] else 'Forbid'} members to hand their vote to another member"
    ),
    ("EnergyMarket", "setTermLimits"): lambda a, _: _limits(next(iter(a.values()))),
    ("EnergyMarket", "setDefaultTerms"): lambda a, _: (
        f"From the next hour on {_terms(next(iter(a.values())))}"
    ),
    ("EnergyMarket", "setTreasury"): lambda a, name: (
        f"Let {name(next(iter(a.values())))} buy and sell for the grid"
    ),
    ("EnergyMarket", "setVenue"): lambda a, name: (
        f"{'Let' if a['admitted'] else 'Stop'} {name(a['venue'])} "
        f"{'trade for members as a venue' if a['admitted'] else 'from trading as a venue'}"
    ),
    ("EnergyMarket", "pause"): lambda _, __: "Pause trade; what is agreed is still settled",
    ("EnergyMarket", "unpause"): lambda _, __: "End the pause of trade",
    ("CallAuction", "setPricingRule"): lambda a, _: (
        f"Price the matches of the auction {_RULES.get(next(iter(a.values())), 'in a new way')}"
    ),
    ("MeterRegistry", "certify"): _certify,
    ("MeterRegistry", "revoke"): lambda a, _: f"Revoke the meter {short(a['meter'])}",
    ("MeterRegistry", "doubtReading"): lambda a, name: (
        f"Hold the reading of {name(a['owner'])} for {_hour(a['window'])}"
    ),
    ("MeterRegistry", "confirmReading"): lambda a, name: (
        f"Confirm the held reading of {name(a['owner'])} for {_hour(a['window'])}"
    ),
    ("MeterRegistry", "setThreshold"): lambda a, _: (
        f"Ask for {next(iter(a.values()))} auditors to confirm or correct a held reading"
    ),
    ("Treasury", "setThreshold"): lambda a, _: (
        f"Ask for {next(iter(a.values()))} treasurers to confirm a deposit or a payout"
    ),
    ("Treasury", "setDailyLimit"): lambda a, _: (
        f"Let treasurers bring in at most {_money(next(iter(a.values())))} a day"
    ),
    ("Treasury", "attestReserve"): lambda a, _: (
        f"Attest that the bank holds {_money(next(iter(a.values())))}"
    ),
    ("Authority", "grantRole"): _grant,
    ("Authority", "revokeRole"): lambda a, name: (
        f"Take the role of {_role(a['roleId'])} from {name(a['account'])}"
    ),
    ("Consortium", "setVotingDelay"): lambda a, _: (
        f"Let votes begin {_span(next(iter(a.values())))} after their proposal"
    ),
    ("Consortium", "setVotingPeriod"): lambda a, _: (
        f"Let votes last {_span(next(iter(a.values())))}"
    ),
    ("Consortium", "setBaseDelaySeconds"): lambda a, _: (
        f"Let what is decided wait {_span(next(iter(a.values())))} before it is done"
    ),
    ("Consortium", "updateQuorumNumerator"): lambda a, _: (
        f"Let a vote count when {next(iter(a.values()))} % of the members take part"
    ),
}
