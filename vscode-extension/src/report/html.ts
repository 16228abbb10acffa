/** Where the webview's parts are, as it may load them. */
export interface PageSources {
  readonly script: string;
  readonly style: string;
  /** What `webview.cspSource` says. */
  readonly allowed: string;
  readonly nonce: string;
}

/** The page of a report: nothing is loaded but our own script and style. */
export function page(folder: string, location: string, sources: PageSources): string {
  const policy =
    `default-src 'none'; script-src 'nonce-${sources.nonce}';` + ` style-src ${sources.allowed}`;
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="stylesheet" href="${escaped(sources.style)}">
    <title>${escaped(location)}</title>
  </head>
  <body data-folder="${escaped(folder)}" data-location="${escaped(location)}">
    <script nonce="${sources.nonce}" src="${escaped(sources.script)}"></script>
  </body>
</html>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
