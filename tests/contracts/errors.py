"""How brownie spells a custom error: `"Name: argument, argument"`."""


def error(name: str, *arguments: object) -> str:
    """What `reverts` has to be given for `revert Name(arguments)`."""
    return f"{name}: {', '.join(_spell(argument) for argument in arguments)}"


def _spell(argument: object) -> str:
    if isinstance(argument, bytes):
        return repr(bytes(argument))
    if isinstance(argument, bool | int):
        return str(argument)
    return str(argument).lower()  # an address, or a brownie object that has one
