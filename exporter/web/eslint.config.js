import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import ts from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist", ".build-*", "src/api/schema.d.ts"]),
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  ts.configs.stylisticTypeChecked,
  hooks.configs.flat["recommended-latest"],
  a11y.flatConfigs.strict,
  { files: ["*.js"], extends: [ts.configs.disableTypeChecked] }, // eslint-plugin-jsx-a11y has no types
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["eslint.config.js"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "react-hooks/incompatible-library": "off", // we do not compile; it warns of tanstack's virtual lists
      "no-restricted-properties": [
        "error",
        { property: "dangerouslySetInnerHTML", message: "what was sent is text" },
        { property: "innerHTML", message: "what was sent is text" },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "what was sent is text" },
      ],
    },
  },
);
