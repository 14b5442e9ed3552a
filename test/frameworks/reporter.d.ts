interface TestResult {
  readonly ancestorTitles: readonly string[];
  readonly status: string;
}

export function frameworkLines(tests: readonly TestResult[]): string[];
