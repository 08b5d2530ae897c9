"""Messages about what came from elsewhere: one line, of characters that show."""

_LONGEST = 2000


def one_line(text: str) -> str:
    r"""Makes a text fit for a terminal and a log.

    It may quote a stranger's file, which is neither to break the line nor to command
    the terminal.

    Args:
        text: Any text.

    Returns:
        The same without line breaks, control characters and what is too much.

    Example:
        >>> one_line("a.npz: no array 'x\n\x1b[2J'")
        "a.npz: no array 'x ?[2J'"
    """
    text = " ".join(text.splitlines())
    shown = "".join(one if one.isprintable() else "?" for one in text[:_LONGEST])
    return shown if len(text) <= _LONGEST else f"{shown} ..."
