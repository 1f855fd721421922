"""The browser client by itself, without a page around it: what a program sees, in the order it sees it."""

from typing import Any

from playwright.async_api import Page

_FOLLOW = """async (options) => {
    const { connect } = await import("/static/js/envivo/index.js");
    const live = connect(options);
    globalThis.listener = { live, heard: [] };
    live.on("*", (message) => globalThis.listener.heard.push(message));
    await new Promise((resolve) => live.on("connected", resolve));
}"""
_WATCH = """
    globalThis.timeline = [];
    new MutationObserver((changes) => {
        for (const { target } of changes) {
            if (target.id !== "badge-slot") continue;
            const { state, transport } = target.dataset;
            const last = timeline.at(-1);
            if (last?.state === state && last.transport === transport) continue;
            timeline.push({ at: performance.now(), state, transport });
        }
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-state", "data-transport"] });
"""


class Listener:
    """A live connection of its own inside `page`, opened with the client's `options`."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def follow(self, **options: Any) -> None:
        """Connect, and wait for the first welcome: from there on everything counts."""
        await self._page.evaluate(_FOLLOW, options)

    async def heard(self, type: str) -> list[Any]:
        """The `data` of every message of that type so far, in the order they came."""
        return list(
            await self._page.evaluate(
                "(type) => listener.heard.filter((message) => message.type === type).map(({ data }) => data)", type
            )
        )

    async def status(self) -> dict[str, Any]:
        """The client's status (static/js/envivo/status.js)."""
        return dict(await self._page.evaluate("listener.live.status"))


async def watch_badge(page: Page) -> None:
    """Remember every change of the badge of the pages that are opened from now on."""
    await page.add_init_script(_WATCH)


async def timeline(page: Page) -> list[dict[str, Any]]:
    """The changes so far: `at` (ms since the page began), `state`, `transport`."""
    return list(await page.evaluate("timeline"))
