// Before anything is painted: the colours that were chosen, and whether the first lines in index.html are those of the place that is asked for.
(function () {
  "use strict";
  var root = document.documentElement;
  var theme;
  try {
    theme = JSON.parse(localStorage.getItem("scale-lab/settings")).theme;
  } catch (error) {
    // Nothing set, or nothing to be read: as the system has it.
  }
  var dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.setAttribute("data-theme", dark ? "dark" : "light");
  if (!/^[#/]*$/.test(location.hash)) root.setAttribute("data-elsewhere", "");
})();
