/** A text from user code for one line of Markdown, with no markup left in it. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!<>|~&$:@]/g, (c) => `&#${c.charCodeAt(0)};`);
}
