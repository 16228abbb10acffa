const NAMES = "password|passwd|secret|token|api_?key|access_?key|credential";
const VALUE = String.raw`"[^"]*"|'[^']*'|[^\s"',;]+`;
const NAMED = new RegExp(`((?:${NAMES})[\\w-]*["']?\\s*[:=]\\s*)(?:${VALUE})`, "gi");
const AUTHORIZATION = /(authorization["']?\s*[:=]\s*).*/gi;
const IN_URL = /(\b[a-z][\w+.-]*:\/\/)[^\s/@]+@/gi;

/** Text that may be published: without what looks like a secret, and without the user's name. */
export function redact(text: string, home: string): string {
  const plain = text
    .replace(AUTHORIZATION, "$1<hidden>")
    .replace(NAMED, "$1<hidden>")
    .replace(IN_URL, "$1<hidden>@");
  return home === "" ? plain : plain.replaceAll(home, "~");
}
