"""The one exception that is addressed to the person at the keyboard."""

__all__ = ["UserError"]


class UserError(Exception):
    """A mistake a user can mend: one sentence saying what was got, what was expected, what to do; the command line prints
    it and exits with code 2."""
