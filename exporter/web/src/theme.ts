/** Colours, sizes and fonts: one place. */

import { createTheme, Drawer, type MantineColorsTuple, Modal } from "@mantine/core";

const blue: MantineColorsTuple = [
  "#edf3ff",
  "#d9e4fb",
  "#b0c7f4",
  "#84a8ee",
  "#608de8",
  "#4a7ce5",
  "#3d72e4",
  "#2f60c9",
  "#2655b5",
  "#1549a0",
];
const dark: MantineColorsTuple = [
  "#d5d9e2",
  "#aeb4c2",
  "#8f97a8",
  "#687083",
  "#3b4252",
  "#2b3140",
  "#212632",
  "#181c25",
  "#12151c",
  "#0c0f14",
];
const gray: MantineColorsTuple = [
  "#f7f8fa",
  "#eef0f4",
  "#e3e6ec",
  "#d3d8e0",
  "#b9c0cc",
  "#929bab",
  "#667085",
  "#4b5466",
  "#343b49",
  "#1d222c",
];

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: 7,
  colors: { blue, dark, gray },
  fontFamily: "'Inter Variable', ui-sans-serif, system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  headings: {
    fontWeight: "600",
    sizes: { h1: { fontSize: "1.25rem" }, h2: { fontSize: "0.95rem" }, h3: { fontSize: "0.875rem" } },
  },
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem" },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  autoContrast: true,
  components: {
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
  },
});

/** Lines of a chart, in their order: told apart also by those who do not see all colours (after Okabe and Ito, 2008). */
export const SERIES = {
  light: ["#2f60c9", "#b45309", "#0f8a6d", "#a3337a", "#5b6b00", "#0e7fb8", "#c2410c", "#6d4bc3"],
  dark: ["#6f9bf5", "#f2b544", "#35c2a6", "#e58bc4", "#c5d14b", "#5cc4f2", "#f4875f", "#ab93f5"],
} as const;
