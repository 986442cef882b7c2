export { TOOL_NAMES, type Platform, type ToolName } from './catalog.ts';
export { cacheDirOf, ToolError, type ToolOptions } from './options.ts';
export { describePlan, missingTools, planTools, type ToolPlan } from './plan.ts';
export { createReport, elapsed, type Report } from './report.ts';
export { resolveTools } from './resolve.ts';
