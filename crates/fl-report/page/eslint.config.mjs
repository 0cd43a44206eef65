// One rule for each mistake that was made, or that nobody sees when it is; types are checked by tsc.
const browser = ["document", "window", "location", "history", "performance", "addEventListener", "matchMedia", "devicePixelRatio", "innerWidth", "requestAnimationFrame", "getComputedStyle", "setTimeout", "setInterval", "atob", "URL", "URLSearchParams", "Blob", "DOMParser", "console"];

export default [
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: Object.fromEntries(browser.map((name) => [name, "readonly"])) },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "no-undef": "error",
      "no-unused-vars": "error",
      "no-redeclare": "error",
      "no-shadow": "error",
      "no-fallthrough": "error",
      "no-self-compare": "error",
      "no-unreachable": "error",
      "no-unused-expressions": ["error", { allowTernary: false }],
      "no-use-before-define": ["error", { functions: false }],
      "prefer-const": "error",
      "no-var": "error",
      eqeqeq: "error",
      // Text of others never becomes HTML or a program.
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": ["error", { property: "innerHTML" }, { property: "outerHTML" }, { property: "insertAdjacentHTML" }, { object: "document", property: "write" }],
      // The page asks for nothing.
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket", "EventSource", "Worker", "localStorage", "sessionStorage"],
      "max-lines": ["error", 400],
      "max-lines-per-function": ["error", 60],
    },
  },
];
