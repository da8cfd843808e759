"use strict";
(() => {
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = () => innerWidth < 600;

  // A page that was opened from a file or inside a frame may have no storage: the switch then lasts as long as the page.
  const remembered = () => { try { return localStorage.getItem("gibbsweep-theme"); } catch { return null; } };
  const remember = theme => { try { localStorage.setItem("gibbsweep-theme", theme); } catch { /* not remembered */ } };
  let chosen = new URLSearchParams(location.hash.slice(1)).get("theme") || remembered();
  const paint = () => { root.dataset.theme = chosen || (dark.matches ? "dark" : "light"); };
  paint();

  const colour = name => getComputedStyle(root).getPropertyValue(name).trim();
  const axes = layout => Object.keys(layout).filter(key => /^[xy]axis/.test(key));
  function themed(layout) {
    const ink = colour("--ink"), soft = colour("--soft"), line = colour("--line"), paper = colour("--paper");
    const made = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", "font.color": soft, "hoverlabel.bgcolor": paper,
      "hoverlabel.bordercolor": line, "hoverlabel.font.color": ink, "legend.font.color": ink, "modebar.bgcolor": "rgba(0,0,0,0)",
      "modebar.color": soft, "modebar.activecolor": ink };
    for (const axis of axes(layout)) {
      made[`${axis}.gridcolor`] = line; made[`${axis}.zerolinecolor`] = line; made[`${axis}.linecolor`] = soft;
    }
    return made;
  }

  const config = name => ({ displaylogo: false, responsive: true, modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg", filename: name } });
  function spelt(runs) {
    const texts = [];
    for (const [text, count] of runs) for (let i = 0; i < count; i++) texts.push(text);
    // plotly reads some markup in texts: a name is never markup.
    return texts.map(text => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"));
  }
  const drawn = new Set();
  function draw(place) {
    if (drawn.has(place)) return;
    drawn.add(place);
    const { data, layout, runs, name } = figures[place.dataset.figure];
    const small = place.closest(".small") !== null;
    data.forEach((trace, i) => { if (runs[i].length) trace.text = spelt(runs[i]); trace.name = (trace.name || "").replace(/</g, "&lt;"); });
    const whole = Object.assign({ font: { size: 12 }, hovermode: "closest", dragmode: "zoom", hoverlabel: {},
      margin: { l: small ? 48 : 60, r: 16, t: small ? 12 : 30, b: 44 },
      legend: { orientation: "h", yref: "container", yanchor: "bottom", y: 0, xref: "paper", x: 0, font: { size: 11 } } }, layout);
    if (layout.showlegend) {
      const shown = data.filter(trace => trace.showlegend), width = Math.max(240, place.clientWidth - 76);
      const entry = 48 + 6.2 * Math.max(...shown.map(trace => trace.name.length));
      const rows = Math.ceil(shown.length / Math.max(1, Math.floor(width / entry)));
      whole.margin.b += 14 + 19 * rows;
      whole.height += 19 * rows;
      place.style.height = `${whole.height}px`;
    }
    whole.annotations = layout.annotations.map(note => note.yref === "paper" ? note : Object.assign({ bgcolor: colour("--paper") }, note));
    if (narrow()) { whole.dragmode = false; whole.margin.l = 46; whole.margin.r = 8; }
    Plotly.newPlot(place, data, whole, config(name)).then(() => {
      Plotly.relayout(place, themed(layout));
      root.dataset.drawn = String(drawn.size);
    });
  }

  const places = [...document.querySelectorAll(".plot")];
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "600px" });
  places.forEach(place => seen.observe(place));
  addEventListener("beforeprint", () => places.forEach(draw));
  for (const details of document.querySelectorAll("details"))
    details.addEventListener("toggle", () => details.querySelectorAll(".plot").forEach(p => { if (drawn.has(p)) Plotly.Plots.resize(p); }));

  function repaint() {
    paint();
    for (const place of drawn) {
      const { layout } = figures[place.dataset.figure], made = themed(layout);
      layout.annotations.forEach((note, i) => { if (note.yref !== "paper") made[`annotations[${i}].bgcolor`] = colour("--paper"); });
      Plotly.relayout(place, made);
    }
  }
  dark.addEventListener("change", repaint);
  document.getElementById("theme").addEventListener("click", () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    remember(chosen);
    repaint();
  });

  for (const group of document.querySelectorAll(".switch")) {
    const place = group.closest("figure").querySelector(".plot");
    group.addEventListener("click", event => {
      const button = event.target.closest("button");
      if (!button) return;
      draw(place);
      const which = Number(button.dataset.axis), { data, layout, also } = figures[place.dataset.figure];
      also.first = also.first || data.map(trace => trace.x);
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      const marks = which === 0;
      Plotly.update(place, { x: which ? also.x : also.first }, { "xaxis.title.text": also.labels[which], "xaxis.autorange": true,
        "xaxis.type": which ? "linear" : layout.xaxis.type, shapes: marks ? layout.shapes : [], annotations: marks ? layout.annotations : [] });
    });
  }

  for (const input of document.querySelectorAll(".slider .turn")) {
    const solids = [...input.closest(".pictures").querySelectorAll(".solid")], turns = Number(input.max) + 1;
    const turn = to => {
      input.value = ((to % turns) + turns) % turns;
      for (const solid of solids) solid.firstElementChild.style.transform = `translateY(${-100 * input.value / turns}%)`;
    };
    input.addEventListener("input", () => turn(Number(input.value)));
    for (const solid of solids) {
      let from = null;
      solid.addEventListener("pointerdown", event => { from = { x: event.clientX, turn: Number(input.value) }; solid.setPointerCapture(event.pointerId); });
      solid.addEventListener("pointermove", event => { if (from) turn(from.turn + Math.round((event.clientX - from.x) / 12)); });
      for (const end of ["pointerup", "pointercancel"]) solid.addEventListener(end, () => { from = null; });
    }
  }

  for (const input of document.querySelectorAll(".slider input:not(.turn)"))
    input.addEventListener("input", () => {
      for (const strip of input.closest(".pictures").querySelectorAll(".strip")) {
        const images = [...strip.querySelectorAll("img")];
        const shown = Math.round((input.value / input.max) * (images.length - 1));
        images.forEach((image, i) => { image.hidden = i !== shown; });
        strip.querySelector(".step").textContent = `${Number(images[shown].dataset.step).toLocaleString("en")} updates`;
      }
    });

  for (const button of document.querySelectorAll(".copy"))
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try { await navigator.clipboard.writeText(code.textContent); button.textContent = "copied"; }
      catch { getSelection().selectAllChildren(code); button.textContent = "selected"; }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });

  const links = new Map([...document.querySelectorAll(".top nav a")].map(link => [link.getAttribute("href").slice(1), link]));
  const spy = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) {
      links.forEach(link => link.classList.remove("here"));
      links.get(entry.target.id)?.classList.add("here");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const id of links.keys()) { const target = document.getElementById(id); if (target) spy.observe(target); }
})();
