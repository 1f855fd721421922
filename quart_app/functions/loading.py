"""Read a file of functions: what it declares, or in one line what is wrong with it and where.

The file is run as Python runs a script: its folder can be imported from. Nothing of it is kept in `__pycache__`, so
that what is read is what stands in the file.

Errors: `FunctionsError`, whose message is all that its author needs.
"""

import sys
import threading
import traceback
import types
from pathlib import Path

from quart_app.functions.bounds import FUNCTIONS
from quart_app.functions.declaring import Declaration, WrongDeclaration, collected
from quart_app.functions.ending import ENDS, shown

_MODULE = "envivo_functions"
_EXAMPLE = '@feed("live/dice")'


class FunctionsError(ValueError):
    """A file of functions cannot be used."""


def load(path: Path) -> tuple[Declaration, ...]:
    """Run the file at `path` and return what it declares, in its order. Raise FunctionsError."""
    code = _compiled(path)
    declarations = _run(path, code)
    if not declarations:
        raise FunctionsError(f"{path} declares nothing: put {_EXAMPLE} before a function")
    if len(declarations) > FUNCTIONS:
        raise FunctionsError(f"{path} declares {len(declarations)} functions; {FUNCTIONS} are the most")
    taken: dict[str, Declaration] = {}
    for one in declarations:
        if one.role == "command" and (first := taken.setdefault(one.topic, one)) is not one:
            raise FunctionsError(f"{path}, line {one.line}: {one.topic} has a command already, {first.where}")
    return declarations


def _compiled(path: Path) -> types.CodeType:
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        raise FunctionsError(f"there is no file {path}") from None
    except OSError as error:
        raise FunctionsError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return compile(source, str(path), "exec")
    except SyntaxError as error:
        shown = f": {error.text.strip()}" if error.text else ""
        raise FunctionsError(f"{path}, line {error.lineno}: {error.msg}{shown}") from error
    except ValueError as error:
        raise FunctionsError(f"{path} is not Python: {error}") from error


def _run(path: Path, code: types.CodeType) -> tuple[Declaration, ...]:
    module = types.ModuleType(_MODULE)
    module.__file__ = str(path)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    before, sys.modules[_MODULE] = sys.modules.get(_MODULE), module  # a dataclass looks for its module there
    found: list[Declaration] = []
    token = collected.set(found)
    try:
        exec(code, module.__dict__)  # noqa: S102 - this is what the operator asks for with --functions
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise  # it comes from the terminal
        if before is not None:
            sys.modules[_MODULE] = before
        raise FunctionsError(f"{path}{_line(path, error)}: {_reason(error)}") from error
    finally:
        collected.reset(token)
    return tuple(found)


def _line(path: Path, error: BaseException) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, WrongDeclaration):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"it needs the module {error.name}, which is not installed where this program is"
    if not isinstance(error, Exception):
        return f"{ENDS}; only declare functions here"
    return shown(error)
