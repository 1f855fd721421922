"""The error of a text that somebody has typed for a setting, and of which one word is wrong."""


class TypedError(ValueError):
    """The error of a word that cannot be: `what` it is to be, such as "the name of a door", what it `was`, as far as
    that may be shown, and what it `may_be`."""

    def __init__(self, what: str, was: str, may_be: str) -> None:
        super().__init__(f"{what} is {was!r}; it may be {may_be}")
        self.what = what
        self.was = was
        self.may_be = may_be
