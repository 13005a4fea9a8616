"""The commands: a file each, from words to an exit code."""
