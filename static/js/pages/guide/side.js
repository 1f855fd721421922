// The pages at the side of the text: the section that is being read is marked, and the mark is kept in view.

const READING_PX = 140; // below the top of the window: a heading that is above this has been reached

/** Mark in `side`, as the text scrolls, the section that is being read. */
export function mountSide(side) {
  const page = side.querySelector("[aria-current=page]");
  const sections = [...side.querySelectorAll(".guide-sections a")].map((link) => ({
    link,
    heading: document.getElementById(decodeURIComponent(link.hash.slice(1))),
  }));
  let read;
  let waiting = 0;

  function mark() {
    waiting = 0;
    const reached = sections.findLast(({ heading }) => heading.getBoundingClientRect().top <= READING_PX)?.link;
    if (reached === read) return;
    read?.removeAttribute("aria-current");
    reached?.setAttribute("aria-current", "location");
    read = reached;
    show(side, reached ?? page);
  }

  if (!page) return;
  show(side, page);
  mark();
  addEventListener("scroll", () => (waiting ||= requestAnimationFrame(mark)), { passive: true });
}

/** Scroll `side` alone, and only where `link` is out of its view: the text stays where it is. */
function show(side, link) {
  const place = link.getBoundingClientRect();
  const { top, bottom, height } = side.getBoundingClientRect();
  const below = document.getElementById("guide-search").getBoundingClientRect().bottom; // it stays where it is
  if (place.top < below || place.bottom > bottom) side.scrollTop += place.top - top - height / 2;
}
