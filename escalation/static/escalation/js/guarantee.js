/** Shows the threshold of the slider at once, while the server still computes its preview. */

document.addEventListener("input", (event) => {
  const slider = event.target;
  if (!(slider instanceof HTMLInputElement) || !slider.dataset.steps) return;
  const threshold = slider.dataset.steps.split("|")[Number(slider.value)];
  slider.setAttribute("aria-valuetext", threshold);
  const output = document.getElementById(slider.dataset.output ?? "");
  if (output) output.textContent = threshold;
});
