"""The guide's page about the measurements: it is written by a run, in both languages."""

import json
import re
import shutil
from pathlib import Path

from tests.bench.costs import BEFORE, Cost
from tests.bench.costs import table as table_of_costs
from tests.bench.guide import PAGES, SPANISH, in_spanish, write_costs, write_tables
from tests.bench.loads import FULL, QUICK
from tests.bench.rows import MEASURES, SECTIONS, table

RUNS = {"En Vivo": [{"durable": 9662.0}, {"durable": 9700.0}], "the plain way": [{"durable": 665.0}]}


def test_every_measure_has_its_words_in_spanish() -> None:
    wanted = {measure.title for measure in MEASURES} | {measure.unit for measure in MEASURES}
    wanted |= json.loads(BEFORE.read_text("utf-8"))["costs"].keys()
    assert sorted(wanted - set(SPANISH)) == []


def test_the_figures_are_the_same_in_both_languages() -> None:
    english = table(FULL, RUNS, against=("the plain way",))
    spanish = in_spanish(FULL, english)
    assert spanish.splitlines()[0] == "|  | unidad | En Vivo | la manera simple | veces mejor que la manera simple |"
    row = next(line for line in english.splitlines() if line.startswith("| Durable"))
    assert row.endswith("| messages/s | 9,681 ±0% | 665 | 14.56 |")
    assert (
        "Mensajes duraderos, 50 emisores, cada uno confirmado, 10 lectores | mensajes/s | 9.681 ±0% | 665 | 14,56 |"
        in spanish
    )


def test_a_run_puts_its_tables_into_both_pages(tmp_path: Path) -> None:
    shutil.copytree(PAGES, tmp_path / "guide")
    near = table(QUICK, RUNS, against=("the plain way",))
    peers = [table(QUICK, {"Ours": [{section.names[0]: 12.0}]}, section.measures) for section in SECTIONS]
    write_tables(tmp_path / "guide", QUICK, [near, *peers])
    for language, row in (("en", "Durable messages"), ("es", "Mensajes duraderos")):
        page = (tmp_path / "guide" / language / "21-measure.md").read_text("utf-8")
        assert page.count(f"| {row}") == 2
        assert page.count("| 12 |") == len(SECTIONS)
        assert page.count("\n## ") == (PAGES / language / "21-measure.md").read_text("utf-8").count("\n## ")


def test_the_table_of_costs_is_put_into_both_pages(tmp_path: Path) -> None:
    shutil.copytree(PAGES, tmp_path / "guide")
    write_costs(tmp_path / "guide", FULL, table_of_costs([Cost("make the event", "an event", 1234.5)]))
    for language, row in (
        ("en", "| make the event | an event | 1,234.50 µs |"),
        ("es", "| hacer el evento | evento | 1.234,50 µs |"),
    ):
        page = (tmp_path / "guide" / language / "21-measure.md").read_text("utf-8")
        assert page.rstrip().endswith(row)


def test_the_pages_have_a_place_for_each_table() -> None:
    for language in ("en", "es"):
        page = (PAGES / language / "21-measure.md").read_text("utf-8")
        assert len(re.findall(r"^\|  \| (?:unit|unidad) \|", page, re.MULTILINE)) == 1 + len(SECTIONS)
