"""What axe-core finds in a page and in the maps inside it."""

from axe_playwright_python.base import AXE_SCRIPT, AxeResults

OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations", "incomplete"],  # not the passes too, which take as long to write down
}

# axe measures the contrast of a text against what lies behind it, some milliseconds for each. Of texts that are alike in
# all that this depends on, theirs and that of every element around them, it measures three.
SAMPLE = """() => {
  const ids = new Map(), known = new Map(), counts = new Map();
  const looks = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight", "textShadow",
    "filter", "mixBlendMode", "position", "display", "visibility", "clipPath", "webkitTextFillColor"];
  const idOf = (element) => {
    if (!element) return 0;
    if (!known.has(element)) {
      const style = getComputedStyle(element);
      const kind = [element.localName, element.getAttribute("class"), element.matches(":disabled"), element.hidden];
      const key = [idOf(element.parentElement), ...kind, ...looks.map((name) => style[name])].join();
      if (!ids.has(key)) ids.set(key, ids.size + 1);
      known.set(element, ids.get(key));
    }
    return known.get(element);
  };
  for (const element of document.querySelectorAll("*")) {
    const count = (counts.get(idOf(element)) ?? 0) + 1;
    counts.set(idOf(element), count);
    element.toggleAttribute("data-measured", count <= 3);
  }
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-measured]" }] });
}"""

# For axe a link in a text may differ by its contrast to the text or by more than colour. Here it must do the second, which
# asks more; the contrast of each link is what axe takes longest for.
STRICT = """axe.configure({ rules: [{ id: "link-in-text-block", any: ["link-in-text-block-style"] }] })"""


def barriers(page):
    """Report of everything that axe-core finds in a page of Playwright and in its frames; empty if it finds nothing.

    The page must come from a server: frames of a page from the disk cannot answer.
    """
    for frame in page.frames:  # axe looks into a frame only if it is there too
        if frame.evaluate("!window.axe"):
            frame.evaluate(AXE_SCRIPT)
            frame.evaluate(STRICT)
        frame.evaluate(SAMPLE)
    found = AxeResults(page.evaluate("options => axe.run(options)", OPTIONS))
    assert "frame-tested" not in {rule["id"] for rule in found.response["incomplete"]}, "a frame was not looked into"
    return found.generate_report() if found.violations_count else ""
