"""`python -m quart_app`: the same as the `envivo` command."""

from quart_app.cli import main

if __name__ == "__main__":
    main(prog_name="envivo")
