/** Says where a slider stands at once, while the server still counts what that would have done. */

document.addEventListener("input", (event) => {
  const slider = event.target;
  if (!(slider instanceof HTMLInputElement) || !slider.dataset.steps) return;
  const said = slider.dataset.steps.split("|")[Number(slider.value)];
  slider.setAttribute("aria-valuetext", said);
  const place = document.getElementById(slider.dataset.says ?? "");
  if (place) place.textContent = said;
});
