"""The table of what was revoked."""

from tortoise.fields import BigIntField, CharField
from tortoise.models import Model

from quart_app.domains.sessions.rules import KIND_CHARACTERS, NAME_CHARACTERS


class Revocation(Model):
    """A revocation: of all tokens of a user that were issued up to `at`, or of one token, which expires at `at`.

    `kind` tells which, `name` is the user's or the token's id; `at` is ms since the Unix epoch.
    """

    id = BigIntField(primary_key=True, generated=True)
    kind = CharField(max_length=KIND_CHARACTERS)
    name = CharField(max_length=NAME_CHARACTERS)
    at = BigIntField()

    class Meta:
        table = "revocations"
        unique_together = (("kind", "name"),)
