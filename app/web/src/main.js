import { mount } from "svelte";

import "uplot/dist/uPlot.min.css";
import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import App from "./App.svelte";
import { applyTheme, storedTheme } from "./lib/theme.js";

const FONT_WAIT_MS = 1500;
const FACES = ['16px "Hanken Grotesk"', '700 32px "Bricolage Grotesque"'];

applyTheme(storedTheme());

// Text drawn before its font is there would move when the font comes.
await Promise.race([
  Promise.all(FACES.map((face) => document.fonts.load(face))),
  new Promise((resolve) => setTimeout(resolve, FONT_WAIT_MS)),
]);

mount(App, { target: document.getElementById("app") });
