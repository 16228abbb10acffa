// As much of VS Code's API as the tests without an editor need.

type Listener<T> = (value: T) => void;

export class Disposable {
  readonly #dispose: () => void;

  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }

  static from(...all: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const one of all) one.dispose();
    });
  }

  dispose(): void {
    this.#dispose();
  }
}

export class EventEmitter<T> {
  readonly listeners = new Set<Listener<T>>();

  readonly event = (listener: Listener<T>): Disposable => {
    this.listeners.add(listener);
    return new Disposable(() => this.listeners.delete(listener));
  };

  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }

  dispose(): void {
    this.listeners.clear();
  }
}

/** What a test makes happen, and what it looks at. */
export const editor = {
  settings: {} as Record<string, unknown>,
  extensions: new Map<string, { activate: () => Promise<unknown> }>(),
  extensionsChanged: new EventEmitter<void>(),
};

export const LogLevel = { Trace: 1, Debug: 2, Info: 3 };

export const extensions = {
  getExtension: (id: string) => editor.extensions.get(id),
  onDidChange: editor.extensionsChanged.event,
};

export const workspace = {
  workspaceFolders: [],
  getConfiguration: (section: string) => ({
    get: (name: string, otherwise?: unknown) => editor.settings[`${section}.${name}`] ?? otherwise,
  }),
};
