"""`envivo token`: it prints a signed token for one person, for the secure mode."""

import re
from datetime import timedelta
from typing import Any

import click

from quart_app.cli.settings import settings_from, settings_options
from quart_app.doors import FRONT
from quart_app.wire import is_topic_pattern

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=3650)
_Topics = tuple[str, ...]


def _lifetime(text: str) -> timedelta:
    """Return the duration that 90s, 45m, 12h or 30d stands for."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text.strip().lower())
    if match is None:
        raise click.BadParameter(f"{text!r} is not a duration such as 45m, 12h or 30d")
    lifetime = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if lifetime > _LONGEST:
        raise click.BadParameter(f"{text!r} is longer than {_LONGEST.days}d")
    return lifetime


@click.command()
@click.option("--user", required=True, metavar="ID", help="Who the token speaks for; unique, such as 1.")
@click.option("--name", metavar="NAME", help="What others see. [default: the ID]")
@click.option(
    "--role",
    default="user",
    show_default=True,
    metavar="ROLE",
    help="What the person may do: user, employee (the clinic, products), teller (the bank), operator (alerts), device "
    "(readings), admin (everything), or a role that a domain of your own knows.",
)
@click.option(
    "--expires",
    type=_lifetime,
    default="12h",
    show_default=True,
    metavar="TIME",
    help="How long it is valid: 45m, 30d.",
)
@click.option(
    "--subscribe",
    multiple=True,
    metavar="TOPIC",
    help="What may be followed, and nothing else: rooms/1, log/class/* or *. May be given again.",
)
@click.option("--publish", multiple=True, metavar="TOPIC", help="What may be spoken on, likewise.")
@click.option("--at", default=FRONT, show_default=True, metavar="NAME", help="The door that the token is for.")
@settings_options("secret_key", "token_lifetime", "door")
def token(
    user: str, name: str | None, role: str, expires: timedelta, subscribe: _Topics, publish: _Topics, **options: Any
) -> None:
    """Print a token for one person, signed with the server's ENVIVO_SECRET_KEY.

    The person gives it as `?token=…`, as `Authorization: Bearer …`, or with --token to the other commands. A server
    in open mode does not ask for one.

    With --subscribe or --publish it is for these topics alone.

    \b
    Examples:
      envivo token --user 1 --name Ana --role admin --expires 30d
      envivo token --user mesa-3 --subscribe 'log/class/*' --publish log/class/3
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from quart_app.identity import issue_token
    from quart_app.realtime import Identity, TopicRights

    at = options.pop("at")
    doors = {door.name: door for door in settings_from(options).doors}
    if at not in doors:
        raise click.BadParameter(f"there is no door {at!r} here, but {', '.join(doors)}", param_hint="--at")
    if doors[at].key is None:
        raise click.ClickException(
            "there is no key to sign with: set ENVIVO_SECRET_KEY (or --secret-key) to what the server has"
        )
    for option, patterns in (("--subscribe", subscribe), ("--publish", publish)):
        for pattern in patterns:
            if not is_topic_pattern(pattern):
                raise click.BadParameter(f"{pattern!r} is not rooms/1, log/class/* or *", param_hint=option)
    if not user.strip():
        raise click.BadParameter("nobody has an empty ID", param_hint="--user")
    rights = (TopicRights(subscribe, publish),) if subscribe or publish else ()
    try:
        click.echo(issue_token(doors[at], Identity(user.strip(), name or user.strip(), role, rights=rights), expires))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from error
