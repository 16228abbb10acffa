/** Processes of this machine, found by a mark that they carry in their environment (Linux). */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export const MARK = "SNAPSIZE_TEST_MARK";

export interface Process {
  pid: number;
  command: string;
}

/** All processes that carry the mark, zombies apart. */
function marked(mark: string): Process[] {
  const wanted = `${MARK}=${mark}`;
  const found: Process[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      if (environment.includes(wanted) && command !== "") {
        found.push({ pid: Number(name), command });
      }
    } catch {
      continue; // it ended meanwhile, or is another user's
    }
  }
  return found;
}

/** The language servers among them. */
export function languageServers(mark: string): Process[] {
  return marked(mark).filter(({ command }) => /\slsp(\s|$)/.test(command));
}

/** Those that only an open window has: our servers, what they measure with, extension hosts. */
export function ofWindows(mark: string): Process[] {
  return marked(mark).filter(({ command }) =>
    /dagster.snapsize|--type=extensionHost/.test(command),
  );
}

/** Whether a process works in that folder: the project's code does while it is measured. */
export function worksIn(mark: string, folder: string): boolean {
  return marked(mark).some(({ pid }) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder;
    } catch {
      return false;
    }
  });
}
