/**
 * Loaded once, before any workflow, while `Error` can still be changed. The SDK takes a stack trace for every promise
 * that a workflow makes; at V8's ten frames, each looked up in the source map, that is a third of a workflow's CPU.
 */
Error.stackTraceLimit = 4;

export {};
