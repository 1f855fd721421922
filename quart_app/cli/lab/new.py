"""`envivo lab new`: a strategy of one's own to begin with."""

from pathlib import Path

import click

from quart_app.cli.lab.showing import language_option, plain_errors

FILE = "mine.py"


@click.command()
@click.argument("lesson")
@language_option
def new(lesson: str, lang: str) -> None:
    """Write mine.py into this folder: a strategy for LESSON to begin with. A file that is there stays as it is."""
    from quart_app.lab.lesson import find
    from quart_app.lab.texts import words

    with plain_errors():
        found = find(lesson)
    comment = "\n".join(f"# {line}".rstrip() for line in words(lang, found.folder)("mine").splitlines())
    template = f"{comment}\n\n{(found.folder / FILE).read_text('utf-8')}"
    try:
        with Path(FILE).open("x", encoding="utf-8") as file:
            file.write(template)
    except FileExistsError:
        raise click.ClickException(f"{FILE} is there already, and stays as it is: move it away, or edit it") from None
    except OSError as error:
        raise click.ClickException(f"{FILE} cannot be written here: {error.strerror}") from error
    click.echo(
        f"{FILE} is a strategy for lesson {found.number}. Edit it, and then:\n\n"
        f"  envivo lab run {found.number} --file {FILE}\n  envivo lab hunt {found.number} --file {FILE}"
    )
