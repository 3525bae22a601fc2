// The menus at the head of a page: printing, and closing them by Escape or by a click beside them.
(() => {
  document.querySelector(".btn-download-pdf-button")?.addEventListener("click", () => window.print());

  const menus = document.querySelectorAll("details.dropdown");
  document.addEventListener("pointerdown", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus) {
      if (menu.open && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  });
})();
