"""Run the `envivo` command as `python -m quart_app`."""

from quart_app.cli import main

if __name__ == "__main__":
    main(prog_name="envivo")
