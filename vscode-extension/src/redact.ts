const SECRET_NAME =
  /((?:password|passwd|secret|token|api_?key|access_?key|credential)[\w-]*["']?\s*[:=]\s*)(["']?)[^\s"',;]+\2/gi;
const IN_URL = /(\b[a-z][\w+.-]*:\/\/)[^\s/@]+@/gi;

/** Text that may be published: without what looks like a secret, and without the user's name. */
export function redact(text: string, home: string): string {
  const plain = text.replace(SECRET_NAME, "$1<hidden>").replace(IN_URL, "$1<hidden>@");
  return home === "" ? plain : plain.replaceAll(home, "~");
}
