/** The policy form: the slider and the number of the threshold show the same value. */

const slider = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-threshold-slider]"));
const number = /** @type {HTMLInputElement | null} */ (document.getElementById("id_threshold"));

if (slider && number) {
  const steps = (slider.dataset.steps ?? "").split("|");
  const showOnSlider = () => {
    const typed = number.value === "" ? Infinity : Number(number.value);
    const index = steps.findIndex((step) => Number(step) >= typed);
    slider.value = String(index < 0 ? steps.length - 1 : index);
    slider.setAttribute("aria-valuetext", number.value === "" ? (slider.dataset.none ?? "") : `${number.value} %`);
  };
  slider.hidden = false;
  slider.addEventListener("input", () => {
    number.value = steps[Number(slider.value)];
    showOnSlider();
  });
  number.addEventListener("input", showOnSlider);
  showOnSlider();
}
