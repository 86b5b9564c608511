// Light, dark, or as the system has it. Kept in this browser alone.

const KEY = "peerwatt-theme";
const systemDark = matchMedia("(prefers-color-scheme: dark)");
export const THEMES = ["auto", "light", "dark"];

let chosen = "auto";
systemDark.addEventListener("change", () => applyTheme(chosen));

export function storedTheme() {
  try {
    const stored = localStorage.getItem(KEY);
    return THEMES.includes(stored) ? stored : "auto";
  } catch {
    return "auto"; // storage may be switched off
  }
}

export function applyTheme(theme) {
  chosen = theme;
  const dark = theme === "dark" || (theme === "auto" && systemDark.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.dispatchEvent(new CustomEvent("themechange"));
}

export function keepTheme(theme) {
  applyTheme(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // the choice then lasts as long as the page
  }
}
