import { join } from "node:path";

export interface Surroundings {
  /** The folder that the setting is for. */
  folder: string | undefined;
  /** All workspace folders by name. */
  folders: ReadonlyMap<string, string>;
  home: string;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * The value of a setting with its variables written out: `${workspaceFolder}`,
 * `${workspaceFolder:name}`, `${userHome}`, `${env:NAME}` and a leading `~`. What is not known stays
 * as it is, so that the message about it shows what was written.
 */
export function expand(value: string, around: Surroundings): string {
  const text = value.replace(
    /\$\{([^}:]+)(?::([^}]*))?\}/g,
    (whole, name: string, arg?: string) => {
      switch (name) {
        case "workspaceFolder":
          return (arg === undefined ? around.folder : around.folders.get(arg)) ?? whole;
        case "userHome":
          return around.home;
        case "env":
          return (arg === undefined ? undefined : around.env[arg]) ?? whole;
        default:
          return whole;
      }
    },
  );
  return /^~(?=$|[\\/])/.test(text) ? join(around.home, text.slice(1)) : text;
}
