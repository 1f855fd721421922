"""A history of migrations that a test writes."""

import importlib
from pathlib import Path
from textwrap import dedent, indent


class History:
    """A folder of migrations that takes the place of the program's own."""

    def __init__(self, folder: Path, module: str) -> None:
        self.module = module
        self.folder = folder / module
        self.folder.mkdir()
        (self.folder / "__init__.py").touch()

    def add(self, name: str, operations: str, after: str | None = None) -> None:
        dependencies = [("envivo", after)] if after else []
        text = dedent(
            """\
            from tortoise import fields, migrations
            from tortoise.fields import OnDelete
            from tortoise.migrations import operations as ops


            class Migration(migrations.Migration):
            """
        )
        text += f"    dependencies = {dependencies!r}\n    operations = [\n{indent(operations, '    ')}\n    ]\n"
        (self.folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
