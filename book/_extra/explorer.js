// Connects the explorer's controls, pictures and plot. The data stand in the page.
"use strict";

for (const explorer of document.querySelectorAll(".explorer")) {
  const data = JSON.parse(explorer.querySelector("script[type='application/json']").textContent);
  const control = (name) => explorer.querySelector(`select[name=${name}], input[name=${name}]`);
  const output = (name) => explorer.querySelector(`output[name=${name}]`);
  const points = [...explorer.querySelectorAll(".choice")];

  function show() {
    const chosen = Number(control("image").value);
    const rank = Number(control("rank").value);
    const samples = Number(control("samples").value);
    const image = data.images[chosen];
    const [k, s] = [data.ranks[rank], data.samples[samples]];
    output("rank").value = k;
    output("samples").value = s;
    control("rank").setAttribute("aria-valuetext", `${k} eigenvectors`);
    control("samples").setAttribute("aria-valuetext", `${s} samples`);
    explorer.querySelector(".explorer-says").textContent =
      `Image ${image.name}. SLUG ${image.scores[rank][samples]} ± ${image.errors[rank][samples]}, ` +
      `mean squared error ${image.mse}.`;
    for (const picture of explorer.querySelectorAll("[data-picture]")) {
      const name = picture.dataset.picture;
      const reason = picture.nextElementSibling;
      picture.hidden = Boolean(image.withheld);
      reason.hidden = !image.withheld;
      if (image.withheld) {
        reason.textContent = image.withheld;
        continue;
      }
      picture.src = name === "uncertainty" ? image.maps[rank][samples] : image.pictures[name];
      picture.alt = `${name.replace("_", " ")} of image ${image.name}`;
    }
    points.forEach((point, number) => {
      point.setAttribute("cy", data.heights[number][rank][samples]);
      point.setAttribute("aria-pressed", String(number === chosen));
    });
  }

  function choose(event) {
    control("image").value = event.currentTarget.dataset.image;
    show();
  }

  for (const point of points) {
    for (const kind of ["mouseenter", "focus", "click"]) point.addEventListener(kind, choose);
  }
  for (const name of ["image", "rank", "samples"]) control(name).addEventListener("input", show);
  show();
}
