import * as vscode from "vscode";
import type { LocationMeasurement, Measurement, ProjectStatus, Status } from "../protocol.ts";

/** One project's state; `locations` holds the newest measurement, empty before the first. */
export interface Project {
  readonly folder: string;
  readonly status: ProjectStatus;
  readonly locations: readonly LocationMeasurement[];
}

/** The newest status and measurement of every project, as the language server sent them. */
export class MeasurementStore implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<string | undefined>();
  readonly #measured = new vscode.EventEmitter<void>();
  readonly #projects = new Map<string, Project>();
  #fetch: (() => Promise<Measurement>) | undefined;
  #fetching: Promise<void> | undefined;
  #asked = 0;

  /** Something changed: of the project in this folder, or of all where there is none. */
  readonly onDidChange = this.#changed.event;

  /** The measurement that the newest statuses speak of is here. */
  readonly onDidMeasure = this.#measured.event;

  /** All projects, in the order of their folders. */
  get projects(): readonly Project[] {
    return [...this.#projects.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
  }

  project(folder: string): Project | undefined {
    return this.#projects.get(folder);
  }

  /** Connects a server that has just started, or none any more. Forgets everything. */
  connect(fetch: (() => Promise<Measurement>) | undefined): void {
    this.#fetch = fetch;
    this.#projects.clear();
    this.#changed.fire(undefined);
  }

  /** Takes in a status, and asks for the measurement where there may be a new one. */
  async take(status: Status): Promise<void> {
    if (status.folder === null) {
      this.#projects.clear();
      this.#changed.fire(undefined);
      return;
    }
    const locations = this.#projects.get(status.folder)?.locations ?? [];
    this.#projects.set(status.folder, { folder: status.folder, status, locations });
    this.#changed.fire(status.folder);
    if (status.phase !== "measuring") await this.#refresh();
  }

  /** Forgets the projects in other folders: those that were taken out of the workspace. */
  keep(isKept: (folder: string) => boolean): void {
    for (const folder of [...this.#projects.keys()].filter((folder) => !isKept(folder))) {
      this.#projects.delete(folder);
      this.#changed.fire(folder);
    }
  }

  /** One request at a time: its answer holds all projects. */
  async #refresh(): Promise<void> {
    this.#asked++;
    this.#fetching ??= this.#fetchAll().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetchAll(): Promise<void> {
    for (let answered = 0; answered !== this.#asked;) {
      answered = this.#asked;
      const fetch = this.#fetch;
      const measurement = await fetch?.();
      if (measurement === undefined || fetch !== this.#fetch) return; // of a server that is gone
      this.#takeMeasurement(measurement);
      if (answered === this.#asked) this.#measured.fire();
    }
  }

  #takeMeasurement(measurement: Measurement): void {
    const measured = new Map(measurement.projects.map((project) => [project.folder, project]));
    for (const [folder, project] of this.#projects) {
      const newest = measured.get(folder);
      if (newest === undefined) this.#projects.delete(folder);
      else this.#projects.set(folder, { ...project, locations: newest.locations });
      this.#changed.fire(folder);
    }
  }

  dispose(): void {
    this.#fetch = undefined;
    this.#changed.dispose();
    this.#measured.dispose();
  }
}
