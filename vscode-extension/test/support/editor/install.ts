// Lets sources that import the editor's modules be tested without an editor: import this first, then
// the source with `await import(...)`.

import { registerHooks } from "node:module";

type Resolve = (specifier: string, context?: object) => object;

// Newer than the Node whose types the extension is written against.
declare module "node:module" {
  function registerHooks(hooks: {
    resolve: (specifier: string, context: object, next: Resolve) => object;
  }): void;
}

const STAND_INS: Readonly<Record<string, string>> = {
  vscode: "./vscode.ts",
  "vscode-languageclient/node": "./languageClient.ts",
};

registerHooks({
  resolve(specifier, context, next) {
    const own = STAND_INS[specifier];
    if (own === undefined) return next(specifier, context);
    return { url: new URL(own, import.meta.url).href, shortCircuit: true };
  },
});
