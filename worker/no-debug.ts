/**
 * simple-git prints the environment of its children, credentials included, when DEBUG names it, and reads that
 * variable while it is loaded. So this module comes before everything else.
 */
delete process.env['DEBUG'];
