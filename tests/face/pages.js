// Measures a report where a browser has laid it out, and leaves what it found in the document for the test to read.
addEventListener("load", () => {
  const cells = [];
  for (const svg of document.querySelectorAll("svg.heat")) {
    const title = svg.closest("figure").querySelector("figcaption").textContent;
    const ground = svg.querySelector(".ground").getBoundingClientRect();
    const shades = [...svg.querySelectorAll("path")].filter((path) => /^[pm]\d+$/.test(path.getAttribute("class")));
    for (const cell of svg.querySelectorAll("tspan")) {
      const range = document.createRange();
      range.selectNodeContents(cell.lastChild);
      const box = range.getBoundingClientRect();
      const [x, y] = [(box.left + box.right) / 2 - ground.left, (box.top + box.bottom) / 2 - ground.top];
      const point = new DOMPoint(x, y);
      const shade = shades.find((path) => path.isPointInFill(point));
      cells.push({
        title,
        text: cell.lastChild.textContent,
        x,
        y,
        width: box.width,
        shade: shade ? shade.getAttribute("class") : "",
        fill: shade ? getComputedStyle(shade).fill : "",
      });
    }
  }
  const found = document.createElement("pre");
  found.id = "measured";
  found.textContent = JSON.stringify({
    cells,
    scripts: document.scripts.length,
    pageWidth: document.documentElement.scrollWidth,
    windowWidth: document.documentElement.clientWidth,
  });
  document.body.append(found);
});
