// The switch of the transport: buttons that leave all rungs or one, and which of them carries the page now.

import { RUNGS, forcedRungs } from "../shared/live.js";

/** Wire the buttons in `group` (data-rungs: "" for all, else one) to the connection. */
export function mountRungs(group, live) {
  const buttons = [...group.querySelectorAll("[data-rungs]")];
  let chosen = forcedRungs()?.join(",") ?? "";
  const draw = () => {
    const carries = live.status.state === "connected" ? live.status.transport : null;
    for (const button of buttons) {
      const { rungs } = button.dataset;
      button.setAttribute("aria-pressed", String(rungs === chosen));
      button.dataset.lit = String(rungs !== "" && rungs === carries);
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      chosen = button.dataset.rungs;
      live.use(chosen ? [chosen] : RUNGS);
      const url = new URL(location.href);
      if (chosen) url.searchParams.set("transports", chosen);
      else url.searchParams.delete("transports");
      history.replaceState(null, "", url);
      draw();
    });
  }
  live.on("status", draw);
  draw();
}
