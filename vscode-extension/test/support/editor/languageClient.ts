// The parts of the language client that the tests without a server need.

export const CloseAction = { DoNotRestart: 1 };
export const ErrorAction = { Continue: 1 };
export const RevealOutputChannelOn = { Never: 4 };
export const MessageType = { Error: 1, Warning: 2, Info: 3 };
export const ShowMessageNotification = { type: "window/showMessage" };
export const DidChangeConfigurationNotification = {
  method: "workspace/didChangeConfiguration",
};

/** The clients that were made, and what became of them. */
export const clients: LanguageClient[] = [];

/** Called while one starts. */
export const life = { starting: () => undefined as unknown };

export class LanguageClient {
  isDisposed = false;
  readonly sent: [string, unknown][] = [];

  constructor() {
    clients.push(this);
  }

  onNotification(): void {
    return;
  }

  registerFeature(): void {
    return;
  }

  async start(): Promise<void> {
    life.starting();
    await new Promise((done) => setImmediate(done));
  }

  sendNotification(method: string, params: unknown): Promise<void> {
    this.sent.push([method, params]);
    return Promise.resolve();
  }

  dispose(): Promise<void> {
    this.isDisposed = true;
    return Promise.resolve();
  }
}
