import { open } from "node:fs/promises";

/** A line of a file and where it stands, in bytes. */
export interface Line {
  readonly text: string;
  readonly offset: number;
  readonly length: number;
}

const NEWLINE = 0x0a;
const CHUNK = 1 << 18;

/**
 * Reads a file line by line; only the longest line is ever held whole.
 *
 * node's readline knows no offsets, and takes characters for ends of lines that JSON may hold.
 */
export async function* linesOf(path: string, signal: AbortSignal): AsyncGenerator<Line> {
  const file = await open(path);
  try {
    let rest: Buffer[] = [];
    let offset = 0;
    for await (const chunk of file.createReadStream({ highWaterMark: CHUNK, autoClose: false })) {
      signal.throwIfAborted();
      const bytes = chunk as Buffer;
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
        const line = rest.length
          ? Buffer.concat([...rest, bytes.subarray(from, end)])
          : bytes.subarray(from, end);
        yield { text: line.toString("utf8"), offset, length: line.length };
        offset += line.length + 1;
        from = end + 1;
        rest = [];
      }
      if (from < bytes.length) rest.push(bytes.subarray(from));
    }
    if (rest.length > 0) {
      const line = Buffer.concat(rest);
      yield { text: line.toString("utf8"), offset, length: line.length };
    }
  } finally {
    await file.close();
  }
}

/** The line that stands at that place. */
export async function lineAt(path: string, offset: number, length: number): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
