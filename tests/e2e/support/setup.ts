/** Before all tests: what takes longer than a test may. */
import { environment } from "./projects.ts";

export default function setUp(): void {
  environment("dagster");
  environment("bare");
}
