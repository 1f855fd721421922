"""A page's modules in one file do what they do one by one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from quart_app.resources import static_folder
from quart_app.web.packing import Unpackable, pack
from tests.web.test_modules import entries

# A comment, a text in quotes, or a template, of which only the last matters here.
_TOKEN = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.DOTALL)

MODULES = {
    "page/main.js": """
import "./first.js";
import { add, twice as double, Counter } from "./numbers.js";
import * as words from "../words.js";
import path from "node:path";
import {
  sep,
  basename as last,
} from "node:path";
export { add } from "./numbers.js";

// import { nothing } from "./nowhere.js";
/**
 * export class Nothing {}
 */
const counter = new Counter();
counter.more();
console.log(add(1, 2), double(4), counter.count, words.greet("Ana"), path.sep === sep, last("/a/b"), globalThis.first);
""",
    "page/first.js": "globalThis.first = (globalThis.first ?? 0) + 1;\n",
    "page/numbers.js": """
import "./first.js";
import { greet as hello } from "../words.js";

const add = (a, b) => a + b;
function doubled(a) {
  return add(a, a);
}
export { add, doubled as twice };
export class Counter {
  count = 0;
  more() {
    this.count += hello("x").length;
  }
}
""",
    "words.js": """
export const HELLO = "hola";
export async function later() {}
export function* all() {}
export function greet(name) {
  return `${HELLO}
 ${name}`;
}
""",
}


def written(folder: Path) -> Path:
    for name, text in MODULES.items():
        path = folder / "js" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (folder / "package.json").write_text('{"type": "module"}')
    return folder / "js" / "page" / "main.js"


@pytest.mark.node
def test_packed_modules_do_what_they_do_one_by_one(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    entry = written(tmp_path)
    packed = pack(entry, tmp_path)
    (tmp_path / "packed.js").write_text(packed.text, "utf-8")
    told = [
        subprocess.run([node, str(path)], capture_output=True, text=True, check=True).stdout
        for path in (entry, tmp_path / "packed.js")
    ]
    assert told[0] == told[1]
    assert told[0].split() == ["3", "8", "7", "hola", "Ana", "true", "b", "1"]
    assert packed.outside == ["node:path"]


def test_each_module_is_in_it_once_and_tells_its_name(tmp_path: Path) -> None:
    text = pack(written(tmp_path), tmp_path).text
    names = [line.removeprefix("// ") for line in text.splitlines() if line.startswith("// js/")]
    assert names == ["js/page/first.js", "js/words.js", "js/page/numbers.js", "js/page/main.js"]
    assert "nowhere" not in text


@pytest.mark.parametrize("line", ["export default 1;", 'export * from "./it.js";', "export let it = 1;", "import x;"])
def test_a_form_that_is_not_known_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "page.js").write_text(f"const a = 1;\n{line}\n")
    with pytest.raises(Unpackable) as refused:
        pack(tmp_path / "page.js", tmp_path)
    assert str(refused.value) == f"page.js: {line}"


def test_no_text_of_ours_has_lines_that_look_like_a_comment_or_an_import() -> None:
    """They would be left out of it, or changed in it."""
    looked_at = 0
    for module in (static_folder() / "js").rglob("*.js"):
        for token in _TOKEN.findall(module.read_text("utf-8")):
            if token.startswith("`"):
                looked_at += 1
                assert not re.search(r"^\s*(//|/\*\*)|^(import|export)\b", token, re.MULTILINE), module
    assert looked_at > 100


def test_every_page_can_be_packed() -> None:
    for entry in sorted(entries()):
        assert pack(entry, static_folder()).text
