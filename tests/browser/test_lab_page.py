"""A lesson of the laboratory in a browser: from the prediction to the explanation, by mouse and by keyboard."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, Response, expect

from tests.web.browser import DESK, IN_A_BROWSER, MOVING, PHONE, Windows
from tests.web.test_accessibility import AXE, OUTSIDE, RUN, THEMES, UNLABELLED, settled

pytestmark = IN_A_BROWSER

LESSON = "/lab/delivery"
FREE = "localStorage.setItem('envivo.lab.delivery', '{\"skipped\": true}')"  # as who wants to see it without guessing


async def free(windows: Windows, path: str = LESSON, **options: Any) -> Page:
    """A window on a lesson that asks nothing first."""
    page = await windows.blank(**options)
    await page.add_init_script(FREE)
    await windows.visit(page, path)
    await expect(page.locator(".panel")).to_have_count(3)
    return page


async def test_who_predicts_sees_it_break_says_what_was_seen_and_learns_why(windows: Windows) -> None:
    page = await windows.open(LESSON, **MOVING)
    await expect(page.locator("#lab-player")).to_contain_text("Responde arriba")
    await expect(page.locator("#lab-explain")).to_be_hidden()
    await expect(page.get_by_text("perdió 3 pagos")).to_have_count(0)  # the answer is nowhere yet

    go = page.get_by_role("button", name="Ver qué pasa")
    await page.get_by_label("Exactamente $10").check()
    await expect(go).to_have_attribute("aria-disabled", "true")
    await page.get_by_label("Bastante").check()
    await go.click()

    once, retry, keyed = (page.locator(f"[data-strategy={name}]") for name in ("once", "retry", "keyed"))
    await page.keyboard.press("3")
    await expect(page.locator(".slowly")).to_have_text("Parada: aquí se rompe la primera regla.")
    await expect(once.locator("[data-rule=nothing_lost]")).to_contain_text("El pago 2 se perdió: lo alcanzó el corte")
    await expect(once.locator(".cell.lost")).to_have_text(re.compile("2✕"))
    await expect(retry).to_have_attribute("data-state", "open")

    await page.keyboard.press(" ")
    await expect(page.locator("#lab-observe legend")).to_contain_text("pago 5 de la segunda caja")  # it went to its end
    await expect(once.locator(".outcome")).to_have_text(re.compile(r"\$7"))
    await expect(retry.locator(".cell.twice")).to_have_count(2)
    await expect(keyed.locator(".cell.right")).to_have_count(10)
    await expect(keyed).to_have_attribute("data-state", "holds")

    await page.get_by_label("Llegó, pero se perdió el ✓").check()
    await page.get_by_role("button", name="Eso vi").click()
    await expect(page.locator(".fact")).to_contain_text("perdió 3 pagos")
    await expect(page.locator("#lab-observe")).to_contain_text("Exactamente $10. Lo que pasó: Más de $10.")
    await expect(page.locator("#lab-explain")).to_contain_text("un pago perdido y un ✓ perdido se ven igual")
    await expect(page.locator("#lab-explain mark").last).to_contain_text("send(payment, key=key")
    await page.get_by_label("Se cobra dos veces").check()
    await expect(page.locator("#lab-quiz .notice")).to_contain_text("No es eso. No: lo segundo que llega")

    await windows.visit(page, "/lab")
    await expect(page.locator("[data-lesson=delivery]")).to_contain_text("✓ hecha")


async def test_an_act_changes_what_comes_after_it_and_nothing_before(windows: Windows) -> None:
    page = await windows.blank(locale="en")
    runs: list[dict[str, Any]] = []

    async def keep(response: Response) -> None:
        if response.url.endswith("/api/lab/runs") and response.ok:
            runs.append(await response.json())

    page.on("response", keep)
    await page.add_init_script(FREE)
    await windows.visit(page, LESSON)
    await page.locator("#lab-time").focus()
    while float(await page.locator("#lab-time").input_value()) < 8.2:
        await page.keyboard.press("ArrowRight")
    at = await page.locator(".time").text_content()
    await page.get_by_role("button", name="Cut the cable").click()

    await expect(page.locator(".which")).to_contain_text("Cut the cable (8.")
    await expect(page.locator(".time")).to_have_text(str(at))
    assert "x=cut@8." in page.url
    before, after = runs
    act = float(after["acts"][0].removeprefix("cut@"))
    for one, other in zip(before["played"], after["played"], strict=True):
        seen = [event for event in one["events"] if event["t"] < act]
        assert other["events"][: len(seen)] == seen
        assert other["events"] != one["events"]

    await page.keyboard.press("End")
    await page.locator("[data-strategy=keyed] summary").click()
    story = page.locator("[data-strategy=keyed] .story li")
    await expect(story).to_have_count(len(after["played"][2]["events"]))
    await expect(story.filter(has_text="till–bank: cut")).to_have_count(6)
    await page.go_back()
    await expect(page.locator(".which")).not_to_contain_text("Cut the cable")
    assert len(runs) == 2  # what is known is not asked for again


async def test_the_keyboard_alone_goes_through_a_lesson(windows: Windows) -> None:
    page = await windows.open(LESSON, locale="en")
    await page.locator("#main").focus()

    async def tab_to(name: str) -> None:
        for _ in range(40):
            await page.keyboard.press("Tab")
            if await page.evaluate("(name) => document.activeElement.matches(name)", name):
                return
        raise AssertionError(f"the tabulator does not come to {name}")

    await tab_to("[name=predict]")
    await page.keyboard.press("ArrowDown")
    await tab_to("[name=predict-sure]")
    await page.keyboard.press(" ")
    await page.keyboard.press("Enter")
    await expect(page.locator(".play")).to_be_focused()
    time, bar = page.locator(".time"), page.locator("#lab-time")
    await page.keyboard.press(" ")  # nothing moves by itself here: it goes to the next mark, the first fault
    await expect(time).to_have_text("2.1 s")
    await page.keyboard.press("ArrowRight")
    await expect(time).to_have_text("2.8 s")
    await page.keyboard.press("ArrowLeft")
    await expect(time).to_have_text("2.1 s")
    await page.locator("[data-rule=nothing_lost] button").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-strategy=once] .arrow:not(.dim)")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.locator(".dim")).to_have_count(0)
    await page.keyboard.press("End")
    assert await bar.input_value() == await bar.get_attribute("max")
    await page.keyboard.press("Home")
    await expect(time).to_have_text("0.0 s")


@pytest.mark.node
@pytest.mark.parametrize(("screen", "language"), [(DESK, "es"), (PHONE, "en")], ids=["desk", "phone"])
async def test_it_shuts_nobody_out(windows: Windows, screen: Any, language: str) -> None:
    page = await free(windows, viewport=screen, locale=language, bypass_csp=True)
    await page.locator("#lab-time").focus()
    await page.keyboard.press("End")
    await page.locator("[data-rule=once_each] button").first.click()
    await page.locator(".story summary").first.click()
    await page.get_by_role("button", name=re.compile("100")).click()
    await expect(page.locator(".tapes li")).to_have_count(100)
    await page.add_script_tag(path=str(AXE))
    for scheme, rules in THEMES.items():
        await page.emulate_media(color_scheme=scheme)
        await settled(page)
        assert await page.evaluate(RUN, rules) == []
    assert await page.evaluate(UNLABELLED) == []
    assert await page.evaluate(OUTSIDE) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    labels = await page.evaluate("""[...document.querySelectorAll(".picture")].map((picture) =>
        [...picture.querySelectorAll(".label")].map((one) => one.getBoundingClientRect()))""")
    for boxes in labels:
        for index, one in enumerate(boxes):
            for other in boxes[index + 1 :]:
                beside = one["right"] <= other["left"] or other["right"] <= one["left"]
                assert beside or abs(one["top"] - other["top"]) > 10, (one, other)


async def test_seeds_are_hunted_and_one_that_breaks_is_opened(windows: Windows) -> None:
    page = await free(windows, f"{LESSON}?cuts=7")
    await page.get_by_label("¿A quién?").select_option("retry")
    await page.get_by_role("button", name="Probar 100 semillas").click()
    found = page.locator(".found")
    await expect(found).to_have_text(re.compile(r"Rota en \d+ de 100 semillas\. La más corta es la \d+\. El pago \d+"))
    await expect(page.locator(".tapes .broken")).to_have_count(int(re.findall(r"\d+", await found.inner_text())[0]))
    await page.get_by_role("button", name=re.compile("Probar 9 valores")).click()
    await expect(page.locator(".curve circle")).to_have_count(9)
    await found.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(r"\?cuts=7&seed=\d+$"))
    await expect(page.locator(".which")).to_contain_text(f"semilla {page.url.rpartition('=')[2]} ")  # it has come
    await page.locator("#lab-time").focus()
    await page.keyboard.press("End")
    await expect(page.locator("[data-strategy=retry]")).to_have_attribute("data-state", "broken")
    await expect(page.locator("#lab-observe")).to_contain_text("has cambiado algo")


async def test_a_run_that_cannot_be_says_what_to_do(windows: Windows) -> None:
    page = await windows.blank()
    await page.add_init_script(FREE)
    await windows.visit(page, f"{LESSON}?cuts=99")
    await expect(page.get_by_role("alert")).to_contain_text("Esto no se puede hacer en esta lección")
    await page.get_by_role("button", name="Volver a lo de la lección").first.click()
    await expect(page.locator(".panel")).to_have_count(3)
    await expect(page).to_have_url(re.compile(f"{LESSON}$"))

    await page.route("**/api/lab/runs", lambda route: route.fulfill(status=503, headers={"Retry-After": "7"}, json={}))
    await page.get_by_role("button", name="Otra", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Espera 7 s")
    await page.unroute("**/api/lab/runs")
    await page.get_by_role("button", name="Intentarlo otra vez").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await expect(page.locator(".panel")).to_have_count(3)
